"""A turn in a lane: the right to send one request, and what its answer says about the account's limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, TypeVar

from apps.integrations.errors import GitHubError, LaneLost, SecondaryLimited
from apps.integrations.github.nodes import RateLimit
from apps.integrations.lane.limits import Block, Budget, betrays_others, within_reason
from apps.utils import clock
from apps.utils.boottime import boottime

Resource = Literal["graphql", "core"]
"""The budget that pays for a request: GraphQL's points, or REST's requests."""
T = TypeVar("T")

_CLOCKS_AGREE = timedelta(seconds=5)
"""A smaller difference may be the answer's transit time, and a `Date` has no fractions."""
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MOST = 2**31 - 1  # the most points or requests that the lane's row can hold


class Heartbeat(Protocol):
    """Called every few seconds while a lane is used.

    `reason` says what it waits for (empty: nothing), and `until` until when, if known.
    """

    def __call__(self, reason: str, until: datetime | None) -> None:
        """Show that the lane's user is alive."""
        raise NotImplementedError


class Turn:
    """The right to send one request until `send_before` (in `boottime`); it collects what the answer says about limits.

    `sent_lately` is the most that all holders together have sent in the last minute, including this request. `now`
    tells the time by the database's clock.
    """

    def __init__(
        self,
        *,
        fence: int,
        waited_ms: float,
        send_before: float,
        sent_lately: int | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.fence = fence
        self.now = now
        self._sent_lately = sent_lately
        self.waited_ms = waited_ms
        self.send_before = send_before
        self.budgets: dict[str, Budget] = {}
        self.block: Block | None = None
        self._ahead = timedelta(0)

    def heard(self, date: datetime | None) -> None:
        """Note that GitHub's clock says `date` now: its reset times go by that clock, and are kept by ours."""
        if date is not None:
            ahead = date - self.now()
            self._ahead = ahead if abs(ahead) >= _CLOCKS_AGREE else timedelta(0)

    def by_our_clock(self, reset_at: datetime) -> datetime:
        """Return the moment that GitHub calls `reset_at`, or the calendar's edge if it is beyond belief."""
        try:
            return reset_at - self._ahead
        except OverflowError:
            return _LATEST if self._ahead < timedelta(0) else _EARLIEST

    def confirm(self) -> None:
        """Raise LaneLost if too little of the turn is left to send a request and receive its answer."""
        if boottime() > self.send_before:
            raise LaneLost("This process was stopped for too long to send in its turn")

    def judge(self, error: GitHubError) -> None:
        """Mark a secondary limit that our own requests cannot have caused."""
        sent = self._sent_lately
        if isinstance(error, SecondaryLimited) and sent is not None and betrays_others(sent):
            error.betray(sent)

    def learned(self, limit: RateLimit | None) -> None:
        """Note the budget that an answer reported, to be stored on the lane's row when the turn ends."""
        if limit is not None:
            most, left = (max(0, min(number, _MOST)) for number in (limit.limit, limit.remaining))
            self.budgets[limit.resource] = Budget(
                most, left, within_reason(self.by_our_clock(limit.reset_at), now=self.now())
            )

    def used_up(self, resource: Resource, *, reset_at: datetime) -> None:
        """Note that nothing of `resource` is left until `reset_at`."""
        known = self.budgets.get(resource)
        limit = None if known is None else known.limit
        self.budgets[resource] = Budget(limit, 0, within_reason(reset_at, now=self.now()))

    def blocked(self, until: datetime, reason: str) -> None:
        """Note that nothing may be sent with this account until then."""
        self.block = Block(within_reason(until, now=self.now()), reason)


class Turns(Protocol):
    """What a client needs of a lane."""

    def call(self, send: Callable[[Turn], T], *, resource: Resource | None) -> T:
        """Call `send` in a turn of its own and return its answer."""
        raise NotImplementedError
