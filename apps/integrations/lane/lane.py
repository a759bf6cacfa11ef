"""An account's lane as one attempt uses it: take a turn, send, learn from the answer, wait if GitHub asks for it."""

from __future__ import annotations

import os
import random
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, connection

from apps import catalog, machine_catalog
from apps.integrations.errors import GitHubError, LaneLost, Parked, RateLimited, SecondaryLimited
from apps.integrations.github.deadline import attended
from apps.integrations.lane import leases, limits
from apps.integrations.lane.limits import Block
from apps.integrations.lane.turns import Heartbeat, Resource, Turn
from apps.integrations.models import WAITS_FOR_LANE
from apps.utils import clock
from apps.utils.boottime import boottime
from apps.utils.clock import ATTENTION_SECONDS
from telemetry import emit, observe, record

T = TypeVar("T")

_MINUTE = 60.0
_SHORTEST_POLL, _LONGEST_POLL = 0.002, 0.05  # seconds
_LEASE_FACTOR = 1.5  # a lease outlives the longest request, to leave time to begin one
_SHORTEST_WAIT = 0.01  # seconds; a shorter wait for the lane gets no span
_HEARTBEAT_SECONDS = 5.0  # less if SYNC_STALE_SECONDS is small


class Lane:
    """One account's lane, as one attempt uses it: the fence beneath admission, and nearly always free.

    `account` is `host/login`. `request_seconds` is the total deadline of one request, by default SYNC_REQUEST_SECONDS.
    `heartbeat` is called every `heartbeat_seconds`, whose default leaves less than SYNC_STALE_SECONDS between two calls
    even with the longest request in between. `confirm` is called every second of any wait, including for GitHub's
    answer, and ends it by raising. A wait for GitHub's limits of more than `most_wait_seconds`, by default
    SYNC_MAX_WAIT_SECONDS, is not slept through. It uses Django's default connection, in autocommit.
    """

    def __init__(
        self,
        *,
        account: str,
        request_seconds: float | None = None,
        heartbeat: Heartbeat | None = None,
        heartbeat_seconds: float | None = None,
        confirm: Callable[[], None] | None = None,
        most_wait_seconds: float | None = None,
    ) -> None:
        self.account = account
        self._request_seconds = settings.SYNC_REQUEST_SECONDS if request_seconds is None else request_seconds
        self._lease_seconds = self._request_seconds * _LEASE_FACTOR
        self._heartbeat = heartbeat
        quarter = float(settings.SYNC_STALE_SECONDS) / 4
        self._heartbeat_seconds = min(_HEARTBEAT_SECONDS, quarter) if heartbeat_seconds is None else heartbeat_seconds
        self._confirm = confirm
        self._most_wait_seconds = settings.SYNC_MAX_WAIT_SECONDS if most_wait_seconds is None else most_wait_seconds
        self._next_confirmation = time.monotonic() + ATTENTION_SECONDS
        self._shown_reason = ""
        self._next_heartbeat = time.monotonic() + self._heartbeat_seconds
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._refused = 0
        self._account_is_shared = False
        self._turns: deque[tuple[float, int]] = deque()

    def call(self, send: Callable[[Turn], T], *, resource: Resource | None) -> T:
        """Call `send` in a turn of its own and return its result.

        If GitHub refuses the request because of a limit, wait and call `send` once more; raise a second refusal. Also
        raises what `send` raises, and `Parked` for a wait too long to sleep through.
        """
        while True:
            try:
                with self.turn(resource=resource) as turn:
                    try:
                        with attended(self._attend):
                            answer = send(turn)
                    except GitHubError as error:
                        self._heed(turn, error, resource)
                        raise
            except LaneLost:
                emit(machine_catalog.LaneLost(account=self.account, sent=False))
            except (RateLimited, SecondaryLimited):
                self._refused += 1
                if self._refused > 1:
                    raise
            else:
                self._refused = 0
                return answer

    @contextmanager
    def turn(self, *, resource: Resource | None) -> Iterator[Turn]:
        """Hold a turn, in which nobody else sends with this account, and the limits for `resource` allow one request.

        Use None for a request that costs nothing. Raises `Parked` if the limits do not allow it soon.
        """
        while True:
            held, lease_ends, waited = self._take()  # time waited before another wait is not part of this request
            wait = self._check_limits(held, resource)
            if wait is None:
                break
            leases.leave(account=self.account, fence=held.fence, budgets={}, block=None)
            self._wait(wait)
        turn = Turn(
            fence=held.fence,
            waited_ms=waited * 1000,
            send_before=lease_ends - self._request_seconds,
            sent_lately=self._sent_lately(held.fence),
            now=held.now,
        )
        try:
            self._show_life("", at_once=self._shown_reason != "")
            yield turn
        except BaseException as error:
            with suppress(DatabaseError):  # the lease ends by itself; the first error matters more
                self._leave(turn, sent=not isinstance(error, LaneLost))
            raise
        self._leave(turn)

    def _take(self) -> tuple[leases.Held, float, float]:
        """Take the lane; return its row, when the lease ends (in `boottime`), and how many seconds it took."""
        if connection.in_atomic_block:
            raise RuntimeError("a lane cannot be taken inside a transaction: no other process would see it taken")
        started = time.monotonic()
        pause = _SHORTEST_POLL
        holder: str | None = None
        is_held = False
        while True:
            asked = boottime()
            held = leases.take(account=self.account, holder=self._holder, lease_seconds=self._lease_seconds)
            waited = time.monotonic() - started
            if held is not None:
                self._log_takeover(held)
                if is_held and waited >= _SHORTEST_WAIT:
                    operation = machine_catalog.LaneWait(account=self.account, behind=holder)
                    now = held.now()
                    record(operation, started_at=now - timedelta(seconds=waited), ended_at=now)
                return held, asked + self._lease_seconds, waited
            is_held, holder = True, holder or leases.holder_of(self.account)
            # Uneven pauses, so that no waiter is always the later one.
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # no secret depends on it
            pause = min(pause * 2, _LONGEST_POLL)
            self._show_life(WAITS_FOR_LANE)
            self._attend()

    def _sent_lately(self, fence: int) -> int:
        """Return the most requests that all holders can have sent in the last minute, by the numbers of turns."""
        now = boottime()
        self._turns.append((now, fence))
        while len(self._turns) > 1 and self._turns[1][0] <= now - _MINUTE:
            self._turns.popleft()
        began, before = self._turns[0]
        return fence - before + 1 if began <= now - _MINUTE else fence

    def _leave(self, turn: Turn, *, sent: bool = True) -> None:
        is_left = leases.leave(account=self.account, fence=turn.fence, budgets=turn.budgets, block=turn.block)
        if sent and not is_left:
            emit(machine_catalog.LaneLost(account=self.account, sent=True))

    def _log_takeover(self, held: leases.Held) -> None:
        if held.vanished is not None:
            overdue = round(held.overdue_seconds, 3)
            emit(machine_catalog.LaneTakenOver(account=self.account, holder=held.vanished, overdue_sec=overdue))

    def _check_limits(self, held: leases.Held, resource: Resource | None) -> Block | None:
        """Return what forbids a request now, or None; the check is logged if the budget is known."""
        now = held.now()
        budget = None if resource is None else limits.current(held.budgets.get(resource), now=now)
        wait = limits.required_wait(block=held.block, budget=budget, now=now)
        if budget is not None:
            emit(
                catalog.RateLimitChecked(
                    remaining=budget.remaining, limit=budget.limit, reset_at=budget.reset_at, will_wait=wait is not None
                )
            )
        return wait

    def _heed(self, turn: Turn, error: GitHubError, resource: Resource | None) -> None:
        """Note in the turn what a refusal asks for."""
        self._account_is_shared = isinstance(error, SecondaryLimited) and error.account_is_shared
        now = turn.now()
        reset_at = limits.reset_named_by(error, now=now, by_our_clock=turn.by_our_clock)
        if reset_at is not None and resource is not None:
            turn.used_up(resource, reset_at=reset_at)
        elif (block := limits.block_after(error, refused_before=self._refused, now=now)) is not None:
            turn.blocked(block.until, block.reason)

    def _wait(self, block: Block) -> None:
        """Wait until `block` is over; raise `Parked` if that takes longer than an attempt may sleep."""
        seconds = max(0.0, (block.until - clock.now()).total_seconds())
        operation = catalog.RateWait(
            wait_seconds=round(seconds, 3),
            reset_at=block.until,
            reason=block.reason,
            account_shared=True if self._account_is_shared and block.reason == "secondary" else None,
        )
        with observe(operation) as wait:
            if seconds > self._most_wait_seconds:
                wait.waiting(until=block.until)
                raise Parked(block.until, block.reason)
            while (left := (block.until - clock.now()).total_seconds()) > 0:
                self._show_life(block.reason, block.until, at_once=True)
                clock.sleep(min(left, self._heartbeat_seconds), meanwhile=self._attend)
            wait.completed(catalog.RateWaited())

    def _attend(self) -> None:
        """Keep waiting unless the lane's user is no longer wanted, which a missing database does not say."""
        if self._confirm is not None and time.monotonic() >= self._next_confirmation:
            self._next_confirmation = time.monotonic() + ATTENTION_SECONDS
            with suppress(DatabaseError):
                self._confirm()

    def _show_life(self, reason: str, until: datetime | None = None, *, at_once: bool = False) -> None:
        if self._heartbeat is not None and (at_once or time.monotonic() >= self._next_heartbeat):
            self._shown_reason, self._next_heartbeat = reason, time.monotonic() + self._heartbeat_seconds
            self._heartbeat(reason, until)
