"""The clock that everything here reads and sleeps by: the database's, shared by all machines.

Leases, signs of life, waits and back-off are compared across machines whose own clocks may differ by minutes. A test
can substitute another clock.
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
"""How long a wait may go on without checking whether it should."""


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def now(self) -> datetime:
        """Return the current time, with its zone."""
        raise NotImplementedError

    def pinned(self) -> datetime | None:
        """Return the time that statements use instead of the database's own, or None if they use that."""
        raise NotImplementedError

    def sleep(self, seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Sleep for so many seconds; `meanwhile` is called every second, and ends the sleep by raising."""
        raise NotImplementedError


class SystemClock:
    """The database's clock, asked each time: that costs one minimal statement, and is never out of date."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        with connection.wrap_database_errors:  # past Django's cursors: this is not one of the caller's statements
            (now,) = connection.connection.execute("SELECT clock_timestamp()").fetchone()
        return cast("datetime", now).astimezone(UTC)

    def pinned(self) -> None:
        """Return None: statements use the database's own time."""

    def sleep(self, seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Sleep."""
        ends = time.monotonic() + seconds
        while meanwhile is not None and ends - time.monotonic() > ATTENTION_SECONDS:
            time.sleep(ATTENTION_SECONDS)
            meanwhile()
        time.sleep(max(0.0, ends - time.monotonic()))


class SteppedClock:
    """A clock that stands still except during sleeps; `slept` lists their lengths in seconds."""

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
    """Return a time to use in place of the database's, or None: `coalesce(%s, statement_timestamp())`.

    This saves a second statement where one that is sent anyway can read the time itself.
    """
    return _clock.get().pinned()


def in_statement() -> datetime | Func:
    """Return the current time as an expression for Django's queries, which the database evaluates."""
    return pinned() or Func(function="statement_timestamp", output_field=DateTimeField())


def carried(read: datetime, *, seconds: float) -> datetime:
    """Return the current time, given what a statement read from the database's clock and when, in `boottime`."""
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
