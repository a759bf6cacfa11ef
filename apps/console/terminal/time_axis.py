"""The time axis of a waterfall: moments as columns of a terminal, with what was idle for long left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

_IDLE_SHARE = 0.15  # of the whole time; less is not worth a break in the axis
_SHORTEST_IDLE_NS = 10**9


@dataclass(frozen=True, slots=True)
class Idle:
    """A time in which nothing was at work, and the column that stands for all of it."""

    start_ns: int
    end_ns: int
    column: int


@dataclass(frozen=True, slots=True)
class Axis:
    """From `start_ns` to `end_ns` in Unix nanoseconds over `columns`; each idle time takes one of them."""

    start_ns: int
    end_ns: int
    columns: int
    idle: tuple[Idle, ...] = ()

    def column(self, at_ns: int) -> float:
        """Return where a moment stands, from 0 to `columns`."""
        at = min(max(at_ns, self.start_ns), self.end_ns)
        left_out = 0
        for idle in self.idle:
            if at >= idle.end_ns:
                left_out += idle.end_ns - idle.start_ns
            elif at > idle.start_ns:
                return idle.column + (at - idle.start_ns) / (idle.end_ns - idle.start_ns)
        breaks = sum(at >= idle.end_ns for idle in self.idle)
        shown = self.end_ns - self.start_ns - sum(idle.end_ns - idle.start_ns for idle in self.idle)
        return breaks + (at - self.start_ns - left_out) / (shown or 1) * (self.columns - len(self.idle))

    def cells(self, start_ns: int, end_ns: int) -> range:
        """Return the columns that a time covers: one at least, if any of it is on the axis."""
        if end_ns < self.start_ns or start_ns > self.end_ns:
            return range(0)
        first = min(int(self.column(start_ns)), self.columns - 1)
        last = self.column(end_ns)
        return range(first, max(first + 1, round(last)))


def axis_over(start_ns: int, end_ns: int, columns: int, busy: Iterable[tuple[int, int]]) -> Axis:
    """Return the axis of a time in which something was at work during the intervals `busy`."""
    length = end_ns - start_ns
    shortest = max(_SHORTEST_IDLE_NS, int(length * _IDLE_SHARE))
    gaps = [gap for gap in _gaps(start_ns, end_ns, busy) if gap[1] - gap[0] >= shortest]
    if len(gaps) >= columns // 4 or sum(end - start for start, end in gaps) >= length:
        return Axis(start_ns, end_ns, columns)
    plain = Axis(start_ns, end_ns, columns, tuple(Idle(start, end, 0) for start, end in gaps))
    return Axis(start_ns, end_ns, columns, tuple(Idle(start, end, int(plain.column(start))) for start, end in gaps))


def _gaps(start_ns: int, end_ns: int, busy: Iterable[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return when nothing was at work: before, between and after the intervals."""
    merged = [(start_ns, start_ns)]
    for start, end in sorted(busy):
        if start > merged[-1][1]:
            merged.append((start, end))
        else:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
    merged.append((end_ns, end_ns))
    return [(before[1], after[0]) for before, after in pairwise(merged) if after[0] > before[1]]
