"""Find long idle times, which pictures of a run leave out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from apps.explain.parts import WAITING, part_of
from telemetry.reading import Span

_SHARE = 0.15  # of the whole time; less is not worth a break in the axis
_SHORTEST_NS = 10**9


def at_work(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Return when something was at work: in spans that are neither waits nor mere containers."""
    return [(span.start_ns, span.end_ns) for span in spans if (part := part_of(span)) is not None and part not in WAITING]


def idle_times(start_ns: int, end_ns: int, busy: Iterable[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return when nothing was at work for at least a second and a seventh of the time; none if that is all of it."""
    length = end_ns - start_ns
    shortest = max(_SHORTEST_NS, int(length * _SHARE))
    idle = [gap for gap in _gaps(start_ns, end_ns, busy) if gap[1] - gap[0] >= shortest]
    return [] if sum(end - start for start, end in idle) >= length else idle


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
