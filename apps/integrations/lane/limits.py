"""Apply GitHub's limits: whether a request may be sent now, and what follows from a refusal. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.integrations.errors import GitHubError, RateLimited, SecondaryLimited
from apps.integrations.github.limits import LONGEST_WAIT

RESET_MARGIN = timedelta(seconds=1)
"""How long after a reset nothing is sent, because GitHub's clock and ours differ."""
_MOST_IN_A_MINUTE = 900
_UNNAMED_BLOCK = timedelta(minutes=1)  # if GitHub names no time: "at least one minute", then twice that


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of one resource until `reset_at`; `limit` is None if GitHub did not say it."""

    limit: int | None
    remaining: int
    reset_at: datetime


@dataclass(frozen=True, slots=True)
class Block:
    """Nothing may be sent until then; `reason` is `primary`, `secondary` or, for a server in trouble, `retry_after`."""

    until: datetime
    reason: str


def current(budget: Budget | None, *, now: datetime) -> Budget | None:
    """Return `budget` if it still holds, or None if it is unknown or has since been reset."""
    return None if budget is None or budget.reset_at + RESET_MARGIN <= now else budget


def required_wait(*, block: Block | None, budget: Budget | None, now: datetime) -> Block | None:
    """Return what forbids a request now, the later of the two, or None; `budget` is the `current` one."""
    reasons = [] if block is None or block.until <= now else [block]
    if budget is not None and budget.remaining < 1:
        reasons.append(Block(budget.reset_at + RESET_MARGIN, "primary"))
    return max(reasons, key=lambda each: each.until, default=None)


def reset_named_by(
    error: GitHubError, *, now: datetime, by_our_clock: Callable[[datetime], datetime] = lambda moment: moment
) -> datetime | None:
    """Return when the budget that `error` calls used up will be full again, or None if GitHub named no time.

    A reset that is past by our clock, but evidently not by GitHub's, does not count.
    """
    reset_at = error.reset_at if isinstance(error, RateLimited) and error.retry_after is None else None
    reset_at = None if reset_at is None else within_reason(by_our_clock(reset_at), now=now)
    return None if reset_at is None or reset_at + RESET_MARGIN <= now else reset_at


def block_after(error: GitHubError, *, refused_before: int, now: datetime) -> Block | None:
    """Return for how long `error` asks us to send nothing: Retry-After, or a minute for a limit without a time.

    Each of the `refused_before` refusals in a row doubles that minute. "At once" after such a refusal does not count as
    a time, since the request was sent at once.
    """
    reasons = {RateLimited: "primary", SecondaryLimited: "secondary"}
    if error.retry_after is not None and (error.retry_after > 0 or not refused_before):
        return Block(now + timedelta(seconds=error.retry_after), reasons.get(type(error), "retry_after"))
    if isinstance(error, RateLimited | SecondaryLimited):
        return Block(now + _UNNAMED_BLOCK * 2**refused_before, reasons[type(error)])
    return None


def betrays_others(requests: int) -> bool:
    """Return whether our own `requests` of the last minute, sent one at a time, cannot explain a secondary limit.

    GitHub allows at least 900 a minute, and as much processor time as requests one after another can take.
    """
    return requests <= _MOST_IN_A_MINUTE // 2


def within_reason(moment: datetime, *, now: datetime) -> datetime:
    """Return `moment`, or the latest that GitHub can mean: a mistaken time must not stop an account for good."""
    return min(moment, now + LONGEST_WAIT)
