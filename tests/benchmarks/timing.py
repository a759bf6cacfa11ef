"""Measure several sides in turns, so that a busy moment of the machine affects all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

Samples = Mapping[str, Sequence[float]]
"""The seconds of each side, turn by turn."""


def in_turns(sides: Mapping[str, Callable[[], float]], *, turns: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Measure the sides `turns` times in turns, after `warm_up` turns that are not counted, and return their seconds.

    Every second turn goes backwards: what a side leaves to do, such as a vacuum of what it wrote, costs its neighbour.
    """
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(warm_up + turns):
        for name in list(sides)[:: -1 if turn % 2 else 1]:
            seconds = sides[name]()
            if turn >= warm_up:
                samples[name].append(seconds)
    return samples


def seconds_of(block: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how long `block` takes by `clock`, with garbage collection postponed."""
    with _no_collection():
        started = clock()
        block()
        return clock() - started


def ratio(samples: Samples, side: str, to: str) -> float:
    """Return the median over all turns of the ratio of one side's time to the other's."""
    return statistics.median(one / other for one, other in zip(samples[side], samples[to], strict=True))


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
