"""The time axis of a waterfall: map moments to terminal columns, leaving out long idle times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.explain.idle import idle_times


@dataclass(frozen=True, slots=True)
class Idle:
    """An idle time, and the one column that represents it."""

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
        """Return the columns that a time covers: at least one if any of it is on the axis."""
        if end_ns < self.start_ns or start_ns > self.end_ns:
            return range(0)
        first = min(int(self.column(start_ns)), self.columns - 1)
        last = self.column(end_ns)
        return range(first, max(first + 1, round(last)))


def axis_over(start_ns: int, end_ns: int, columns: int, busy: Iterable[tuple[int, int]]) -> Axis:
    """Return the axis of a time with work during the intervals `busy`."""
    gaps = idle_times(start_ns, end_ns, busy)
    if len(gaps) >= columns // 4:
        return Axis(start_ns, end_ns, columns)
    plain = Axis(start_ns, end_ns, columns, tuple(Idle(start, end, 0) for start, end in gaps))
    return Axis(start_ns, end_ns, columns, tuple(Idle(start, end, int(plain.column(start))) for start, end in gaps))
