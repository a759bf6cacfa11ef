"""Watch runs from their rows: bars at a terminal, plain lines elsewhere, until every run has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db.models import Q
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from apps.integrations.models import ApiLane, PipelineRun, RepoSync

_EVERY = 0.25  # seconds
Show = Callable[[Sequence[RepoSync]], None]


def watch(task_id: str, *, console: Console, start_within: float = 30.0) -> list[PipelineRun]:
    """The run that ``task_id`` starts and those that follow it, all ended; TimeoutError when none starts."""
    deadline = time.monotonic() + start_within
    with _shown(console) as show:
        while True:
            runs = _runs(task_id)
            if not runs and time.monotonic() > deadline:
                raise TimeoutError("No worker has started the run: look at the worker's lines.")
            show(_rows(runs))
            if runs and all(run.ended_at is not None for run in runs) and not _dispatching(runs):
                return runs
            time.sleep(_EVERY)


def _runs(task_id: str) -> list[PipelineRun]:
    first = Q(task_id=task_id, kind=PipelineRun.Kind.PHASE1)
    return list(PipelineRun.objects.filter(first | Q(follows__task_id=task_id)).order_by("pk"))


def _dispatching(runs: Sequence[PipelineRun]) -> bool:
    """Phase 1 has ended well, and its phase 2 is not there yet."""
    return False if not runs[0].backfill or runs[0].state != PipelineRun.State.COMPLETED else len(runs) == 1


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
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[int, TaskID] = {}

        def show(rows: Sequence[RepoSync]) -> None:
            for row in rows:
                bar = bars.get(row.pk)
                if bar is None:
                    bar = bars[row.pk] = progress.add_task(_name(row), total=None, state="")
                total = row.prs_total if row.prs_total is None else max(row.prs_total, row.prs_done)
                progress.update(bar, completed=row.prs_done, total=total, state=_state(row))

        yield show


def _plain(console: Console) -> Show:
    said: dict[int, str] = {}

    def show(rows: Sequence[RepoSync]) -> None:
        for row in rows:
            state = _state(row, with_budget=False)
            if said.get(row.pk) != state:
                said[row.pk] = state
                console.print(f"{_name(row)}: {row.prs_done} of {row.prs_total or '?'}, {state}", highlight=False)

    return show


def _name(row: RepoSync) -> str:
    return f"{row.repository.full_name} ({row.run.get_kind_display()})"


def _state(row: RepoSync, *, with_budget: bool = True) -> str:
    if row.state in (RepoSync.State.COMPLETED, RepoSync.State.FAILED):
        ended = row.run.phase if row.run.ended_at is None else row.outcome
        return f"{row.outcome}: {row.error_msg}" if row.state == RepoSync.State.FAILED else ended
    if row.wait_reason:
        return f"waits: {row.wait_reason} limit until {row.due_at:%H:%M:%S}"
    if row.state == RepoSync.State.RETRYING:
        return f"attempt {row.attempt + 1} at {row.due_at:%H:%M:%S}: {row.error_msg}"
    lane = ApiLane.objects.filter(account=row.repository.connection.account).first() if with_budget else None
    left = "" if lane is None or lane.graphql_remaining is None else f", {lane.graphql_remaining} points left"
    return f"{row.run.phase}{left}"
