"""Limit how often a process does a repeated job, however many requests for it have piled up."""

from __future__ import annotations

from collections.abc import Callable

from apps.utils.boottime import boottime


class Pace:
    """Limits how often this process does some work, and to at most half of its time.

    The clock is the machine's own, in seconds: requests have no expiry, since machines' clocks differ.
    """

    def __init__(self, *, clock: Callable[[], float] = boottime) -> None:
        self._clock = clock
        self._next_at = float("-inf")

    def do(self, work: Callable[[], None], *, every: float) -> None:
        """Do `work` unless it began less than `every` seconds ago, or ended less time ago than it took."""
        began = self._clock()
        if began < self._next_at:
            return
        try:
            work()
        finally:
            ended = self._clock()
            self._next_at = max(began + every, ended + (ended - began))
