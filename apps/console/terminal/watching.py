"""Watch runs through their rows until all have ended: bars at a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, connection
from rich.console import Console

from apps.console.terminal.bars import drawn_bars
from apps.console.terminal.standing import Standing, has_ended, read_standing, state_of
from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry import visible

_EVERY = 0.25  # seconds
_SILENCE = 30.0  # seconds after which a plain line is due even without a change
_PATIENCE = 60.0  # seconds


def watch(
    run: str | int, *, console: Console, start_within: float = 30.0, tend: Callable[[], None] | None = None
) -> list[PipelineRun]:
    """Show a run (its number, or the task that starts it) and its followers, and return them once all have ended.

    Raise `TimeoutError` if no run starts within `start_within` seconds. `tend` is called whenever the rows are read,
    for a command that has its own programs to look after.
    """
    deadline = time.monotonic() + start_within
    with _shown(console) as show:
        while True:
            standing = read_patiently(run)
            if not standing.runs and time.monotonic() > deadline:
                raise TimeoutError(
                    f"No worker has started the run in {start_within:g} s: if all are busy, it starts when one is free, and "
                    "the admin shows it; if not, look at the worker's lines."
                )
            show(standing)
            if standing.runs and all(each.ended_at is not None for each in standing.runs):
                return list(standing.runs)
            if tend is not None:
                tend()
            clock.sleep(_EVERY)


def read_patiently(run: str | int) -> Standing:
    """Read where the runs stand, retrying for a minute if the database is away: the workers go on once it is back."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return read_standing(run)
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(_EVERY)


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[Standing], None]]:
    if console.is_terminal:
        with drawn_bars(console) as show:
            yield show
    else:
        yield plain_lines(console)


def plain_lines(console: Console) -> Callable[[Standing], None]:
    """Print a line when a repository's state changes, at every tenth of its pull requests, and every half minute."""
    shown: dict[int, tuple[str, int, float]] = {}

    def show(standing: Standing) -> None:
        for row in standing.rows:
            state, tenth = state_of(row), 10 * row.prs_done // (row.prs_expected or 1)
            before = shown.get(row.pk)
            is_old = before is not None and not has_ended(row) and time.monotonic() - before[2] > _SILENCE
            if before is None or is_old or before[:2] != (state, tenth):
                shown[row.pk] = (state, tenth, time.monotonic())
                name = visible(f"{row.repository.full_name} ({row.run.get_kind_display()})")
                points = None if has_ended(row) else standing.points_left(row)
                left = "" if points is None else f", {points} points left"
                line = f"{name}: {row.prs_done} of {row.prs_expected or '?'} read, {state}{left}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)

    return show
