"""Draw where runs stand as bars that fit the terminal and stay in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from apps.console.terminal.fitting import wrapped
from apps.console.terminal.standing import Standing, has_ended, state_of
from apps.integrations.models import RepoSync
from apps.utils import clock
from telemetry import visible

_FILLED, _EMPTY = "━", "─"
_WIDEST_BAR = 30
_NARROWEST_BAR = 8
_NO_BAR_BELOW = 60  # columns
_NARROWEST_STATE = 24
_GAP = "  "


@contextmanager
def drawn_bars(console: Console) -> Iterator[Callable[[Standing], None]]:
    """Yield a function that draws where runs stand over what it drew before; the last drawing stays."""
    latest = Standing()
    with Live(console=console, auto_refresh=False) as live:

        def draw(standing: Standing) -> None:
            nonlocal latest
            latest = standing
            live.update(Group(*frame(standing, width=console.width, height=console.height)), refresh=True)

        try:
            yield draw
        finally:
            live.update(Group(*frame(latest, width=console.width)), refresh=False)


def frame(standing: Standing, *, width: int, height: int | None = None) -> list[Text]:
    """Return the lines of a picture; ended repositories are left out if it is taller than `height`."""
    lines = _lines(standing.rows, width)
    points = _points_lines(standing)
    if height is None or len(lines) + len(points) < height:
        return [*lines, *points]
    unfinished = [row for row in standing.rows if not has_ended(row)]
    ended = Text(f"{len(standing.rows) - len(unfinished)} of {len(standing.rows)} have ended", "dim")
    return [ended, *_lines(unfinished, width), *points]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """What one row shows, as text."""

    repository: str
    kind: str
    share: float | None
    counts: str
    elapsed: str
    state: str
    style: str

    @classmethod
    def of(cls, row: RepoSync) -> _Bar:
        expected = row.prs_expected
        return cls(
            repository=visible(row.repository.full_name),
            kind=row.run.get_kind_display(),
            share=None if expected is None else row.prs_done / (expected or 1),
            counts=f"{row.prs_done:,}/{'?' if expected is None else f'{expected:,}'}",
            elapsed=_elapsed(row),
            state=state_of(row),
            style=_style(row),
        )


def _lines(rows: Sequence[RepoSync], width: int) -> list[Text]:
    """Return a line for each repository, or one for each run below its name if there are several or the name is long."""
    bars = [_Bar.of(row) for row in rows]
    counts = max((len(bar.counts) for bar in bars), default=0)
    elapsed = max((len(bar.elapsed) for bar in bars), default=0)
    names = max((len(bar.repository) for bar in bars), default=0)
    kinds = max((len(bar.kind) for bar in bars), default=0)
    grouped: dict[str, list[_Bar]] = {}
    for bar in bars:
        grouped.setdefault(bar.repository, []).append(bar)
    is_flat = len(grouped) == len(bars) and names <= width // 3
    lines = []
    for repository, own in grouped.items():
        if not is_flat:
            lines.append(Text(repository, "bold"))
        for bar in own:
            line = Text(f"{repository:{names}}{_GAP}" if is_flat else f"{_GAP}{bar.kind:{kinds}}{_GAP}")
            line.append_text(_drawn(bar, width))
            line.append(f"{bar.counts:>{counts}}{_GAP}").append(f"{bar.elapsed:>{elapsed}}{_GAP}", "dim")
            lines += _with_state(line, bar, width)
    return lines


def _drawn(bar: _Bar, width: int) -> Text:
    if width < _NO_BAR_BELOW:
        return Text()
    length = max(_NARROWEST_BAR, min(_WIDEST_BAR, width // 8))
    filled = 0 if bar.share is None else int(length * bar.share)
    return Text.assemble((_FILLED * filled, bar.style), (_EMPTY * (length - filled), "dim"), _GAP)


def _with_state(line: Text, bar: _Bar, width: int) -> list[Text]:
    """Return the line with the bar's state at its end, or below it if the terminal is too narrow."""
    begins = len(line)
    if width - begins >= min(_NARROWEST_STATE, len(bar.state)):
        first, *more = wrapped(bar.state, width - begins)
        return [line.append(first, bar.style), *(Text(" " * begins + one, bar.style) for one in more)]
    return [line, *(Text(_GAP * 2 + one, bar.style) for one in wrapped(bar.state, width - 2 * len(_GAP)))]


def _points_lines(standing: Standing) -> list[Text]:
    working = [row for row in standing.rows if not has_ended(row)]
    left = {row.repository.connection.account: standing.points_left(row) for row in working}
    known = {account: points for account, points in left.items() if points is not None}
    of = {account: f" of {visible(account)}" if len(known) > 1 else "" for account in known}
    return [Text(f"{points:,} points{of[account]} left", "dim") for account, points in known.items()]


def _elapsed(row: RepoSync) -> str:
    if row.started_at is None:
        return ""
    seconds = round(((row.ended_at or clock.now()) - row.started_at).total_seconds())
    return f"{seconds} s" if seconds < 100 else str(timedelta(seconds=seconds)).removeprefix("0:")


def _style(row: RepoSync) -> str:
    if row.state == RepoSync.State.FAILED:
        return "red"
    if row.state == RepoSync.State.COMPLETED:
        return "green"
    return "yellow" if row.waits_for else "cyan"
