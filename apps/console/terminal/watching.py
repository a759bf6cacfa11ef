"""Watch runs by their rows until all have ended: bars at a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from apps.integrations.models import ApiLane, PipelineRun, RepoSync
from apps.utils import clock
from telemetry import visible

_EVERY = 0.25  # seconds
_SILENCE = 30.0  # seconds after which a plain line is due though nothing has changed
Show = Callable[[Sequence[RepoSync]], None]
Asked = TypeVar("Asked")
Read = TypeVar("Read")
_PATIENCE = 60.0  # seconds


def watch(
    task_id: str, *, console: Console, start_within: float = 30.0, tend: Callable[[], None] | None = None
) -> list[PipelineRun]:
    """Show the run that `task_id` starts and those that follow it, and return them when all have ended.

    TimeoutError when no run starts within `start_within` seconds. `tend` is called as often as the rows are read, for a
    command that has programs of its own to look after.
    """
    deadline = time.monotonic() + start_within
    with _shown(console) as show:
        while True:
            runs = _runs(task_id)
            if not runs and time.monotonic() > deadline:
                raise TimeoutError(
                    f"No worker has started the run in {start_within:g} s: if all are busy, it starts when one is free, and "
                    "the admin shows it; if not, look at the worker's lines."
                )
            show(_rows(runs))
            if runs and all(run.ended_at is not None for run in runs):
                return runs
            if tend is not None:
                tend()
            clock.sleep(_EVERY)


def _patient(read: Callable[[Asked], Read]) -> Callable[[Asked], Read]:
    """Call `read` again for up to a minute while the database cannot be reached: the workers go on when it is back."""

    @wraps(read)
    def patiently(asked: Asked) -> Read:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return read(asked)
            except (OperationalError, InterfaceError):
                if time.monotonic() > deadline:
                    raise
                connection.close()
                time.sleep(_EVERY)

    return patiently


@_patient
def _runs(task_id: str) -> list[PipelineRun]:
    first = Q(task_id=task_id, kind=PipelineRun.Kind.RECENT)
    return list(PipelineRun.objects.filter(first | Q(follows__task_id=task_id)).order_by("pk"))


@_patient
def _rows(runs: Sequence[PipelineRun]) -> list[RepoSync]:
    return list(
        RepoSync.objects.filter(run__in=runs).select_related("run", "repository", "repository__connection").order_by("pk")
    )


@contextmanager
def _shown(console: Console) -> Iterator[Show]:
    if not console.is_terminal:
        yield _plain(console)
        return
    columns = (
        TextColumn(
            "{task.description}", markup=False, table_column=Column()
        ),  # a text is wrapped where it is tight; a number is not
        BarColumn(bar_width=min(30, console.width // 10)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}", markup=False, table_column=Column()),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[int, TaskID] = {}

        def show(rows: Sequence[RepoSync]) -> None:
            lanes = _lanes(rows)
            for row in rows:
                bar = bars.get(row.pk)
                if bar is None:
                    bar = bars[row.pk] = progress.add_task(_name(row), total=None, state="")
                state = _state(row) + _points_left(row, lanes)
                progress.update(bar, completed=row.prs_done, total=row.prs_expected, state=state)

        yield show


def _plain(console: Console) -> Show:
    """Print a line when a repository's state changes, with every tenth of its pull requests, and every half minute."""
    shown: dict[int, tuple[str, int, float]] = {}

    def show(rows: Sequence[RepoSync]) -> None:
        lanes = _lanes(rows)
        for row in rows:
            state, tenth = _state(row), 10 * row.prs_done // (row.prs_expected or 1)
            before = shown.get(row.pk)
            is_old = before is not None and not _has_ended(row) and time.monotonic() - before[2] > _SILENCE
            if before is None or is_old or before[:2] != (state, tenth):
                shown[row.pk] = (state, tenth, time.monotonic())
                counts = f"{row.prs_done} of {row.prs_expected or '?'}"
                line = f"{_name(row)}: {counts}, {state}{_points_left(row, lanes)}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)

    return show


def _name(row: RepoSync) -> str:
    return visible(f"{row.repository.full_name} ({row.run.get_kind_display()})")


def _has_ended(row: RepoSync) -> bool:
    return row.state in (RepoSync.State.COMPLETED, RepoSync.State.FAILED)


def _state(row: RepoSync) -> str:
    return visible(_state_of(row))


def _state_of(row: RepoSync) -> str:
    if row.state == RepoSync.State.FAILED:
        return f"{row.disposition}: {row.error_msg}"
    if row.state == RepoSync.State.COMPLETED:
        return row.run.phase if row.run.ended_at is None else row.disposition
    if row.state == RepoSync.State.RETRYING:
        return f"{row.waits_for}: {row.error_msg}"
    if row.waits_for:
        return f"waits for {row.waits_for}"
    return row.run.phase


def _points_left(row: RepoSync, lanes: Mapping[str, ApiLane]) -> str:
    if _has_ended(row):
        return ""
    lane = lanes.get(row.repository.connection.account)
    return "" if lane is None or lane.graphql_remaining is None else f", {lane.graphql_remaining} points left"


@_patient
def _lanes(rows: Sequence[RepoSync]) -> dict[str, ApiLane]:
    """Return the lanes of the accounts that `rows` use, by account."""
    return ApiLane.objects.in_bulk({row.repository.connection.account for row in rows})
