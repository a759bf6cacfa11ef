"""Budgets and waits are read from whichever place GitHub puts them in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.integrations.github.limits import limit_from_block, limit_from_headers, seconds_to_wait
from apps.integrations.github.nodes import RateLimit

RESET = datetime(2026, 1, 1, tzinfo=UTC)
HEADERS = {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-used": "5000",
    "x-ratelimit-reset": "1767225600",
    "x-ratelimit-resource": "graphql",
}


def test_headers_tell_the_budget() -> None:
    """The reset is epoch seconds."""
    assert limit_from_headers(HEADERS) == RateLimit(limit=5000, remaining=0, used=5000, reset_at=RESET, resource="graphql")


@pytest.mark.parametrize(
    "spoilt", [{}, {**HEADERS, "x-ratelimit-limit": "many"}, {**HEADERS, "x-ratelimit-reset": "9" * 30}]
)
def test_headers_that_tell_nothing_are_no_budget(spoilt: dict[str, str]) -> None:
    """A 502 has none, and a proxy may have its own."""
    assert limit_from_headers(spoilt) is None


def test_the_answer_s_own_block_tells_the_budget() -> None:
    """For servers that send no headers."""
    block = {"limit": 5000, "cost": 1, "remaining": 4999, "used": 1, "resetAt": "2026-01-01T00:00:00Z"}
    assert limit_from_block(block) == RateLimit(limit=5000, remaining=4999, used=1, reset_at=RESET, resource="graphql")
    assert limit_from_block(None) is None
    for spoilt in ({}, {**block, "limit": None}, {**block, "resetAt": 7}, {**block, "resetAt": "soon"}):
        assert limit_from_block(spoilt) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "60"}, 60.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, 86_400.0),
        ({"retry-after": "Thu, 01 Jan 2099 00:00:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 86_400.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 60.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT", "date": "Thu, 01 Jan 2026 00:01:00 GMT"}, 0.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    """A date counts from the server's own clock."""
    assert seconds_to_wait(headers) == seconds
