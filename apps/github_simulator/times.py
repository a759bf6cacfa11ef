"""Times in GitHub's format."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """Return `moment` in GitHub's format, `YYYY-MM-DDTHH:MM:SSZ`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_epoch(seconds: float) -> str:
    """Return a Unix time in GitHub's format, `YYYY-MM-DDTHH:MM:SSZ`."""
    return format_time(datetime.fromtimestamp(seconds, UTC))
