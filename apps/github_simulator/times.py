"""Format times the way GitHub does."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def text_time(moment: datetime) -> str:
    """Return the moment in GitHub's format, `YYYY-MM-DDTHH:MM:SSZ`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_of_epoch(seconds: float) -> str:
    """Return the time given in epoch seconds in GitHub's format."""
    return text_time(datetime.fromtimestamp(seconds, UTC))
