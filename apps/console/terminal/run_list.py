"""Lay out a list of runs for people: a row for each, and below it why it is not fine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from apps.console.terminal.colours import ASIDE, OF_STATE, PLAIN, STRONG, UNDECIDED, Pieces
from apps.console.terminal.fitting import wrapped
from apps.explain.known_runs import COMPLETED, KnownRun
from telemetry import visible

_GAP = "  "
_HEADS = ("run", "state", "began (UTC)", "took")
_NARROWEST = 20


def run_rows(runs: Sequence[KnownRun], *, width: int | None, now: datetime) -> Iterator[Pieces]:
    """Yield the rows: number, state, start, duration, what it covers and, if it is not fine, why."""
    cells = [_cells(run, now) for run in runs]
    if not cells:
        return
    widths = [max(map(len, column)) for column in zip(_HEADS, *cells, strict=True)]
    rest = sum(widths) + len(_GAP) * len(widths)
    room = None if width is None else max(_NARROWEST, width - rest)
    yield [(f"{_aligned(_HEADS, widths)}what", ASIDE)]
    for run, row in zip(runs, cells, strict=True):
        colour = UNDECIDED if run.state == COMPLETED and not run.is_fine else OF_STATE.get(run.state, PLAIN)
        number, state, *others = _padded(row, widths)
        first, *more = wrapped(_covers(run), room)
        yield [(f"{number}{_GAP}", STRONG), (f"{state}{_GAP}", colour), (_GAP.join([*others, first]), PLAIN)]
        for one in more:
            yield [(" " * rest + one, PLAIN)]
        for one in wrapped(run.cause, room) if run.cause else ():
            yield [(" " * rest + one, colour)]


def _cells(run: KnownRun, now: datetime) -> tuple[str, ...]:
    began = run.started_at
    when = f"{began:%H:%M:%S}" if began.date() == now.date() else f"{began:%Y-%m-%d %H:%M}"
    return str(run.number), run.state, when, took(run.duration_sec)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{cell}{_GAP}" for cell in _padded(cells, widths))


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return the cells padded to their columns; numbers are right-aligned."""
    sides = (str.rjust, str.ljust, str.ljust, str.rjust)
    return [side(cell, width) for side, cell, width in zip(sides, cells, widths, strict=True)]


def _covers(run: KnownRun) -> str:
    whose = f"team {run.team}" if run.team else f"team_id={run.team_id}"
    kind = "" if run.kind == "recent" else f" ({run.kind})"
    return visible(f"{run.names}{kind}{_GAP}{whose}")


def took(seconds: float) -> str:
    """Return how long a run took as people read it."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return str(timedelta(seconds=round(seconds))).removeprefix("0:")
