"""Whether a request may be sent, and what a refusal asks for: decided from values alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.integrations.errors import GitHubError, NotFound, RateLimited, SecondaryLimited, ServerError
from apps.integrations.github.limits import date_of
from apps.integrations.github.nodes import RateLimit
from apps.integrations.lane import limits
from apps.integrations.lane.limits import Block, Budget, reset_named_by
from apps.integrations.lane.turns import Turn
from apps.utils import clock

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SECONDS = st.integers(-5_000, 5_000)
_BLOCKS = st.none() | st.builds(lambda seconds: Block(_in(seconds), "secondary"), _SECONDS)
_BUDGETS = st.none() | st.builds(lambda left, seconds: Budget(5000, left, _in(seconds)), st.integers(0, 2), _SECONDS)


def _in(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@given(_BLOCKS, _BUDGETS)
def test_a_wait_is_required_just_while_something_forbids_a_request(block: Block | None, budget: Budget | None) -> None:
    """And when it is over, nothing forbids it any more."""
    wait = limits.required_wait(block=block, budget=limits.current(budget, now=NOW), now=NOW)
    is_blocked = block is not None and block.until > NOW
    is_used_up = budget is not None and budget.remaining == 0 and budget.reset_at + timedelta(seconds=1) > NOW
    assert (wait is not None) == (is_blocked or is_used_up)
    if wait is not None:
        then = wait.until
        assert then > NOW
        assert limits.required_wait(block=block, budget=limits.current(budget, now=then), now=then) is None


@pytest.mark.parametrize(
    ("block", "budget", "wait"),
    [
        (Block(_in(90), "secondary"), Budget(5000, 0, _in(30)), Block(_in(90), "secondary")),
        (Block(_in(20), "secondary"), Budget(5000, 0, _in(30)), Block(_in(31), "primary")),
        (Block(_in(90), "retry_after"), Budget(5000, 1, _in(300)), Block(_in(90), "retry_after")),
        (Block(_in(0), "secondary"), Budget(5000, 0, _in(30)), Block(_in(31), "primary")),
        (Block(_in(90), "retry_after"), None, Block(_in(90), "retry_after")),
        (None, Budget(None, 0, _in(30)), Block(_in(31), "primary")),
        (Block(_in(-1), "secondary"), Budget(5000, 1, _in(300)), None),
        (None, None, None),
    ],
)
def test_of_two_limits_the_later_is_waited_for(block: Block | None, budget: Budget | None, wait: Block | None) -> None:
    """For its own reason; one that is over counts as none, and a reset only a second after its time."""
    assert limits.required_wait(block=block, budget=budget, now=NOW) == wait


@pytest.mark.parametrize(("resets_in", "holds"), [(1, True), (0, True), (-0.999, True), (-1, False), (-30, False)])
def test_a_budget_holds_until_a_second_after_its_reset(resets_in: float, holds: bool) -> None:
    """By which the clocks may differ."""
    budget = Budget(5000, 7, _in(resets_in))
    assert limits.current(budget, now=NOW) == (budget if holds else None)
    assert limits.current(None, now=NOW) is None


@pytest.mark.parametrize(
    ("error", "refused_before", "block"),
    [
        (SecondaryLimited("slow down", retry_after=20.0), 0, Block(_in(20), "secondary")),
        (ServerError("503", retry_after=10.0), 0, Block(_in(10), "retry_after")),
        (RateLimited("used up", reset_at=_in(40), retry_after=5.0), 1, Block(_in(5), "primary")),
        (SecondaryLimited("slow down"), 0, Block(_in(60), "secondary")),
        (SecondaryLimited("slow down"), 1, Block(_in(120), "secondary")),
        (RateLimited("used up"), 2, Block(_in(240), "primary")),
        (SecondaryLimited("slow down", retry_after=0.0), 0, Block(_in(0), "secondary")),
        (SecondaryLimited("slow down", retry_after=0.0), 1, Block(_in(120), "secondary")),
        (RateLimited("used up", retry_after=0.0), 2, Block(_in(240), "primary")),
        (SecondaryLimited("slow down", retry_after=0.5), 1, Block(_in(0.5), "secondary")),
        (ServerError("503", retry_after=0.0), 1, None),
        (ServerError("502"), 0, None),
        (NotFound("404"), 3, None),
    ],
)
def test_a_refusal_blocks_for_as_long_as_it_says_or_for_minutes(
    error: GitHubError, refused_before: int, block: Block | None
) -> None:
    """Retry-After whatever the error; a minute, doubled each time, for a limit that names no time."""
    assert limits.block_after(error, refused_before=refused_before, now=NOW) == block


@pytest.mark.parametrize(
    ("error", "reset_at"),
    [
        (RateLimited("used up", reset_at=_in(40)), _in(40)),
        (RateLimited("used up", reset_at=_in(-0.5)), _in(-0.5)),
        (RateLimited("used up", reset_at=_in(-1)), None),
        (RateLimited("used up", reset_at=_in(40), retry_after=5.0), None),
        (RateLimited("used up"), None),
        (SecondaryLimited("slow down"), None),
    ],
)
def test_a_reset_counts_where_it_is_still_to_come(error: GitHubError, reset_at: datetime | None) -> None:
    """Within a second, by which the clocks may differ; Retry-After goes before it."""
    assert limits.reset_named_by(error, now=NOW) == reset_at


@given(st.integers(-(10**6), 10**6))
def test_no_word_stops_an_account_for_more_than_a_day(seconds: int) -> None:
    """A reset or a block of years is somebody's mistake, and would stop every team that uses the account."""
    assert limits.within_reason(_in(seconds), now=NOW) == min(_in(seconds), NOW + timedelta(days=1))


@pytest.mark.parametrize(("ahead", "kept"), [(300, 0), (-300, 0), (5, 0), (4.5, 4.5), (-4.5, -4.5)])
def test_a_reset_goes_by_github_s_own_clock(ahead: float, kept: float) -> None:
    """Its `Date` says what that clock shows; a difference of a moment may be the answer's way."""
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    with clock.using(clock.SteppedClock(now)):
        turn = Turn(fence=1, waited_ms=0, send_before=float("inf"))
        turn.heard(now + timedelta(seconds=ahead))
        reset_at = now + timedelta(seconds=ahead + 60)  # in a minute, as GitHub sees it
        turn.learned(RateLimit(limit=10, remaining=0, used=10, reset_at=reset_at, resource="core"))
        assert turn.budgets["core"].reset_at == now + timedelta(seconds=60 + kept)
        error = RateLimited("no more", reset_at=reset_at)
        named = reset_named_by(error, now=now, by_our_clock=turn.by_our_clock)
    assert named == now + timedelta(seconds=60 + kept)


def test_where_nobody_counts_requests_no_limit_betrays_another() -> None:
    """It may be for our own."""
    turn, error = Turn(fence=1, waited_ms=0, send_before=float("inf")), SecondaryLimited("slow down")
    turn.judge(error)
    assert not error.account_is_shared


def test_what_github_does_not_say_moves_no_reset() -> None:
    """No `Date`, or none that is a date with its zone."""
    assert [date_of(headers) for headers in ({}, {"date": "soon"}, {"date": "Thu, 01 Jan 2026 12:00:00 -0000"})] == [
        None
    ] * 3
    assert date_of({"date": "Thu, 01 Jan 2026 12:00:00 GMT"}) == datetime(2026, 1, 1, 12, tzinfo=UTC)


_MOMENTS = st.datetimes(timezones=st.just(UTC))
_ANY_NUMBER = st.integers(-(2**70), 2**70)


@given(_MOMENTS, _MOMENTS, _ANY_NUMBER, _ANY_NUMBER)
def test_any_clock_with_any_budget_is_one_that_a_lane_can_keep(
    date: datetime, reset_at: datetime, limit: int, remaining: int
) -> None:
    """A server whose clock or numbers are beyond belief costs no attempt, and stops nobody for more than a day."""
    with clock.using(clock.SteppedClock(NOW)):
        turn = Turn(fence=1, waited_ms=0, send_before=float("inf"))
        turn.heard(date)
        turn.learned(RateLimit(limit=limit, remaining=remaining, used=0, reset_at=reset_at, resource="core"))
    named = reset_named_by(RateLimited("no more", reset_at=reset_at), now=NOW, by_our_clock=turn.by_our_clock)
    budget, longest = turn.budgets["core"], NOW + timedelta(days=1)
    assert budget.limit == min(max(0, limit), 2**31 - 1)
    assert budget.remaining == min(max(0, remaining), 2**31 - 1)
    assert budget.reset_at <= longest
    assert named is None or NOW - timedelta(seconds=1) < named <= longest
    if (reset_at - NOW) - (date - NOW) >= timedelta(days=1):
        assert (budget.reset_at, named) == (longest, longest)
