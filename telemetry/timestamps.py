"""Moments as lines and attributes write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson

__all__ = ["iso_microseconds", "iso_seconds", "unix_nanoseconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso_seconds(moment: datetime) -> str:
    """Format `moment` in UTC as `YYYY-MM-DDTHH:MM:SSZ`; raise ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; give an aware datetime")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_microseconds(moment: datetime) -> str:
    """Format `moment` in UTC as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, as lines carry it."""
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    if not moment.microsecond:
        return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
    return orjson.dumps(moment, option=orjson.OPT_UTC_Z)[1:-1].decode()  # a fifth of strftime's time


def unix_nanoseconds(moment: datetime) -> int:
    """Return `moment` in Unix nanoseconds, exact to its microsecond."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000
