"""What a run lost its time to: the decisive cause by time on the critical path, and none where nothing is worth naming."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.explain.facts import Busy, Earlier, Profile, Surroundings
from tests.explain.stories import asked, codes_of, line, proofs_of, refused, repository, told_run
from tests.explain.told import at, attempt, limit, message, span, step, wait, write


def test_a_healthy_run_has_no_cause() -> None:
    """However long it took: it was at work all the time."""
    explanation = told_run(attempt(0.0, 900.0, asked(0.0, 1.0), write(1.0, 1.5), asked(2.0, 3.5)), end=900.0)
    assert (codes_of(explanation), explanation.outcome) == ([], "completed")
    assert explanation.sentence == (
        "Run 1 is healthy: 1 repository, 10 pull requests in 15 min, of which GitHub took 2.5 s."
    )
    assert explanation.advice == "Nothing to do."


@pytest.mark.parametrize(
    ("reason", "code"), [("primary", "primary_limit"), ("secondary", "secondary_limit"), ("retry_after", "github_errors")]
)
def test_a_wait_for_a_limit_is_named_with_its_seconds(reason: str, code: str) -> None:
    """With the call that GitHub refused; a server in trouble that names a time is no limit."""
    call = refused(1.0, 1.5, "rate_limited", status=200, outcome="waiting")
    spans = attempt(0.0, 12.0, call, limit(1.5, 9.5, reason), asked(10.0, 12.0))
    explanation = told_run(spans, end=12.0)
    assert codes_of(explanation) == [code]
    assert explanation.causes[0].seconds == 8.0
    assert explanation.sentence.startswith("Run 1 completed, and 8.0 s of 12.0 s were lost at o/1: ")
    assert proofs_of(explanation) == [
        f"sync.api.rate_wait for 8.0 s: {reason} [span_id]",
        "PullRequests of 25 pull requests at 00:00:01Z: rate_limited after 0.50 s, HTTP 200 [span_id]",
    ]


def test_a_fault_that_healed_and_cost_little_is_no_cause() -> None:
    """Less than one and a half seconds, or less than a twentieth of the run."""
    short = attempt(0.0, 9.0, limit(1.0, 2.4, "primary"), asked(4.0, 5.0))
    assert codes_of(told_run(short, end=9.0)) == []
    small = attempt(0.0, 180.0, limit(1.0, 9.0, "primary"), asked(9.0, 10.0))
    assert codes_of(told_run(small, end=180.0)) == []
    assert codes_of(told_run(attempt(0.0, 150.0, limit(1.0, 9.0, "primary")), end=150.0)) == ["primary_limit"]


def _after(error: str, **of_call: Any) -> list[Any]:
    first = attempt(
        0.0, 2.0, refused(0.0, 1.5, error, **of_call), outcome="retrying", has={"retry.countdown": 8.0, "error.type": error}
    )
    second = attempt(10.0, 12.0, asked(10.0, 12.0), number=2)
    return [first, wait("sync.backoff", 2.0, 10.0, has={"sync.backoff.error_type": error}), second]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("server_error", "github_errors"),
        ("query_timeout", "github_slow"),
        ("unreachable", "github_unreachable"),
        ("invalid_answer", "answer_invalid"),
        ("OperationalError", "database_unavailable"),
        ("out_of_time", "time_limit"),
    ],
)
def test_a_back_off_is_for_the_error_before_it(error: str, code: str) -> None:
    """And so is the time of the call that failed."""
    explanation = told_run(*_after(error, status=502), end=12.0)
    assert codes_of(explanation) == [code]
    assert explanation.causes[0].seconds == (10.0 if code == "time_limit" else 9.5)  # all that a limit cut off is lost
    assert proofs_of(explanation)[0] == f"a back-off of 8.0 s after {error} [span_id]"


def test_a_back_off_of_a_phase_is_for_the_step_before_it() -> None:
    """And not for an attempt that had failed earlier, of a repository that was given up."""
    given_up = refused(0.0, 1.0, "not_found", status=404)
    failed = step(2.0, 3.0, status="ERROR")
    failed[0].attributes = {**failed[0].attributes, "error.type": "OperationalError"}
    spans = [attempt(0.0, 1.0, given_up, outcome="failed"), failed, step(12.0, 13.0, number=2)]
    explanation = told_run(*spans, end=13.0)
    assert (codes_of(explanation), explanation.causes[0].seconds) == (["database_unavailable"], 9.0)
    assert proofs_of(explanation) == ["a phase's step ended: OperationalError [span_id]"]


def test_calls_that_take_long_are_slow_without_earlier_runs() -> None:
    """Each counts for what it took longer than usual; none that took less than two seconds is slow."""
    slow = attempt(0.0, 20.0, asked(0.0, 6.0), asked(6.0, 12.0))
    explanation = told_run(slow, end=20.0)
    assert (codes_of(explanation), explanation.causes[0].seconds) == (["github_slow"], 10.0)
    usual = attempt(0.0, 20.0, *(asked(2.0 * number, 2.0 * number + 1.9) for number in range(10)))
    assert codes_of(told_run(usual, end=20.0)) == []


def test_calls_that_have_always_taken_so_long_are_not_slow() -> None:
    """Earlier runs of the same repositories say what is usual."""
    profile = Profile(call_seconds={"PullRequests": 5.0}, calls={"PullRequests": 9})
    earlier = [
        Earlier(run_id=number, wall_sec=20.0, requests=9, points=9, attempts=1, profile=profile) for number in (5, 6, 7)
    ]
    slow = attempt(0.0, 20.0, asked(0.0, 6.0), asked(6.0, 12.0))
    assert codes_of(told_run(slow, end=20.0, around=Surroundings(earlier=earlier))) == []


def test_a_write_that_takes_long_is_the_database_s() -> None:
    """A lock, or a slow disk; a large page may take longer."""
    spans = attempt(0.0, 20.0, asked(0.0, 1.0), write(1.0, 12.0))
    assert codes_of(told_run(spans, end=20.0)) == ["database_slow"]
    assert told_run(spans, end=20.0).causes[0].seconds == 10.0
    large = replace(spans[-1], attributes={**spans[-1].attributes, "db.operation.batch.size": 20_000})
    assert codes_of(told_run([*spans[:-1], large], end=20.0)) == []


def test_the_lane_s_holder_is_named() -> None:
    """Somebody else sent with the account."""
    held = span("sync.lane.wait", 1.0, 9.0, outcome="completed", has={"sync.lane.holder": "worker-2:4711"})
    explanation = told_run(attempt(0.0, 10.0, held, asked(9.0, 10.0)), end=10.0)
    assert codes_of(explanation) == ["lane_busy"]
    assert "(held by worker-2:4711)" in explanation.sentence


def test_whoever_was_ahead_in_the_queue_is_named() -> None:
    """By the wait's own word, or by whose repositories were at work meanwhile."""
    queued = wait("sync.queue.wait", 0.0, 8.0, has={"sync.queue.reason": "account", "sync.queue.behind": "else/where"})
    explanation = told_run(queued, attempt(8.0, 10.0, asked(8.0, 10.0)), end=10.0)
    assert codes_of(explanation) == ["queue_busy"]
    assert "(else/where)" in explanation.sentence
    workers = wait("sync.queue.wait", 0.0, 8.0, has={"sync.queue.reason": "workers"})
    busy = Busy(
        team="bakers", full_name="b/1", repo_id=9, run_id=8, account="github.test/ben", start_ns=at(-5), end_ns=at(7)
    )
    around = Surroundings(busy=[busy], is_known=True)
    explanation = told_run(workers, attempt(8.0, 10.0, asked(8.0, 10.0)), end=10.0, around=around)
    assert codes_of(explanation) == ["queue_busy"]
    assert "(b/1 of bakers)" in explanation.sentence


def test_a_message_that_waited_while_no_worker_was_there() -> None:
    """The worker that came says so; one that had been there all the time was busy."""
    late = attempt(9.0, 10.0, asked(9.0, 10.0), waited=8.5)
    came = line(8.8, "sync.worker.started", worker="celery@one", trace_id=None)
    explanation = told_run(message(0.4, 0.5, repo=1), late, end=10.0, lines=[came])
    assert codes_of(explanation) == ["no_worker"]
    assert proofs_of(explanation)[-1] == "a worker came at 00:00:08Z [line]"
    there = line(-60.0, "sync.worker.started", worker="celery@one", trace_id=None)
    explanation = told_run(message(0.4, 0.5, repo=1), late, end=10.0, lines=[there])
    assert (codes_of(explanation), explanation.causes[0].is_inferred) == (["queue_busy"], True)


def test_waits_for_a_worker_that_are_short_each_are_proven_by_a_task_that_waited() -> None:
    """None of three alone is long; the cause that they are together names the one that it is shown by."""
    there = line(-60.0, "sync.worker.started", worker="celery@one", trace_id=None)
    spans = [
        one
        for number, start in enumerate((0.9, 2.8, 4.7), start=1)
        for one in attempt(start, start + 1.0, asked(start, start + 1.0), number=number, waited=0.8, outcome="waiting")
    ]
    explanation = told_run(spans, end=5.7, lines=[there])
    assert [cause.code.name for cause in explanation.causes if not cause.chain] == []
    assert "queue_busy" in codes_of(explanation)


@pytest.mark.parametrize(
    ("outcome", "has", "seconds"),
    [
        ("retrying", {"error.type": "out_of_time"}, 7.7),
        ("died", {"error.type": "died", "died.cause": "time_limit"}, 7.8),  # and until it was found
    ],
    ids=["soft", "hard"],
)
def test_what_an_attempt_did_until_its_limit_cut_it_off_was_lost(outcome: str, has: dict[str, str], seconds: float) -> None:
    """Also where it was in no call and in no write; the same work in an attempt that ended well is work."""
    hung = attempt(0.0, 8.0, asked(0.1, 0.4), outcome=outcome, has=has)
    again = attempt(8.1, 9.0, asked(8.1, 8.9), number=2)
    explanation = told_run(hung, again, end=9.0)
    assert codes_of(explanation) == ["time_limit"]
    assert explanation.causes[0].seconds == pytest.approx(seconds)
    assert codes_of(told_run(attempt(0.0, 8.0, asked(0.1, 0.4)), end=8.0)) == []


@pytest.mark.parametrize(("seconds", "codes"), [(40.0, ["unknown"]), (1.0, [])])
def test_a_long_run_of_which_nothing_tells_is_not_known_to_be_healthy(seconds: float, codes: list[str]) -> None:
    """Its rows say that it has completed, and not where its time went; what is short has lost nothing worth naming."""
    explanation = told_run(end=seconds, has_root=False)
    assert codes_of(explanation) == codes
    assert any("what happened (no span, line or row says it)" in one for one in explanation.missing) is bool(codes)


def test_a_start_that_nobody_made_is_for_want_of_a_worker() -> None:
    """That is inferred where no worker's line says it; a command with servers of its own starts its worker itself."""
    queued = wait("sync.queue.wait", 0.0, 8.0, has={"sync.queue.reason": "start"})
    late = attempt(8.0, 10.0, asked(8.0, 10.0))
    explanation = told_run(queued, late, end=10.0)
    assert (codes_of(explanation), explanation.causes[0].is_inferred) == (["no_worker"], True)
    own = replace(queued, resource={"deployment.environment.name": "local"})
    assert codes_of(told_run(own, late, end=10.0)) == []


@pytest.mark.parametrize(("what", "code"), [("broker", "broker_unavailable"), ("database", "database_unavailable")])
def test_time_without_broker_or_database_is_theirs(what: str, code: str) -> None:
    """Their lines say from when to when."""
    late = attempt(9.0, 10.0, asked(9.0, 10.0), waited=8.5)
    lines = [line(1.0, f"sync.{what}.lost", trace_id=None), line(8.0, f"sync.{what}.back", away_sec=7.0, trace_id=None)]
    explanation = told_run(message(0.4, 0.5, repo=1), late, end=10.0, lines=lines)
    assert codes_of(explanation) == [code]
    assert proofs_of(explanation)[-1] == f"the {what} was away from 00:00:01Z to 00:00:08Z [line]"


def _dead(**died: Any) -> list[Any]:
    first = attempt(0.0, 3.0, asked(1.0, 3.0), outcome="died", has=died)
    return [first, attempt(95.0, 96.0, asked(95.0, 96.0), number=2)]


def test_what_killed_a_worker_is_told() -> None:
    """By its span; by the worker's line; or by silence alone, which is an inference."""
    killed = told_run(*_dead(**{"died.cause": "signal", "died.signal": "SIGKILL"}), end=96.0)
    assert (codes_of(killed), killed.causes[0].is_inferred) == (["worker_died"], False)
    assert killed.causes[0].seconds == 92.0
    said = line(90.0, "sync.worker.killed", repo_id=1, task_name="sync_repository", cause="signal 9 (SIGKILL)")
    by_line = told_run(*_dead(), end=96.0, lines=[said])
    assert (codes_of(by_line), by_line.causes[0].is_inferred) == (["worker_died"], False)
    assert proofs_of(by_line)[-1] == "the process at sync_repository was killed: signal 9 (SIGKILL) [line]"
    found = line(94.0, "sync.attempt.dead", repo_id=1, attempt=1, silent_sec=91.0)
    silent = told_run(*_dead(), end=96.0, lines=[found])
    assert (codes_of(silent), silent.causes[0].is_inferred) == (["worker_died"], True)


def test_a_death_at_the_hard_limit_is_the_limit_s() -> None:
    """As the span says it, or the worker's line."""
    assert codes_of(told_run(*_dead(**{"died.cause": "time_limit"}), end=96.0)) == ["time_limit"]
    said = line(90.0, "sync.worker.killed", repo_id=1, cause="its hard time limit of 5.0 s")
    assert codes_of(told_run(*_dead(), end=96.0, lines=[said])) == ["time_limit"]


def test_time_that_nothing_explains_is_unknown() -> None:
    """It is said from when on, and for how long."""
    explanation = told_run(attempt(0.0, 5.0, asked(0.0, 2.0)), end=50.0)
    assert codes_of(explanation) == ["unknown"]
    assert explanation.missing[0] == ("what happened (no span, line or row says it) from 00:00:05Z on, for 45.0 s in all")


def test_of_two_delays_the_longer_decides() -> None:
    """The other one is told, too."""
    spans = attempt(0.0, 30.0, limit(0.0, 8.0, "secondary"), limit(8.0, 20.0, "primary"), asked(20.0, 21.0))
    explanation = told_run(spans, end=30.0)
    assert [(one.code.name, one.seconds) for one in explanation.causes] == [
        ("primary_limit", 12.0),
        ("secondary_limit", 8.0),
    ]


def test_a_failure_decides_however_long_a_delay_was() -> None:
    """What the run was late for is told after it."""
    spans = attempt(
        0.0,
        30.0,
        limit(0.0, 20.0, "primary"),
        refused(20.0, 21.0, "unauthorized", status=401),
        outcome="failed",
        has={"error.type": "unauthorized"},
    )
    failed = repository(state="failed", error_type="unauthorized")
    explanation = told_run(spans, end=30.0, state="failed", repositories=[failed])
    assert codes_of(explanation) == ["token_refused", "primary_limit"]
