"""The lane's row in PostgreSQL: each change is one statement, so that no two processes can hold one lane.

A lease is judged by the database's clock alone. A change that names a fence changes nothing once the lane has a later
holder. What may be lost with the database's last half second (a release, which a lease's end makes good; a budget, which
the next answer tells again) does not wait for the disk; taking the lane does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

_TAKE = """
update integrations_apilane
   set holder = %(holder)s, fence = fence + 1, leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
 where account = %(account)s
   and (holder is null or leased_until < clock_timestamp())
   and (%(urgent)s or urgent_until is null or urgent_until < clock_timestamp())
returning fence, blocked_until, blocked_reason,
          graphql_limit, graphql_remaining, graphql_reset_at, core_limit, core_remaining, core_reset_at
"""

_LEAVE = """
update integrations_apilane
   set holder = null, leased_until = null,
       urgent_until = case when %(urgent)s then clock_timestamp() + make_interval(secs => %(urgency)s)
                           else urgent_until end,
       graphql_limit = coalesce(%(graphql_limit)s, graphql_limit),
       graphql_remaining = coalesce(%(graphql_remaining)s, graphql_remaining),
       graphql_reset_at = coalesce(%(graphql_reset_at)s, graphql_reset_at),
       core_limit = coalesce(%(core_limit)s, core_limit),
       core_remaining = coalesce(%(core_remaining)s, core_remaining),
       core_reset_at = coalesce(%(core_reset_at)s, core_reset_at),
       blocked_until = coalesce(%(blocked_until)s, blocked_until),
       blocked_reason = coalesce(%(blocked_reason)s, blocked_reason)
 where account = %(account)s and fence = %(fence)s
   and (select set_config('synchronous_commit', 'off', true)) = 'off'
"""

_CLAIM_URGENCY = """
update integrations_apilane
   set urgent_until = clock_timestamp() + make_interval(secs => %(urgency)s)
 where account = %(account)s
   and (urgent_until is null or urgent_until < clock_timestamp() + make_interval(secs => %(urgency)s / 2))
   and (select set_config('synchronous_commit', 'off', true)) = 'off'
"""

_CREATE = """
insert into integrations_apilane (account, fence, blocked_reason) values (%(account)s, 0, '') on conflict do nothing
"""

_URGENCY_SECONDS = 1.0
"""How long phase 2 stands back after phase 1 was last seen: more than it takes to store a page."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of one resource until ``reset_at``."""

    limit: int | None
    remaining: int
    reset_at: datetime


@dataclass(frozen=True, slots=True)
class Block:
    """GitHub's word that nothing may be sent until then; the reason is ``primary``, ``secondary`` or ``retry_after``."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """The lane in our hands, and what stood on its row when we took it."""

    fence: int
    block: Block | None
    budgets: dict[str, Budget]


def take(*, account: str, holder: str, lease_seconds: float, urgent: bool) -> Held | None:
    """The lane is ours for ``lease_seconds``; None while another has it, or while we stand back for phase 1."""
    values: dict[str, Any] = {"account": account, "holder": holder, "lease": lease_seconds, "urgent": urgent}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_CREATE, {"account": account})
            if cursor.rowcount:
                return take(account=account, holder=holder, lease_seconds=lease_seconds, urgent=urgent)
            if urgent:
                cursor.execute(_CLAIM_URGENCY, {"account": account, "urgency": _URGENCY_SECONDS})
            return None
    fence, blocked_until, reason, *budgets = row
    known = {"graphql": _budget(*budgets[:3]), "core": _budget(*budgets[3:])}
    return Held(
        fence,
        None if blocked_until is None else Block(blocked_until, reason),
        {resource: budget for resource, budget in known.items() if budget is not None},
    )


def leave(*, account: str, fence: int, urgent: bool, budgets: dict[str, Budget], block: Block | None) -> bool:
    """The lane is free and carries what was learned in it; False, and nothing changed, when it has a later holder."""
    values: dict[str, Any] = {"account": account, "fence": fence, "urgent": urgent, "urgency": _URGENCY_SECONDS}
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


def _budget(limit: int | None, remaining: int | None, reset_at: datetime | None) -> Budget | None:
    return None if remaining is None or reset_at is None else Budget(limit, remaining, reset_at)
