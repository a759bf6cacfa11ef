"""A lane has one holder, its latest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.integrations.lane import leases
from apps.integrations.lane.limits import Budget
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
