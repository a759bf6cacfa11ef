"""A lane has one holder, its latest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.integrations.lane import leases
from apps.integrations.lane.limits import Block, Budget
from apps.integrations.models import ApiLane

ACCOUNT = "api.github.com/octocat"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("lanes")


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
    row = ApiLane.objects.get()
    assert (row.holder, row.fence, row.graphql_remaining) == ("second", second.fence, None)


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
