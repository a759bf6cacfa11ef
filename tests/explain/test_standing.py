"""A run that goes on is explained as it stands: what it does, what it waits for, since when and until when, and its end."""

from __future__ import annotations

from typing import Any

import pytest

from apps.explain.facts import Busy, Surroundings
from tests.explain.stories import asked, codes_of, line, proofs_of, refused, repository, told_run
from tests.explain.told import at, attempt, limit, message


def test_a_run_at_work_is_healthy_and_has_an_expected_end() -> None:
    """At the speed that it had so far."""
    rows = [repository(1, "running", prs_done=25, prs_total=100)]
    explanation = told_run(attempt(0.0, 10.0, asked(0.0, 2.0)), end=None, now=10.0, repositories=rows)
    assert (explanation.outcome, codes_of(explanation)) == ("running", [])
    assert explanation.sentence == (
        "Run 1 is healthy: o/1 is at work after 25 of 100 pull requests; it began at 00:00:00Z, "
        "and is expected to end at 00:00:40Z."
    )


@pytest.mark.parametrize(("reason", "code"), [("primary", "primary_limit"), ("secondary", "secondary_limit")])
def test_a_parked_repository_waits_for_its_limit(reason: str, code: str) -> None:
    """With the wait's span, the call that was refused, and until when."""
    call = refused(1.0, 1.5, "rate_limited", status=200, outcome="waiting")
    spans = attempt(0.0, 2.0, call, limit(1.5, 1.6, reason, outcome="waiting"), outcome="waiting")
    rows = [repository(1, "waiting", wait_reason=reason, due_ns=at(600), alive_ns=at(2), prs_done=25, prs_total=50)]
    explanation = told_run(spans, end=None, now=60.0, repositories=rows)
    assert (explanation.outcome, codes_of(explanation)) == ("waiting", [code])
    assert "(until 00:10:00Z)" in explanation.sentence
    assert explanation.sentence.endswith(
        "; nothing of it works now; it began at 00:00:00Z, and is expected to end at 00:11:00Z."
    )
    assert proofs_of(explanation) == [
        "the run goes on [row]",
        f"it waits for a {reason} limit until 00:10:00Z [span_id]",
        "PullRequests of 25 pull requests at 00:00:01Z: rate_limited after 0.50 s, HTTP 200 [span_id]",
    ]
    assert "goes on by itself" in explanation.advice


def test_a_repository_that_backs_off_names_the_error_before() -> None:
    """And the call that made the attempt fail."""
    spans = attempt(
        0.0, 2.0, refused(0.5, 1.0, "server_error", status=502), outcome="retrying", has={"retry.countdown": 64.0}
    )
    rows = [repository(1, "retrying", error_type="server_error", due_ns=at(66), alive_ns=at(2), prs_done=0, prs_total=None)]
    explanation = told_run(spans, end=None, now=20.0, repositories=rows)
    assert (explanation.outcome, codes_of(explanation)) == ("waiting", ["github_errors"])
    assert proofs_of(explanation)[-1].startswith("PullRequests of 25 pull requests at 00:00:00Z: server_error")


def test_a_silent_attempt_has_died_by_inference() -> None:
    """There is no sign of life since."""
    rows = [repository(1, "running", silent_sec=50.0, alive_ns=at(10), prs_done=5)]
    explanation = told_run(attempt(0.0, 10.0, asked(0.0, 2.0))[:1], end=None, now=60.0, repositories=rows)
    assert (explanation.outcome, codes_of(explanation)) == ("waiting", ["worker_died"])
    assert explanation.causes[0].is_inferred
    assert "no sign of life since 00:00:10Z [row]" in proofs_of(explanation)[-1]


def test_a_message_that_nobody_takes_is_for_want_of_a_worker() -> None:
    """Nobody has ever looked for work, or not for long; or the last worker said that it left."""
    rows = [repository(1, "queued", due_ns=at(0), sent_ns=at(0.5), attempt=0, prs_done=0, prs_total=None)]
    sent = message(0.4, 0.5, repo=1)
    never = told_run(sent, end=None, now=30.0, repositories=rows, around=Surroundings(is_known=True))
    assert (never.outcome, codes_of(never), never.causes[0].is_inferred) == ("waiting", ["no_worker"], True)
    assert "(no worker has ever looked for work)" in never.sentence
    assert "celery -A apps.config worker" in never.advice
    around = Surroundings(is_known=True, swept_ns=at(-100), sweep_seconds=10.0)
    assert codes_of(told_run(sent, end=None, now=30.0, repositories=rows, around=around)) == ["no_worker"]
    left = line(-5.0, "sync.worker.drained", worker="celery@one", trace_id=None)
    gone = told_run(sent, end=None, now=30.0, repositories=rows, lines=[left], around=around)
    assert (codes_of(gone), gone.causes[0].is_inferred) == (["no_worker"], False)


def test_a_message_that_waits_behind_others_is_in_a_busy_queue() -> None:
    """Somebody looks for work all the time, and others are at work."""
    rows = [repository(1, "queued", due_ns=at(0), sent_ns=at(0.5), attempt=0, prs_done=0, prs_total=None)]
    busy = Busy(team="bakers", full_name="b/1", repo_id=9, run_id=8, account="x/ben", start_ns=at(-50), end_ns=at(30))
    around = Surroundings(is_known=True, swept_ns=at(25), busy=[busy])
    explanation = told_run(message(0.4, 0.5, repo=1), end=None, now=30.0, repositories=rows, around=around)
    assert codes_of(explanation) == ["queue_busy"]
    assert "(b/1 of bakers)" in explanation.sentence


def test_a_repository_behind_one_of_its_own_run_is_no_trouble() -> None:
    """An account's repositories take turns."""
    rows = [
        repository(1, "running", prs_done=5, prs_total=10),
        repository(2, "queued", due_ns=at(0), attempt=0, prs_done=0, prs_total=None),
    ]
    explanation = told_run(attempt(0.0, 30.0, asked(0.0, 2.0)), end=None, now=30.0, repositories=rows)
    assert (explanation.outcome, codes_of(explanation)) == ("running", [])


def test_an_account_that_a_limit_holds_makes_its_repositories_wait() -> None:
    """The lane's row says which, and until when."""
    rows = [repository(1, "queued", due_ns=at(0), attempt=0, prs_done=0, prs_total=None)]
    around = Surroundings(is_known=True, swept_ns=at(25), blocks={"github.test/ada": ("primary", at(900))})
    explanation = told_run(end=None, now=30.0, repositories=rows, around=around)
    assert codes_of(explanation) == ["primary_limit"]
    assert "(until 00:15:00Z)" in explanation.sentence


def test_a_row_that_waits_for_the_lane_says_so() -> None:
    """Another program sends with its account."""
    rows = [repository(1, "running", wait_reason="lane", due_ns=at(0), alive_ns=at(10), prs_done=0)]
    explanation = told_run(attempt(0.0, 30.0), end=None, now=30.0, repositories=rows)
    assert (explanation.outcome, codes_of(explanation)) == ("waiting", ["lane_busy"])


def test_a_phase_whose_message_nobody_takes() -> None:
    """Every repository has ended; the analysis was sent, and not begun."""
    known: dict[str, Any] = {"phase": "llm_processing", "step_sent_ns": at(5.0)}
    around = Surroundings(is_known=True)
    explanation = told_run(attempt(0.0, 5.0, asked(0.0, 2.0)), end=None, now=60.0, around=around, **known)
    assert (explanation.outcome, codes_of(explanation)) == ("running", ["no_worker"])
    assert "the step of phase llm_processing was sent 55.0 s ago, and has not ended [row]" in proofs_of(explanation)[0]
