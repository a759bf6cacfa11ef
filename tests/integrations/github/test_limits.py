"""Budgets and waits are read from whichever place GitHub puts them in."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from apps.integrations.github.limits import (
    RestBudget,
    cost_from_block,
    date_of,
    limit_from_block,
    limit_from_headers,
    limits_from_list,
    seconds_to_wait,
)
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


def test_an_old_server_names_neither_its_resource_nor_what_is_used() -> None:
    """Then it is REST's budget, of which nobody knows how much is used."""
    headers = {name: HEADERS[name] for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")}
    assert limit_from_headers(headers) == RateLimit(limit=5000, remaining=0, used=0, reset_at=RESET, resource="core")
    for missing in headers:
        assert limit_from_headers({name: value for name, value in headers.items() if name != missing}) is None


def test_a_listed_budget_is_that_of_its_resource() -> None:
    """Its reset is epoch seconds, too."""
    budget = RestBudget(limit=60, remaining=59, used=1, reset=1_767_225_600)
    assert budget.as_limit("search") == RateLimit(limit=60, remaining=59, used=1, reset_at=RESET, resource="search")


def test_a_budget_that_makes_no_sense_is_left_out_of_the_list() -> None:
    """The others are there, each by its resource."""
    budgets = {
        "graphql": b'{"limit": 5000, "remaining": 4999, "used": 1, "reset": 1767225600}',
        "search": b'{"limit": "many"}',
        "core": b'{"limit": 60, "remaining": 0, "reset": 1767225600}',
    }
    assert limits_from_list({resource: Raw(budget) for resource, budget in budgets.items()}) == (
        RateLimit(limit=5000, remaining=4999, used=1, reset_at=RESET, resource="graphql"),
        RateLimit(limit=60, remaining=0, used=0, reset_at=RESET, resource="core"),
    )


def test_a_listed_reset_is_a_moment_from_1970_to_the_year_9999() -> None:
    """Any other has no date."""
    listed = {"limit": 60, "remaining": 59, "used": 1}
    for reset in (0, 253_402_300_799):
        budget = msgspec.convert({**listed, "reset": reset}, RestBudget)
        assert budget.as_limit("core").reset_at.timestamp() == reset
    for reset in (-1, 253_402_300_800):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({**listed, "reset": reset}, RestBudget)


@pytest.mark.parametrize(
    ("block", "cost"),
    [
        ({"cost": 3}, 3),
        ({"cost": 0}, 0),
        ({"cost": 1_000_000}, 1_000_000),
        ({"cost": 1_000_001}, None),
        ({"cost": 2**31 - 1}, None),
        ({"cost": 2**31}, None),
        ({"cost": -1}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_a_call_cost_is_what_rows_can_add_up(block: object, cost: int | None) -> None:
    """Anything else makes no sense."""
    assert cost_from_block(block) == cost


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
    elsewhere = limit_from_block({**block, "resetAt": "2026-01-01T02:00:00+02:00"})
    assert elsewhere is not None
    assert (elsewhere.reset_at, elsewhere.reset_at.tzinfo) == (RESET, UTC)
    assert limit_from_block(None) is None
    for spoilt in ({}, {**block, "limit": None}, {**block, "resetAt": 7}, {**block, "resetAt": "soon"}):
        assert limit_from_block(spoilt) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "60"}, 60.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "86400"}, 86_400.0),
        ({"retry-after": "86401"}, 86_400.0),
        ({"retry-after": "Thu, 01 Jan 2026 23:59:59 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 86_399.0),
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


_NUMBERS = st.integers(-(10**30), 10**30)
_DATES = st.text(max_size=30) | st.builds(
    "Thu, {:02} Jan {:04} {:02}:{:02}:{:02} {}".format,
    *(st.integers(0, 99) | _NUMBERS for _ in range(5)),
    st.sampled_from(["GMT", "-0000", "", "EST"]) | st.builds("{:+05}".format, _NUMBERS),
)


@given(_DATES, _DATES)
def test_a_header_that_is_no_date_is_none(retry_after: str, date: str) -> None:
    """Whatever stands in its place, and however large its numbers are."""
    headers = {"retry-after": retry_after, "date": date}
    assert seconds_to_wait(headers) is None or 0.0 <= (seconds_to_wait(headers) or 0.0) <= 86_400.0
    found = date_of(headers)
    assert found is None or found.tzinfo is not None
