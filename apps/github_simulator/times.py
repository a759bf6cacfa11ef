"""Times as GitHub writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def text_time(moment: datetime) -> str:
    """The moment as GitHub writes it: `YYYY-MM-DDTHH:MM:SSZ`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_of_epoch(seconds: float) -> str:
    """The moment of these epoch seconds, as GitHub writes it."""
    return text_time(datetime.fromtimestamp(seconds, UTC))
