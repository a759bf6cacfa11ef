"""The clock that everything here reads and sleeps by; a test can put another in its place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def now(self) -> datetime:
        """Return the current time, with its zone."""
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        raise NotImplementedError


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


class SteppedClock:
    """A clock that stands still until somebody sleeps; `slept` lists for how many seconds each."""

    def __init__(self, at: datetime) -> None:
        self._now = at
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the time at which the clock stands."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Advance the clock at once."""
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)


_clock: ContextVar[Clock] = ContextVar("clock", default=SystemClock())  # noqa: B039  # it holds no state


def now() -> datetime:
    """Return the current time in UTC."""
    return _clock.get().now()


def sleep(seconds: float) -> None:
    """Sleep for so many seconds."""
    _clock.get().sleep(seconds)


@contextmanager
def using(clock: Clock) -> Iterator[Clock]:
    """Use `clock` in this context until the block ends."""
    token = _clock.set(clock)
    try:
        yield clock
    finally:
        _clock.reset(token)
