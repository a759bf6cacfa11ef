"""How often a process does what it is asked to do again and again, however many such requests have piled up."""

from __future__ import annotations

from collections.abc import Callable

from apps.utils.boottime import boottime


class Pace:
    """Lets work be done by this process so often and no more, and for at most half of its time.

    The clock is the machine's own, in seconds: requests do not expire, since machines' clocks differ.
    """

    def __init__(self, *, clock: Callable[[], float] = boottime) -> None:
        self._clock = clock
        self._next_at = float("-inf")

    def do(self, work: Callable[[], None], *, every: float) -> None:
        """Do `work`, unless it was begun less than `every` seconds ago, or has rested for less time than it then took."""
        began = self._clock()
        if began < self._next_at:
            return
        try:
            work()
        finally:
            ended = self._clock()
            self._next_at = max(began + every, ended + (ended - began))
