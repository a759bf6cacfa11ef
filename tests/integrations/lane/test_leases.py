"""A lane has one holder, its latest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.integrations.lane import leases
from apps.integrations.lane.limits import Block, Budget
from apps.integrations.models import ApiLane

ACCOUNT = "api.github.com/octocat"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("beside")


@pytest.fixture
def beside(lanes: None) -> Iterator[None]:
    """Another account's lane, which stays as it is."""
    other = ApiLane.objects.create(
        account="api.github.com/hubot",
        holder="another",
        fence=1,
        leased_until=datetime.now(UTC) - timedelta(hours=1),
        blocked_until=NOW,
        blocked_reason="secondary",
        graphql_remaining=7,
    )
    before = _row(other.account)
    yield
    assert _row(other.account) == before


def _row(account: str = ACCOUNT) -> dict[str, Any]:
    return dict(ApiLane.objects.filter(account=account).values().get())


def _take(holder: str = "me", *, lease_seconds: float = 60.0) -> leases.Held | None:
    return leases.take(account=ACCOUNT, holder=holder, lease_seconds=lease_seconds)


def test_a_held_lane_is_taken_by_nobody_else() -> None:
    """Until it is left, or its lease ends."""
    held = _take("first")
    assert held is not None
    assert _take("second") is None
    assert leases.leave(account=ACCOUNT, fence=held.fence, budgets={}, block=None)
    assert _take("second", lease_seconds=0.0) is not None
    assert _take("third") is not None


def test_a_late_end_of_a_turn_changes_nothing() -> None:
    """Neither the lane's holder nor what it has learned."""
    first, second = _take("first", lease_seconds=0.0), _take("second")
    assert first is not None
    assert second is not None
    budgets = {"graphql": Budget(5000, 0, NOW)}
    assert not leases.leave(account=ACCOUNT, fence=first.fence, budgets=budgets, block=None)
    row = ApiLane.objects.get(account=ACCOUNT)
    assert (row.holder, row.fence, row.graphql_remaining) == ("second", second.fence, None)


def test_a_lease_lasts_as_long_as_was_asked_for_by_the_database_s_clock() -> None:
    """In seconds; each holder has the next number."""
    first = _take("first", lease_seconds=60.0)
    assert first is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        left = _row()["leased_until"] - cursor.fetchone()[0]
    assert timedelta(seconds=30) < left <= timedelta(seconds=60)
    assert (first.fence, leases.holder_of(ACCOUNT)) == (1, "first")
    assert leases.leave(account=ACCOUNT, fence=1, budgets={}, block=None)
    second = _take("second")
    assert second is not None
    assert (second.fence, leases.holder_of(ACCOUNT)) == (2, "second")
    assert leases.holder_of("api.github.com/nobody") is None


def test_who_left_has_not_vanished_and_who_did_not_has() -> None:
    """Whoever comes next learns of it, and how long ago its lease ended."""
    first = _take("first")
    assert first is not None
    assert (first.vanished, first.overdue_seconds) == (None, 0.0)
    assert leases.leave(account=ACCOUNT, fence=first.fence, budgets={}, block=None)
    second = _take("second", lease_seconds=-90.0)
    assert second is not None
    assert (second.vanished, second.overdue_seconds) == (None, 0.0)
    third = _take("third")
    assert third is not None
    assert third.vanished == "second"
    assert 90 <= third.overdue_seconds < 150


def test_what_a_turn_learned_is_there_for_the_next_and_what_it_did_not_stays() -> None:
    """Each resource's budget in its own columns, and what blocks the account."""
    first = _take("first")
    assert first is not None
    assert (first.budgets, first.block) == ({}, None)
    graphql, core = Budget(5000, 17, NOW), Budget(None, 3, NOW + timedelta(minutes=1))
    block = Block(NOW + timedelta(minutes=2), "secondary")
    assert leases.leave(account=ACCOUNT, fence=1, budgets={"graphql": graphql, "core": core}, block=block)
    assert _row() == {
        "account": ACCOUNT,
        "holder": None,
        "fence": 1,
        "leased_until": None,
        "graphql_limit": 5000,
        "graphql_remaining": 17,
        "graphql_reset_at": NOW,
        "core_limit": None,
        "core_remaining": 3,
        "core_reset_at": NOW + timedelta(minutes=1),
        "blocked_until": NOW + timedelta(minutes=2),
        "blocked_reason": "secondary",
    }
    second = _take("second")
    assert second is not None
    assert (second.budgets, second.block) == ({"graphql": graphql, "core": core}, block)
    assert leases.leave(account=ACCOUNT, fence=2, budgets={"core": Budget(60, 0, NOW)}, block=None)
    third = _take("third")
    assert third is not None
    assert (third.budgets, third.block) == ({"graphql": graphql, "core": Budget(60, 0, NOW)}, block)


def test_an_account_is_blocked_until_the_last_of_its_limits_is_over() -> None:
    """Whichever of them that is; one that is over counts no more."""
    lane = ApiLane(
        blocked_until=NOW + timedelta(seconds=10),
        blocked_reason="secondary",
        graphql_remaining=0,
        graphql_reset_at=NOW + timedelta(seconds=60),
        core_remaining=0,
        core_reset_at=NOW + timedelta(seconds=30),
    )
    assert leases.blocked_by(lane, now=NOW) == Block(NOW + timedelta(seconds=61), "primary")
    lane.graphql_remaining = 1
    assert leases.blocked_by(lane, now=NOW) == Block(NOW + timedelta(seconds=31), "primary")
    lane.core_reset_at = NOW - timedelta(seconds=2)
    assert leases.blocked_by(lane, now=NOW) == Block(NOW + timedelta(seconds=10), "secondary")
    assert leases.blocked_by(lane, now=NOW + timedelta(seconds=10)) is None
    lane.core_remaining, lane.core_reset_at = None, NOW + timedelta(seconds=30)  # nothing is known of what is left
    assert leases.blocked_by(lane, now=NOW + timedelta(seconds=10)) is None
