"""Lease lanes, as rows in PostgreSQL. Each change is one statement, so two processes can never hold one lane.

Only the database's clock judges leases. A change that names a fence has no effect once the lane has a later holder.
Changes that may be lost with the database's last half second do not wait for the disk: the lease's end makes up for a
lost release, and the next answer for a lost budget. Taking the lane does wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.integrations.lane.limits import Block, Budget, current, required_wait
from apps.integrations.models import ApiLane
from apps.utils import clock
from apps.utils.boottime import boottime

_LANES = ApiLane._meta.db_table

_TAKE = f"""
    UPDATE {_LANES}
    SET holder = %(holder)s, fence = fence + 1, leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE account = %(account)s
        AND (holder IS NULL OR leased_until < clock_timestamp())
    RETURNING old.holder, extract(epoch FROM clock_timestamp() - old.leased_until)::float8,
        fence, blocked_until, blocked_reason,
        graphql_limit, graphql_remaining, graphql_reset_at, core_limit, core_remaining, core_reset_at, clock_timestamp()
"""  # noqa: S608  # only our own table's name is put in

_LEAVE = f"""
    UPDATE {_LANES}
    SET holder = NULL, leased_until = NULL,
        graphql_limit = coalesce(%(graphql_limit)s, graphql_limit),
        graphql_remaining = coalesce(%(graphql_remaining)s, graphql_remaining),
        graphql_reset_at = coalesce(%(graphql_reset_at)s, graphql_reset_at),
        core_limit = coalesce(%(core_limit)s, core_limit),
        core_remaining = coalesce(%(core_remaining)s, core_remaining),
        core_reset_at = coalesce(%(core_reset_at)s, core_reset_at),
        blocked_until = coalesce(%(blocked_until)s, blocked_until),
        blocked_reason = coalesce(%(blocked_reason)s, blocked_reason)
    WHERE account = %(account)s AND fence = %(fence)s
        AND (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
"""  # noqa: S608  # only our own table's name is put in

_CREATE = f"""
    INSERT INTO {_LANES} (account, fence, blocked_reason) VALUES (%(account)s, 0, '') ON CONFLICT DO NOTHING
"""  # noqa: S608  # only our own table's name is put in


@dataclass(frozen=True, slots=True)
class Held:
    """A lane that we hold, and what its row said about the account's limits when we took it."""

    fence: int
    block: Block | None
    budgets: Mapping[str, Budget]
    taken_at: datetime
    read_at: float
    """When we learned of it, in `boottime`."""
    vanished: str | None = None
    """The previous holder, if it never left the lane and its lease ran out."""
    overdue_seconds: float = 0.0
    """How long ago that was."""

    def now(self) -> datetime:
        """Return the current time by the database's clock, counted on from when the lane was taken."""
        return clock.carried(self.taken_at, seconds=boottime() - self.read_at)


def take(*, account: str, holder: str, lease_seconds: float) -> Held | None:
    """Take the lane for `lease_seconds`; return None while another holds it."""
    values: dict[str, Any] = {"account": account, "holder": holder, "lease": lease_seconds}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_CREATE, {"account": account})
            return take(account=account, holder=holder, lease_seconds=lease_seconds) if cursor.rowcount else None
    read_at = boottime()
    vanished, overdue, fence, blocked_until, reason, *budgets, taken_at = row
    known = {"graphql": _budget(*budgets[:3]), "core": _budget(*budgets[3:])}
    return Held(
        fence,
        None if blocked_until is None else Block(blocked_until, reason),
        {resource: budget for resource, budget in known.items() if budget is not None},
        taken_at,
        read_at,
        vanished,
        overdue or 0.0,
    )


def holder_of(account: str) -> str | None:
    """Return who holds the lane now, or None."""
    return ApiLane.objects.filter(account=account).values_list("holder", flat=True).first()


def leave(*, account: str, fence: int, budgets: Mapping[str, Budget], block: Block | None) -> bool:
    """Free the lane and store what was learned in the turn; return False, with no change, if it has a later holder."""
    values: dict[str, Any] = {"account": account, "fence": fence}
    for resource in ("graphql", "core"):
        budget = budgets.get(resource)
        values[f"{resource}_limit"] = None if budget is None else budget.limit
        values[f"{resource}_remaining"] = None if budget is None else budget.remaining
        values[f"{resource}_reset_at"] = None if budget is None else budget.reset_at
    values["blocked_until"] = None if block is None else block.until
    values["blocked_reason"] = None if block is None else block.reason
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, values)
        return bool(cursor.rowcount)


def blocked_by(lane: ApiLane, *, now: datetime) -> Block | None:
    """Return what forbade the account to send anything at `now`, whatever the resource, by its lane, or None."""
    block = None if lane.blocked_until is None else Block(lane.blocked_until, lane.blocked_reason)
    budgets = (
        _budget(lane.graphql_limit, lane.graphql_remaining, lane.graphql_reset_at),
        _budget(lane.core_limit, lane.core_remaining, lane.core_reset_at),
    )
    waits = [required_wait(block=block, budget=current(budget, now=now), now=now) for budget in budgets]
    return max(filter(None, waits), key=lambda wait: wait.until, default=None)


def _budget(limit: int | None, remaining: int | None, reset_at: datetime | None) -> Budget | None:
    return None if remaining is None or reset_at is None else Budget(limit, remaining, reset_at)
