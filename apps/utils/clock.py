"""The clock that everything here reads and sleeps by: the database's, which all machines share.

Leases, signs of life, waits and back-off are compared over machines whose own clocks may differ by minutes. A test can put
another clock in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

from django.db import connection
from django.db.models import DateTimeField, Func

ATTENTION_SECONDS = 1.0
"""How long anything that waits may go without looking whether it should."""


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def now(self) -> datetime:
        """Return the current time, with its zone."""
        raise NotImplementedError

    def pinned(self) -> datetime | None:
        """Return the time that statements take in place of the database's own, or None where they do not."""
        raise NotImplementedError

    def sleep(self, seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Return after so many seconds; `meanwhile` is called every second, and ends the sleep if it raises."""
        raise NotImplementedError


class SystemClock:
    """The database's clock, asked each time: that costs as much as the least of statements, and is never out of date."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        with connection.wrap_database_errors:  # past Django's cursors: this is no statement of whoever asks
            (now,) = connection.connection.execute("SELECT clock_timestamp()").fetchone()
        return cast("datetime", now).astimezone(UTC)

    def pinned(self) -> None:
        """Let statements take the database's own time."""

    def sleep(self, seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Sleep."""
        ends = time.monotonic() + seconds
        while meanwhile is not None and ends - time.monotonic() > ATTENTION_SECONDS:
            time.sleep(ATTENTION_SECONDS)
            meanwhile()
        time.sleep(max(0.0, ends - time.monotonic()))


class SteppedClock:
    """A clock that stands still until somebody sleeps; `slept` lists for how many seconds each."""

    def __init__(self, at: datetime) -> None:
        self._now = at
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the time at which the clock stands."""
        return self._now

    def pinned(self) -> datetime:
        """Return the time at which the clock stands."""
        return self._now

    def sleep(self, seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Advance the clock at once."""
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)


_clock: ContextVar[Clock] = ContextVar("clock", default=SystemClock())  # noqa: B039  # it holds no state


def now() -> datetime:
    """Return the current time in UTC."""
    return _clock.get().now()


def pinned() -> datetime | None:
    """Return the time that a statement takes in place of the database's own, or None: `coalesce(%s, statement_timestamp())`.

    What a statement that is sent anyway can know by itself is not asked for by another.
    """
    return _clock.get().pinned()


def in_statement() -> datetime | Func:
    """Return the current time as a value in a statement of Django's: the database puts it in as the statement arrives."""
    return pinned() or Func(function="statement_timestamp", output_field=DateTimeField())


def carried(read: datetime, *, seconds: float) -> datetime:
    """Return the current time by what a statement has read of the database's clock, so many seconds ago by `boottime`."""
    return pinned() or read + timedelta(seconds=seconds)


def sleep(seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
    """Sleep for so many seconds; `meanwhile` is called every second, and ends the sleep if it raises."""
    _clock.get().sleep(seconds, meanwhile=meanwhile) if meanwhile else _clock.get().sleep(seconds)


@contextmanager
def using(clock: Clock) -> Iterator[Clock]:
    """Use `clock` in this context until the block ends."""
    token = _clock.set(clock)
    try:
        yield clock
    finally:
        _clock.reset(token)
