"""One lane per GitHub account: one request in flight over all processes and machines, within GitHub's limits.

GitHub asks for requests one after the other, and its limits are the account's, not the token's
(https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api). So whoever wants to send takes
the account's turn first; the turn is leased, longer than a request can last, and numbered, so that a holder that died frees
it and one that stood still sends nothing late. Only here is waited for GitHub: a short wait in place, where it is a span and
a line, a long one by `Parked`.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeVar

from django.conf import settings
from django.db import DatabaseError, connection

from apps import catalog
from apps.integrations.errors import GitHubError, LaneLost, Parked, RateLimited, SecondaryLimited
from apps.integrations.models import WAITS_FOR_LANE
from apps.integrations.services import lane_rows
from apps.integrations.services.boottime import boottime
from apps.integrations.services.github_limits import LONGEST_WAIT
from apps.integrations.services.github_protocol import RateLimit
from apps.integrations.services.lane_rows import Block, Budget
from apps.utils import clock
from telemetry import emit, observe

Resource = Literal["graphql", "core"]
T = TypeVar("T")

_SHORTEST_POLL, _LONGEST_POLL = 0.002, 0.05  # seconds
_LEASE_FACTOR = 1.5  # a lease outlives the longest request: there must be time left to begin one
_UNNAMED_BLOCK = 60.0  # seconds, where GitHub names no time: "at least one minute", then twice that
_RESET_MARGIN = timedelta(seconds=1)  # GitHub's clock and ours differ
_HEARTBEAT = 5.0  # seconds; less where SYNC_STALE_SECONDS is small
_MOST = 2**31 - 1  # points or requests that the lane's row can hold


class Life(Protocol):
    """Called every few seconds while a lane is used: what it waits for (empty: nothing), until when where that is known."""

    def __call__(self, reason: str, until: datetime | None) -> None: ...


class Turn:
    """The right to send one request, until ``send_before`` (by `boottime`), and what was learned in it."""

    def __init__(self, *, fence: int, waited_ms: float, send_before: float) -> None:
        self.fence = fence
        self.waited_ms = waited_ms
        self.send_before = send_before
        self.budgets: dict[str, Budget] = {}
        self.block: Block | None = None

    def confirm(self) -> None:
        """There is time to send a request and have its answer in this turn; `LaneLost` when there is not."""
        if boottime() > self.send_before:
            raise LaneLost("This process stood still too long to send in its turn")

    def learned(self, limit: RateLimit | None) -> None:
        """What an answer said of the budget stands on the lane's row when the turn ends."""
        if limit is not None:
            most, left = min(limit.limit, _MOST), min(limit.remaining, _MOST)
            self.budgets[limit.resource] = Budget(most, left, _soon(limit.reset_at))

    def blocked(self, until: datetime, reason: str) -> None:
        """Nobody sends with this account until ``until``."""
        self.block = Block(_soon(until), reason)


class Turns(Protocol):
    """What a client needs of a `Lane`."""

    def call(self, send: Callable[[Turn], T], *, resource: Resource | None) -> T: ...


class Lane:
    """One account's lane, as one attempt uses it.

    ``account`` is ``host/login``. An ``urgent`` lane (phase 1) goes before those that are not. ``request_seconds`` is the
    total deadline of one request. It uses Django's default connection, in autocommit.
    """

    def __init__(
        self,
        *,
        account: str,
        urgent: bool = False,
        request_seconds: float | None = None,
        on_life: Life | None = None,
    ) -> None:
        self.account = account
        self._urgent = urgent
        self._request_seconds = settings.SYNC_REQUEST_SECONDS if request_seconds is None else request_seconds
        self._lease_seconds = self._request_seconds * _LEASE_FACTOR
        self._on_life = on_life
        self._told = ""
        self._tell_again = time.monotonic() + _heartbeat()
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._refused = 0

    def call(self, send: Callable[[Turn], T], *, resource: Resource | None) -> T:
        """What ``send`` returns, called in a turn of its own.

        When GitHub refuses it for a limit, that is waited for and it is sent once more; a second refusal is raised. Raises
        what ``send`` raises, and `Parked` for a wait too long to sleep.
        """
        while True:
            try:
                with self.turn(resource=resource) as turn:
                    try:
                        answer = send(turn)
                    except GitHubError as error:
                        self._heed(turn, error, resource)
                        raise
            except LaneLost:
                continue  # nothing was sent
            except (RateLimited, SecondaryLimited):
                self._refused += 1
                if self._refused > 1:
                    raise
            else:
                self._refused = 0
                return answer

    @contextmanager
    def turn(self, *, resource: Resource | None) -> Iterator[Turn]:
        """Inside, nobody else sends with this account, and GitHub's limits for ``resource`` allow one request.

        None is for what costs nothing. Raises `Parked` when the limits do not allow it soon.
        """
        while True:
            held, lease_ends, waited = self._take()  # what was waited before another wait is no part of this request
            wait = _must_wait(held, resource, clock.now())
            if wait is None:
                break
            lane_rows.leave(account=self.account, fence=held.fence, urgent=False, budgets={}, block=None)
            self._wait(wait)
        turn = Turn(fence=held.fence, waited_ms=waited * 1000, send_before=lease_ends - self._request_seconds)
        try:
            self._show_life("", at_once=self._told != "")
            yield turn
        except BaseException:
            with suppress(DatabaseError):  # the lease ends by itself; what went wrong is more worth knowing
                self._leave(turn)
            raise
        self._leave(turn)

    def _take(self) -> tuple[lane_rows.Held, float, float]:
        """The lane is ours: its row, when the lease ends (by `boottime`), and the seconds it took."""
        if connection.in_atomic_block:
            raise RuntimeError("a lane cannot be taken inside a transaction: no other process would see it taken")
        started = time.monotonic()
        pause = _SHORTEST_POLL
        while True:
            asked = boottime()
            held = lane_rows.take(
                account=self.account, holder=self._holder, lease_seconds=self._lease_seconds, urgent=self._urgent
            )
            if held is not None:
                return held, asked + self._lease_seconds, time.monotonic() - started
            # Uneven pauses: of those who wait, none is always the later one.
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # no secret hangs on it
            pause = min(pause * 2, _LONGEST_POLL)
            self._show_life(WAITS_FOR_LANE)

    def _leave(self, turn: Turn) -> None:
        lane_rows.leave(account=self.account, fence=turn.fence, urgent=self._urgent, budgets=turn.budgets, block=turn.block)

    def _show_life(self, waits_for: str, until: datetime | None = None, *, at_once: bool = False) -> None:
        if self._on_life is not None and (at_once or time.monotonic() >= self._tell_again):
            self._told, self._tell_again = waits_for, time.monotonic() + _heartbeat()
            self._on_life(waits_for, until)

    def _heed(self, turn: Turn, error: GitHubError, resource: Resource | None) -> None:
        """What a refusal asks for stands on the row: Retry-After, else the budget's reset, else a minute and more.

        A reset that is over by our clock and not by GitHub's, which refuses, is none.
        """
        reset_at = error.reset_at if isinstance(error, RateLimited) else None
        if error.retry_after is not None:
            turn.blocked(clock.now() + timedelta(seconds=error.retry_after), "retry_after")
        elif reset_at is not None and reset_at + _RESET_MARGIN > clock.now() and resource is not None:
            known = turn.budgets.get(resource)
            turn.budgets[resource] = Budget(None if known is None else known.limit, 0, _soon(reset_at))
        elif isinstance(error, RateLimited | SecondaryLimited):
            reason = "primary" if isinstance(error, RateLimited) else "secondary"
            turn.blocked(clock.now() + timedelta(seconds=_UNNAMED_BLOCK * 2**self._refused), reason)

    def _wait(self, block: Block) -> None:
        """``block`` is over; `Parked` when it is longer than an attempt may sleep."""
        seconds = max(0.0, (block.until - clock.now()).total_seconds())
        operation = catalog.RateWait(wait_seconds=round(seconds, 3), reset_at=block.until, reason=block.reason)
        with observe(operation) as wait:
            if seconds > settings.SYNC_MAX_WAIT_SECONDS:
                wait.waiting(until=block.until)
                raise Parked(block.until, block.reason)
            while (left := (block.until - clock.now()).total_seconds()) > 0:
                self._show_life(block.reason, block.until, at_once=True)
                clock.sleep(min(left, _heartbeat()))
            wait.completed(catalog.RateWaited())


def _soon(moment: datetime) -> datetime:
    """``moment``, or the latest that GitHub can mean."""
    return min(moment, clock.now() + LONGEST_WAIT)


def _heartbeat() -> float:
    """Seconds between two signs of life: with the longest request between them they are fewer than SYNC_STALE_SECONDS."""
    return min(_HEARTBEAT, float(settings.SYNC_STALE_SECONDS) / 4)


def _must_wait(held: lane_rows.Held, resource: Resource | None, now: datetime) -> Block | None:
    """What forbids a request for ``resource``, or None; the check is a line where the budget is known."""
    block = held.block if held.block is not None and held.block.until > now else None
    budget = None if resource is None else held.budgets.get(resource)
    if budget is None or budget.reset_at + _RESET_MARGIN <= now:  # unknown, or full again by now
        return block
    if budget.remaining < 1:
        used_up = Block(budget.reset_at + _RESET_MARGIN, "primary")
        block = used_up if block is None else max(block, used_up, key=lambda each: each.until)
    emit(
        catalog.RateLimitChecked(
            remaining=budget.remaining, limit=budget.limit, reset_at=budget.reset_at, will_wait=block is not None
        )
    )
    return block
