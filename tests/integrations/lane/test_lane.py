"""One request in flight per account, whatever its holders do; limits are waited for in the open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from apps.github_simulator.testing import simulator
from apps.integrations.errors import (
    GitHubError,
    LaneLost,
    NotFound,
    Parked,
    RateLimited,
    SecondaryLimited,
    ServerError,
)
from apps.integrations.github.nodes import RateLimit
from apps.integrations.github.transport import GitHubTransport
from apps.integrations.lane import Lane, Turn, leases
from apps.integrations.models import ApiLane
from apps.integrations.services.github_graphql import GitHubGraphQL
from apps.utils import clock
from telemetry.testing import Capture
from tests.acceptance.worker import wait_until

ACCOUNT = "api.github.com/octocat"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("lanes")


@pytest.fixture
def stepped() -> Iterator[clock.SteppedClock]:
    """Time stands still until somebody sleeps."""
    stepped = clock.SteppedClock(NOW)
    with clock.using(stepped):
        yield stepped


def _limit(remaining: int, *, resets_in: float, resource: str = "graphql") -> RateLimit:
    return RateLimit(
        limit=5000,
        remaining=remaining,
        used=5000 - remaining,
        reset_at=NOW + timedelta(seconds=resets_in),
        resource=resource,
    )


def _learn(limit: RateLimit) -> None:
    with Lane(account=ACCOUNT).turn(resource=None) as turn:
        turn.learned(limit)


def _row() -> ApiLane:
    return ApiLane.objects.get(account=ACCOUNT)


def _events(captrace: Capture) -> list[object]:
    return [line["event"] for line in captrace.lines]


def _in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@contextmanager
def _holder(environment: Mapping[str, str], *, request_seconds: float, fate: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.integrations.lane.holder", ACCOUNT, str(request_seconds), fate]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


def test_contenders_send_one_after_the_other() -> None:
    """Four of them, and never two at once."""
    flights: list[tuple[float, float]] = []

    def contend(_: int) -> None:
        lane = Lane(account=ACCOUNT)
        for _turn in range(10):
            with lane.turn(resource=None):
                started = time.monotonic()
                time.sleep(0.002)
                flights.append((started, time.monotonic()))
        connection.close()

    with ThreadPoolExecutor(4) as contenders:
        list(contenders.map(contend, range(4)))
    flights.sort()
    assert len(flights) == 40
    assert all(ended <= started for (_, ended), (started, _) in pairwise(flights))


def test_accounts_do_not_wait_for_each_other() -> None:
    """One lane each."""
    with Lane(account=ACCOUNT).turn(resource=None), Lane(account="api.github.com/mona").turn(resource=None) as turn:
        assert turn.waited_ms < 1000


def test_a_wait_for_the_lane_is_measured_and_shows_life() -> None:
    """The one who waits says so, and how long it was."""
    seen: list[tuple[str, datetime | None]] = []
    waited: list[float] = []

    def wait() -> None:
        lane = Lane(account=ACCOUNT, heartbeat=lambda reason, until: seen.append((reason, until)), heartbeat_seconds=0.05)
        with lane.turn(resource=None) as turn:
            waited.append(turn.waited_ms)

    began = time.monotonic()
    with Lane(account=ACCOUNT).turn(resource=None):
        thread = _in_thread(wait)
        wait_until(lambda: len(seen) > 1)
    thread.join(10)
    assert seen[0] == ("lane", None)
    assert seen[-1] == ("", None)
    assert 2 * 50 <= waited[0] <= (time.monotonic() - began) * 1000


def test_whoever_has_nobody_to_ask_waits_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a limit, longer than the pause between two looks at whether it is still wanted."""
    for module in ("apps.integrations.lane.lane", "apps.utils.clock"):
        monkeypatch.setattr(f"{module}.ATTENTION_SECONDS", 0.05)
    until = clock.now() + timedelta(seconds=0.2)
    ApiLane.objects.create(account=ACCOUNT, blocked_until=until, blocked_reason="secondary")
    with Lane(account=ACCOUNT).turn(resource=None):
        assert clock.now() >= until


def test_a_wait_for_the_lane_is_a_span_that_says_behind_whom(captrace: Capture) -> None:
    """It ends where the turn begins, and has the length that the turn knows; a free lane leaves none."""
    turns: list[Turn] = []

    def wait() -> None:
        with Lane(account=ACCOUNT).turn(resource=None) as turn:
            turns.append(turn)

    with Lane(account=ACCOUNT).turn(resource=None):
        thread = _in_thread(wait)
        holder = _row().holder
        time.sleep(0.1)
    thread.join(10)
    span = captrace.span("sync.lane.wait")
    assert span.attributes["sync.lane.account"] == ACCOUNT
    assert span.attributes["sync.lane.holder"] == holder == f"{socket.gethostname()}:{os.getpid()}"
    assert span.duration_ms == pytest.approx(turns[0].waited_ms, abs=0.001)
    assert span.duration_ms >= 90


def test_a_killed_holder_s_lane_is_free_when_its_lease_ends(program_environment: Mapping[str, str]) -> None:
    """And not before: its request may still be under way."""
    with _holder(program_environment, request_seconds=0.5, fate="kill") as holder:
        holder.wait(10)
        leased_until = _row().leased_until
        assert leased_until is not None
        with Lane(account=ACCOUNT).turn(resource=None):
            assert datetime.now(UTC) >= leased_until


@pytest.mark.slow
def test_a_frozen_holder_sends_nothing_late(program_environment: Mapping[str, str]) -> None:
    """Woken after its lease, it finds that its turn is over, and leaves the lane to its next holder."""
    with _holder(program_environment, request_seconds=0.5, fate="stop") as holder:
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED | os.WNOWAIT)
        with Lane(account=ACCOUNT).turn(resource=None) as turn:
            holder.send_signal(signal.SIGCONT)
            assert holder.stdout is not None
            assert holder.stdout.readline() == "sent nothing\n"
            holder.wait(10)
            row = _row()
            assert (row.fence, row.holder is None) == (turn.fence, False)


@pytest.mark.parametrize("part", ["head", "body"])
@pytest.mark.slow
def test_a_holder_that_is_frozen_as_it_sends_sends_nothing(part: str, program_environment: Mapping[str, str]) -> None:
    """Between its last look at its turn and the bytes: it does not outlive its turn, and the next holder is alone."""
    with simulator(synthetic=1) as github:
        nth = str(["head", "body"].index(part) + 1)
        arguments = [github.url, "frozen-token", ACCOUNT, "1", nth]
        command = [sys.executable, "-m", "tests.integrations.lane.frozen_sender", *arguments]
        with subprocess.Popen(command, env=program_environment, stdout=subprocess.PIPE, text=True) as frozen:
            os.waitid(os.P_PID, frozen.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            frozen_in = _row()
            transport = GitHubTransport(api_url=github.url, token="next-token")
            GitHubGraphQL(transport=transport, lane=Lane(account=ACCOUNT)).viewer()
            frozen.send_signal(signal.SIGCONT)
            assert frozen.stdout is not None
            assert (frozen.wait(10), frozen.stdout.read()) == (-signal.SIGKILL, "")
        assert (frozen_in.fence, _row().fence) == (1, 2)
        assert [seen.account for seen in github.requests()] == [github.account_of("next-token")]


def test_a_lane_cannot_be_taken_inside_a_transaction() -> None:
    """Nobody else would see it taken."""
    with transaction.atomic(), pytest.raises(RuntimeError, match="transaction"), Lane(account=ACCOUNT).turn(resource=None):
        pass


@pytest.mark.parametrize("error", [NotFound("gone"), KeyboardInterrupt()])
def test_a_failed_turn_frees_the_lane(error: BaseException) -> None:
    """Whatever ended it."""
    with pytest.raises(type(error)), Lane(account=ACCOUNT).turn(resource=None):
        raise error
    assert _row().holder is None


def test_asynchronous_commit_ends_with_its_statement() -> None:
    """The caller's own writes wait for the disk as before."""
    with connection.cursor() as cursor:
        cursor.execute("set synchronous_commit to on")
        _learn(_limit(10, resets_in=60))
        cursor.execute("show synchronous_commit")
        assert cursor.fetchone() == ("on",)
        cursor.execute("reset synchronous_commit")


def test_a_budget_beyond_measure_is_as_much_as_a_row_holds() -> None:
    """Whatever answers in GitHub's place, the lane goes on."""
    _learn(_limit(10**15, resets_in=60))
    assert _row().graphql_remaining == 2**31 - 1


def test_a_turn_that_stood_still_too_long_sends_nothing() -> None:
    """There must be time for a whole request in the lease, which lasts for one and a half."""
    with Lane(account=ACCOUNT, request_seconds=2.0).turn(resource=None) as turn:
        turn.confirm()
        time.sleep(1.05)
        leased_until = _row().leased_until
        assert leased_until is not None
        assert 0 < (leased_until - datetime.now(UTC)).total_seconds() < 2.0  # it is ours, and too short for a request
        with pytest.raises(LaneLost):
            turn.confirm()


def test_a_lost_turn_is_taken_again(captrace: Capture) -> None:
    """Nothing was sent, so nothing has failed; a line says so."""
    turns: list[Turn] = []

    def send(turn: Turn) -> str:
        turns.append(turn)
        if len(turns) == 1:
            raise LaneLost("stood still")
        return "answer"

    assert Lane(account=ACCOUNT).call(send, resource="graphql") == "answer"
    assert [turn.fence for turn in turns] == [1, 2]
    assert [(line["event"], line["account"], line["sent"]) for line in captrace.lines] == [
        ("sync.lane.lost", ACCOUNT, False)
    ]


def test_a_turn_that_another_has_taken_over_is_said(captrace: Capture) -> None:
    """By whoever takes the lane from a holder that is silent, and by that one when it comes back from its request."""
    with Lane(account=ACCOUNT, request_seconds=0.0).turn(resource=None) as first:
        with Lane(account=ACCOUNT).turn(resource=None):
            pass
        assert first.fence == 1
    taken, lost = captrace.lines
    assert (taken["event"], taken["account"], taken["level"]) == ("sync.lane.taken_over", ACCOUNT, "warning")
    assert taken["holder"].endswith(f":{os.getpid()}")
    assert 0 <= taken["overdue_sec"] < 10
    assert (lost["event"], lost["account"], lost["sent"], lost["level"]) == ("sync.lane.lost", ACCOUNT, True, "warning")


def test_a_known_budget_is_checked_before_each_request(stepped: clock.SteppedClock, captrace: Capture) -> None:
    """One line with what is left."""
    _learn(_limit(10, resets_in=60))
    with Lane(account=ACCOUNT).turn(resource="graphql"):
        pass
    (line,) = captrace.lines
    assert {name: line[name] for name in ("event", "remaining", "limit", "reset_at", "will_wait")} == {
        "event": "sync.api.rate_limit",
        "remaining": 10,
        "limit": 5000,
        "reset_at": "2026-01-01T00:01:00Z",
        "will_wait": False,
    }


@pytest.mark.parametrize(("resource", "resets_in"), [("core", 60), ("graphql", -5)], ids=["another", "full again"])
def test_an_unknown_budget_is_not_checked(
    resource: str, resets_in: float, stepped: clock.SteppedClock, captrace: Capture
) -> None:
    """REST's budget says nothing of GraphQL's, nor the last hour's of this hour's."""
    _learn(_limit(0, resets_in=resets_in, resource=resource))
    with Lane(account=ACCOUNT).turn(resource="graphql"):
        pass
    assert captrace.lines == []
    assert stepped.slept == []


def test_a_used_up_budget_is_waited_for_in_the_open(stepped: clock.SteppedClock, captrace: Capture) -> None:
    """A line before the wait, a span over it, signs of life in it, and the lane free meanwhile."""
    _learn(_limit(0, resets_in=30))
    holders: list[str | None] = []
    seen: list[tuple[str, datetime | None]] = []

    def heartbeat(reason: str, until: datetime | None) -> None:
        seen.append((reason, until))
        holders.append(_row().holder)

    with Lane(account=ACCOUNT, heartbeat=heartbeat).turn(resource="graphql") as turn:
        assert clock.now() >= NOW + timedelta(seconds=30)
    assert turn.waited_ms < 1000
    assert sum(stepped.slept) == pytest.approx(31)
    assert max(stepped.slept) <= 5
    assert set(seen[:-1]) == {("primary", NOW + timedelta(seconds=31))}
    assert set(holders[:-1]) == {None}
    assert seen[-1] == ("", None)
    assert _events(captrace) == ["sync.api.rate_limit", "sync.api.rate_wait"]
    assert captrace.lines[0]["will_wait"] is True
    assert (captrace.lines[1]["wait_seconds"], captrace.lines[1]["reset_at"]) == (31.0, "2026-01-01T00:00:31Z")
    (span,) = captrace.spans
    assert (span.name, span.outcome, span.attributes["sync.rate_wait.reason"]) == (
        "sync.api.rate_wait",
        "completed",
        "primary",
    )


def test_a_long_wait_parks_instead_of_sleeping(stepped: clock.SteppedClock, captrace: Capture) -> None:
    """The line and the span are there all the same, and the lane is free."""
    _learn(_limit(0, resets_in=3000))
    with pytest.raises(Parked) as caught, Lane(account=ACCOUNT).turn(resource="graphql"):
        pass
    assert (caught.value.until, caught.value.reason) == (NOW + timedelta(seconds=3001), "primary")
    assert stepped.slept == []
    assert _events(captrace) == ["sync.api.rate_limit", "sync.api.rate_wait"]
    assert [span.outcome for span in captrace.spans] == ["waiting"]
    assert _row().holder is None


def test_what_costs_nothing_does_not_wait_for_a_budget(stepped: clock.SteppedClock) -> None:
    """Asking for the limits is how one learns of them."""
    _learn(_limit(0, resets_in=30, resource="core"))
    with Lane(account=ACCOUNT).turn(resource=None):
        assert stepped.slept == []


class _Refusing:
    """A request that GitHub refuses with ``errors``, one after the other, and then answers."""

    def __init__(self, *errors: GitHubError) -> None:
        self.errors = list(errors)
        self.sent_at: list[datetime] = []

    def __call__(self, _turn: Turn) -> str:
        self.sent_at.append(clock.now())
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.mark.parametrize(
    ("error", "seconds", "reason"),
    [
        (SecondaryLimited("slow down", retry_after=20.0), 20, "secondary"),
        (RateLimited("used up", reset_at=NOW + timedelta(seconds=40)), 41, "primary"),
        (SecondaryLimited("slow down"), 60, "secondary"),
        (RateLimited("used up"), 60, "primary"),
        (RateLimited("used up", reset_at=NOW - timedelta(seconds=30)), 60, "primary"),
        (RateLimited("used up", reset_at=NOW + timedelta(seconds=40), retry_after=5.0), 5, "primary"),
    ],
    ids=["Retry-After", "reset", "secondary without a time", "primary without a time", "a clock ahead", "Retry-After first"],
)
def test_a_refusal_is_waited_for_and_sent_again(
    error: GitHubError, seconds: float, reason: str, stepped: clock.SteppedClock, captrace: Capture
) -> None:
    """Retry-After first, then the reset, then a minute."""
    send = _Refusing(error)
    assert Lane(account=ACCOUNT).call(send, resource="graphql") == "answer"
    assert send.sent_at == [NOW, NOW + timedelta(seconds=seconds)]
    assert [span.attributes["sync.rate_wait.reason"] for span in captrace.spans] == [reason]


def test_a_refusal_of_what_costs_nothing_stops_everybody_for_a_minute(stepped: clock.SteppedClock) -> None:
    """No resource's budget is used up, so that the reset which GitHub names is none of any."""
    send = _Refusing(RateLimited("used up", reset_at=NOW + timedelta(seconds=40)))
    assert Lane(account=ACCOUNT).call(send, resource=None) == "answer"
    assert send.sent_at == [NOW, NOW + timedelta(seconds=60)]
    row = _row()
    assert (row.blocked_until, row.graphql_remaining, row.core_remaining) == (NOW + timedelta(seconds=60), None, None)


def test_a_wait_shows_life_four_times_before_it_would_pass_for_dead(stepped: clock.SteppedClock, settings: Settings) -> None:
    """However soon that is; and once more as it goes on."""
    settings.SYNC_STALE_SECONDS = 8
    seen: list[timedelta] = []

    def show_life(reason: str, until: datetime | None) -> None:
        del reason, until
        seen.append(clock.now() - NOW)

    lane = Lane(account=ACCOUNT, heartbeat=show_life)
    assert lane.call(_Refusing(SecondaryLimited("slow down", retry_after=8.0)), resource="graphql") == "answer"
    assert seen == [timedelta(seconds=each) for each in (0, 2, 4, 6, 8)]


def test_a_lane_is_asked_for_after_uneven_pauses_of_at_most_50_ms(monkeypatch: pytest.MonkeyPatch) -> None:
    """They begin at 2 ms and double; of each, half is chance."""
    held = leases.take(account=ACCOUNT, holder="another", lease_seconds=60.0)
    assert held is not None
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 8:
            leases.leave(account=ACCOUNT, fence=held.fence, budgets={}, block=None)

    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", pause)
        with Lane(account=ACCOUNT).turn(resource=None):
            pass
    longest = [0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.05, 0.05]
    assert all(most / 2 <= each <= most for each, most in zip(pauses, longest, strict=True)), pauses
    assert len(set(pauses)) == 8


def test_a_long_refusal_parks(stepped: clock.SteppedClock) -> None:
    """Nobody sleeps for an hour."""
    send = _Refusing(RateLimited("used up", reset_at=NOW + timedelta(hours=1)))
    with pytest.raises(Parked):
        Lane(account=ACCOUNT).call(send, resource="graphql")
    assert stepped.slept == []


def test_a_second_refusal_in_a_row_is_raised_and_blocks_for_longer(stepped: clock.SteppedClock) -> None:
    """Whoever comes next waits twice as long; whether somebody comes is not the lane's to say."""
    send = _Refusing(SecondaryLimited("slow down"), SecondaryLimited("slow down"))
    with pytest.raises(SecondaryLimited):
        Lane(account=ACCOUNT).call(send, resource="graphql")
    assert _row().blocked_until == NOW + timedelta(seconds=60 + 120)


def test_an_answer_between_two_refusals_starts_the_count_again(stepped: clock.SteppedClock) -> None:
    """They are not in a row."""
    lane = Lane(account=ACCOUNT)
    for _ in range(3):
        assert lane.call(_Refusing(SecondaryLimited("slow down", retry_after=1.0)), resource="graphql") == "answer"


def test_no_word_stops_an_account_for_more_than_a_day(stepped: clock.SteppedClock) -> None:
    """A reset or a block of years is a mistake of somebody's, and would stop every team that uses the account."""
    with Lane(account=ACCOUNT).turn(resource=None) as turn:
        turn.learned(_limit(0, resets_in=10**9))
        turn.blocked(NOW + timedelta(days=400), "secondary")
    assert _row().graphql_reset_at == _row().blocked_until == NOW + timedelta(days=1)


def test_retry_after_of_a_server_in_trouble_holds_for_everybody(stepped: clock.SteppedClock) -> None:
    """The error is raised at once; the next request waits."""
    with pytest.raises(ServerError):
        Lane(account=ACCOUNT).call(_Refusing(ServerError("503", retry_after=10.0)), resource="graphql")
    with Lane(account=ACCOUNT).turn(resource="graphql"):
        assert stepped.slept == [5, 5]
    assert _row().blocked_reason == "retry_after"


@pytest.mark.parametrize(("turns_before", "is_betrayed"), [(0, True), (449, True), (450, False)])
@pytest.mark.slow
def test_a_secondary_limit_that_is_not_for_our_requests_names_others(
    turns_before: int, is_betrayed: bool, captrace: Capture
) -> None:
    """All that was ever sent from here is too little for it: the error, its span and the wait say so."""
    ApiLane.objects.create(account=ACCOUNT, fence=turns_before)
    with simulator(synthetic=1) as github, clock.using(clock.SteppedClock(datetime.now(UTC))):
        github.add_faults({"fault": "secondary_limit", "retry_after": 5})
        GitHubGraphQL(transport=GitHubTransport(api_url=github.url, token="any"), lane=Lane(account=ACCOUNT)).viewer()
    failed, waited, _ = captrace.spans
    said = f"at most {turns_before + 1} requests were sent in the last minute, one at a time"
    assert (said in repr(failed)) is is_betrayed
    assert waited.attributes.get("sync.rate_wait.account_shared") is (True if is_betrayed else None)
    assert waited.attributes["sync.rate_wait.reason"] == "secondary"


def test_turns_of_more_than_a_minute_ago_do_not_count() -> None:
    """As numbered between then and now, by whoever held them."""
    lane = Lane(account=ACCOUNT)
    with lane.turn(resource=None):
        pass
    ApiLane.objects.filter(account=ACCOUNT).update(fence=10_000)
    with lane.turn(resource=None) as turn:
        error = SecondaryLimited("slow down")
        turn.judge(error)
        assert not error.account_is_shared


def test_a_success_that_used_up_the_budget_makes_the_next_wait(stepped: clock.SteppedClock) -> None:
    """Remaining 0 on an answer is no error, and no permission either."""
    lane = Lane(account=ACCOUNT)

    def send(turn: Turn) -> str:
        turn.learned(_limit(0, resets_in=10))
        return "answer"

    assert lane.call(send, resource="graphql") == "answer"
    assert stepped.slept == []
    with lane.turn(resource="graphql"):
        assert sum(stepped.slept) == pytest.approx(11)


def test_a_client_waits_for_its_lane_and_goes_on(captrace: Capture) -> None:
    """From GitHub's refusal to the answer after the reset, with no error on the way out."""
    stepped = clock.SteppedClock(datetime.now(UTC))
    with simulator(synthetic=3) as github, clock.using(stepped):
        github.add_faults({"fault": "primary_limit", "reset_in": 30})
        transport = GitHubTransport(api_url=github.url, token="any-token")
        client = GitHubGraphQL(transport=transport, lane=Lane(account=ACCOUNT))
        (page,) = client.pull_requests("synthetic/repo-0")
        assert len(page.nodes) == 3
    assert client.requests == 2
    assert 25 < sum(stepped.slept) < 35
    assert captrace.tree("status").splitlines() == [
        "sync.api.graphql waiting status=rate_limited",
        "sync.api.rate_wait completed",
        "sync.api.graphql completed status=ok",
    ]
