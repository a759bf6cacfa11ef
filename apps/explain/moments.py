"""Format moments and lengths of time for people."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.utils.times_in_text import time_of_day


def clock_of(nanoseconds: int) -> str:
    """Return the time of day in UTC: `14:07:12Z`."""
    return time_of_day(datetime.fromtimestamp(nanoseconds // 10**9, UTC))


def length_of(seconds: float) -> str:
    """Return a length of time: `3.5 s`, `12 min 5 s`, `2 h 3 min`."""
    if seconds < 99.95:  # as printed with one digit
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:  # more is easier to read in hours
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: `1 page`, `2,504 pages`, `3 repositories`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("ory") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
