"""What an answer says of the account's budgets, from its headers or its ``rateLimit`` block. No I/O.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from apps.integrations.github.nodes import RateLimit

LONGEST_WAIT = timedelta(days=1)
"""GitHub's budgets are by the hour: whatever names a later time is mistaken, and would stop an account for good."""


def limit_from_headers(headers: Mapping[str, str]) -> RateLimit | None:
    """The budget that the ``x-ratelimit-*`` headers tell; None without them (a 502, or a server without limits)."""
    try:
        return RateLimit(
            limit=int(headers["x-ratelimit-limit"]),
            remaining=int(headers["x-ratelimit-remaining"]),
            used=int(headers.get("x-ratelimit-used", 0)),
            reset_at=datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC),
            resource=headers.get("x-ratelimit-resource", "core"),
        )
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def limit_from_block(block: Mapping[str, Any] | None) -> RateLimit | None:
    """The budget that GraphQL's ``rateLimit`` block tells; None where limits are switched off, or it makes no sense."""
    if block is None:
        return None
    try:
        return RateLimit(
            limit=int(block["limit"]),
            remaining=int(block["remaining"]),
            used=int(block["used"]),
            reset_at=datetime.fromisoformat(block["resetAt"]).astimezone(UTC),
            resource="graphql",
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def limits_from_rest(document: Mapping[str, Any]) -> tuple[RateLimit, ...]:
    """Every budget that ``GET /rate_limit`` lists."""
    return tuple(
        RateLimit(
            limit=budget["limit"],
            remaining=budget["remaining"],
            used=budget["used"],
            reset_at=datetime.fromtimestamp(budget["reset"], UTC),
            resource=resource,
        )
        for resource, budget in document["resources"].items()
    )


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """``Retry-After`` in seconds, from either of its forms (RFC 9110); None without it or when it makes no sense.

    At most a day.
    """
    longest = LONGEST_WAIT.total_seconds()
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(longest, float(value))
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):  # not a date, or only one of the two has a zone
        return None
    return min(longest, max(0.0, wait.total_seconds()))
