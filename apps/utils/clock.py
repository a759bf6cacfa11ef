"""The one place that tells the time and sleeps, so that a test can hold both in its hands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What tells the time and lets it pass."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class SteppedClock:
    """A clock that stands still until somebody sleeps; ``slept`` lists how long, in seconds."""

    def __init__(self, at: datetime) -> None:
        self._now = at
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)


_clock: ContextVar[Clock] = ContextVar("clock", default=SystemClock())  # noqa: B039  # it holds no state


def now() -> datetime:
    """The moment it is, in UTC."""
    return _clock.get().now()


def sleep(seconds: float) -> None:
    """``seconds`` have passed."""
    _clock.get().sleep(seconds)


@contextmanager
def using(clock: Clock) -> Iterator[Clock]:
    """Inside, ``clock`` tells the time in this context."""
    token = _clock.set(clock)
    try:
        yield clock
    finally:
        _clock.reset(token)
