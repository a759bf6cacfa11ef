"""Accounts: what is left of their limits and whether they will run out, who spent them, and who waits behind whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict

from apps.console.web.page import Page
from apps.console.web.sight import Sight
from apps.console.web.spending import HOURS, Spending, spending_of
from apps.integrations.errors import limit_in_words
from apps.integrations.models import ApiLane, RepoSync
from apps.integrations.runs.queue import Queue, queues_of
from apps.utils import clock

_QUEUED = 10
"""How many of those waiting for an account are listed."""
_WINDOW = timedelta(hours=1)
_SURE_AFTER = timedelta(minutes=5)
"""Use in a shorter part of the hour says nothing about the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One of an account's limits, as GitHub last told it."""

    words: str
    limit: int | None
    remaining: int | None
    reset_at: datetime | None
    now: datetime

    @property
    def is_known(self) -> bool:
        """Whether GitHub has reported it and it still holds."""
        return self.remaining is not None and self.reset_at is not None and self.reset_at > self.now

    @property
    def used(self) -> int:
        """How much of it is used in this hour."""
        return max(0, (self.limit or 0) - (self.remaining or 0))

    @property
    def empty_at(self) -> datetime | None:
        """When it will be used up at this hour's rate; None if it lasts, or if that is unknown."""
        if not self.is_known or self.reset_at is None or self.remaining is None or not self.limit:
            return None
        gone = _WINDOW - (self.reset_at - self.now)
        if self.remaining == 0:
            return self.now
        if gone < _SURE_AFTER or not self.used:
            return None
        at = self.now + gone * (self.remaining / self.used)
        return at if at < self.reset_at else None

    @property
    def tone(self) -> str:
        """How good the news is."""
        if not self.is_known or not self.limit:
            return ""
        return "bad" if self.remaining == 0 else "warn" if self.empty_at else "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """An account with its limits, what blocks it and what queues for it, as far as the viewer may see."""

    account: str
    teams: tuple[str, ...]
    points: Budget
    requests: Budget
    blocked: str
    blocked_until: datetime | None
    at_work: int
    queued: int

    @property
    def budgets(self) -> tuple[Budget, Budget]:
        """Both limits."""
        return self.points, self.requests

    @property
    def is_dry(self) -> bool:
        """Whether nothing may be sent now, or soon."""
        return bool(self.blocked or self.points.empty_at or self.requests.empty_at)


def account_lines(sight: Sight) -> list[AccountLine]:
    """Return the visible accounts by name, with three queries in total."""
    now = clock.now()
    teams: dict[str, list[str]] = {}
    for account, team in sight.connections().order_by("account", "team__name").values_list("account", "team__name"):
        teams.setdefault(account, []).append(team)
    lanes = {lane.account: lane for lane in sight.lanes()}
    states: dict[str, list[str]] = {}
    unfinished = sight.repo_syncs().exclude(state__in=RepoSync.ENDED)
    for account, state in unfinished.values_list("connection__account", "state"):
        states.setdefault(account, []).append(state)
    return [
        _line(account, lanes.get(account, ApiLane(account=account)), tuple(names), states.get(account, []), now)
        for account, names in teams.items()
    ]


def budgets_of(lane: ApiLane, *, now: datetime) -> tuple[Budget, Budget]:
    """Return an account's limits: GraphQL points and REST requests."""
    points = Budget(
        words="points",
        limit=lane.graphql_limit,
        remaining=lane.graphql_remaining,
        reset_at=lane.graphql_reset_at,
        now=now,
    )
    requests = Budget(
        words="REST requests", limit=lane.core_limit, remaining=lane.core_remaining, reset_at=lane.core_reset_at, now=now
    )
    return points, requests


def _line(account: str, lane: ApiLane, teams: tuple[str, ...], states: list[str], now: datetime) -> AccountLine:
    is_blocked = lane.blocked_until is not None and lane.blocked_until > now
    at_work = states.count(RepoSync.State.RUNNING)
    points, requests = budgets_of(lane, now=now)
    return AccountLine(
        account=account,
        teams=teams,
        points=points,
        requests=requests,
        blocked=limit_in_words(lane.blocked_reason) if is_blocked else "",
        blocked_until=lane.blocked_until if is_blocked else None,
        at_work=at_work,
        queued=len(states) - at_work,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A repository in an account's queue and why it waits; another team's shows nothing else."""

    row: RepoSync
    is_seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountShown:
    """An account with what it spent, and its queue."""

    line: AccountLine
    spending: Spending
    waiting: Sequence[Waiting]
    more: int
    """How many wait behind those."""


def _read(sight: Sight, _query: QueryDict) -> dict[str, Any]:
    lines = account_lines(sight)
    names = [line.account for line in lines]
    spending = spending_of(names, sight, now=clock.now())
    queues = queues_of(names, most=_QUEUED, sees=sight.has)
    empty = Queue(first=(), more=0)
    return {
        "hours": HOURS,
        "accounts": [_shown(line, spending[line.account], queues.get(line.account, empty), sight) for line in lines],
    }


def _shown(line: AccountLine, spending: Spending, queue: Queue, sight: Sight) -> AccountShown:
    waiting = [Waiting(row=row, is_seen=sight.has(row.run.team_id)) for row in queue.first]
    return AccountShown(line=line, spending=spending, waiting=waiting, more=queue.more)


accounts = Page(template="console/accounts.html", part="console/parts/accounts.html", read=_read)
