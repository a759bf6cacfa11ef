"""Draw where a run's time went: a table whose rows sum to the run's duration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apps.console.terminal.colours import OF_PART, PLAIN, Pieces, plain
from apps.console.terminal.fitting import wrapped
from apps.explain.decomposition import Decomposition
from apps.explain.parts import Part

_SHOWN_FROM_NS = 5_000_000
_MOST_UNEXPLAINED = 5
_BAR_WIDTH = 40
_WIDEST_PART = max(len(part) for part in Part)
_HEADS = ("wall time", "sum over workers")
_BARS_AT = sum(len(head) for head in _HEADS) + _WIDEST_PART + 7  # a space before, and two between


def time_lines(time: Decomposition, *, width: int | None = None) -> Iterator[str]:
    """Yield the table; a row's bar is its share of the wall time, and parts without time are left out.

    The wall time is the critical path's: its rows sum to the run's duration. Unexplained time is listed below.
    """
    return map(plain, time_pieces(time, width=width))


def time_pieces(time: Decomposition, *, width: int | None = None) -> Iterator[Pieces]:
    """Yield the same with the bars in the colours of their parts."""
    yield from _uncoloured(wrapped(_row(*_HEADS, "").rstrip(), width))
    longest = _BAR_WIDTH if width is None else max(1, min(_BAR_WIDTH, width - _BARS_AT))
    total = (time.end_ns - time.start_ns) or 1
    for part in Part:
        wall, over_workers = time.wall[part], time.over_workers[part]
        if max(wall, over_workers) >= _SHOWN_FROM_NS:
            bar = "█" * max(1, round(longest * wall / total)) if wall >= _SHOWN_FROM_NS else ""
            yield [(_row(_seconds(wall), _seconds(over_workers), f"{part:<{_WIDEST_PART}}  "), PLAIN), (bar, OF_PART[part])]
    yield [(_row(_seconds(time.end_ns - time.start_ns), _seconds(sum(time.over_workers.values())), "in all"), PLAIN)]
    gaps = [gap for gap in time.unexplained if gap.duration_ns >= _SHOWN_FROM_NS]
    for gap in gaps[:_MOST_UNEXPLAINED]:
        began = _seconds(gap.start_ns - time.start_ns)
        sentence = f"unexplained: {_seconds(gap.duration_ns)}, {began} after the run began"
        yield from _uncoloured(wrapped(sentence, width, hang=2))
    if len(gaps) > _MOST_UNEXPLAINED:
        more = f"and {len(gaps) - _MOST_UNEXPLAINED} more times that nothing explains"
        yield from _uncoloured(wrapped(more, width, hang=2))


def _uncoloured(lines: Iterable[str]) -> Iterator[Pieces]:
    return ([(line, PLAIN)] for line in lines)


def _row(wall: str, over_workers: str, what: str) -> str:
    return f"{wall:>{len(_HEADS[0]) + 1}}  {over_workers:>{len(_HEADS[1])}}  {what}"


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.2f} s"
