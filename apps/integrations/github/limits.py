"""Read what an answer says about the account's budgets, in its headers or its `rateLimit` block. Pure.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from apps.integrations.github.nodes import DateTime, Node, RateLimit

LONGEST_WAIT = timedelta(days=1)
"""GitHub's budgets are hourly: a later time is a mistake, and obeying it would stop an account for good."""

_MOST_POINTS = 1_000_000
"""A hundred hours' budget: no query costs that much, and sums of costs must fit their columns."""

EpochSeconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Up to the year 9999."""


class RestBudget(Struct, frozen=True, kw_only=True, gc=False):
    """A budget as listed by `GET /rate_limit`; an old server does not say what is used."""

    limit: int
    remaining: int
    reset: EpochSeconds
    used: int = 0

    def as_limit(self, resource: str) -> RateLimit:
        """Return this as the budget of `resource`."""
        return RateLimit(
            limit=self.limit,
            remaining=self.remaining,
            used=self.used,
            reset_at=datetime.fromtimestamp(self.reset, UTC),
            resource=resource,
        )


class _Block(Node, frozen=True, kw_only=True):
    limit: int
    remaining: int
    used: int
    reset_at: DateTime


class _Cost(Node, frozen=True, kw_only=True):
    cost: Annotated[int, Meta(ge=0, le=_MOST_POINTS)]


def limit_from_headers(headers: Mapping[str, str]) -> RateLimit | None:
    """Return the budget in the `x-ratelimit-*` headers, or None (a 502 has none, and a server may have no limits)."""
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


def limit_from_block(block: object) -> RateLimit | None:
    """Return the budget in GraphQL's `rateLimit` block, or None if limits are off or it makes no sense."""
    try:
        found = msgspec.convert(block, _Block)
    except msgspec.ValidationError:
        return None
    return RateLimit(
        limit=found.limit,
        remaining=found.remaining,
        used=found.used,
        reset_at=found.reset_at.astimezone(UTC),
        resource="graphql",
    )


def cost_from_block(block: object) -> int | None:
    """Return the points that the call cost by the `rateLimit` block, or None as in `limit_from_block`."""
    try:
        return msgspec.convert(block, _Cost).cost
    except msgspec.ValidationError:
        return None


def limits_from_list(listed: Mapping[str, Raw]) -> tuple[RateLimit, ...]:
    """Return the budgets listed by `GET /rate_limit`, by resource, without those that make no sense."""
    limits = []
    for resource, budget in listed.items():
        with suppress(ValueError, RecursionError):
            limits.append(msgspec.json.decode(budget, type=RestBudget).as_limit(resource))
    return tuple(limits)


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return when GitHub answered, by its own clock, to the second; None if it does not say."""
    date = _http_date(headers.get("date", ""))
    return date if date is not None and date.tzinfo is not None else None


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return `Retry-After` in seconds, at most a day, from either of its forms (RFC 9110); None if it makes no sense."""
    longest = LONGEST_WAIT.total_seconds()
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(longest, float(value))
    until, date = _http_date(value), _http_date(headers.get("date", ""))
    if until is None or date is None or (until.tzinfo is None) != (date.tzinfo is None):
        return None
    return min(longest, max(0.0, (until - date).total_seconds()))


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):  # not a date, or one with impossible numbers
        return None
