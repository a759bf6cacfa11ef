"""Why a run failed: the first cause, not the last error, with the steps that prove it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.explain.errors_as_codes import code_of
from telemetry.reading import Span
from tests.explain.stories import asked, codes_of, line, proofs_of, refused, repository, told_run
from tests.explain.told import attempt, call, span, step, write


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("unauthorized", "token_refused"),
        ("sso_required", "sso_required"),
        ("ip_not_allowed", "ip_not_allowed"),
        ("forbidden", "forbidden"),
        ("not_found", "not_found"),
        ("moved", "not_found"),
        ("rate_limited", "primary_limit"),
        ("secondary_limited", "secondary_limit"),
        ("query_timeout", "github_slow"),
        ("server_error", "github_errors"),
        ("query_failed", "github_errors"),
        ("too_costly", "github_errors"),
        ("conflict", "github_errors"),
        ("undefined_field", "github_errors"),
        ("unreachable", "github_unreachable"),
        ("tls_broken", "github_unreachable"),
        ("certificate_untrusted", "github_unreachable"),
        ("proxy_refused", "misconfigured"),
        ("certificates_missing", "misconfigured"),
        ("ImproperlyConfigured", "misconfigured"),
        ("invalid_answer", "answer_invalid"),
        ("partial_answer", "incomplete_at_github"),
        ("incomplete_history", "incomplete_at_github"),
        ("attempt_died", "worker_died"),
        ("out_of_time", "time_limit"),
        ("OperationalError", "database_unavailable"),
        ("InterfaceError", "database_unavailable"),
        ("IntegrityError", "program_error"),
        ("ZeroDivisionError", "program_error"),
    ],
)
def test_an_error_s_code_is_that_of_its_place_in_the_tree(error: str, code: str) -> None:
    """A row that alone is left of a run says it, too."""
    assert code_of(error).name == code
    failed = repository(state="failed", error_type=error, error_msg="why")
    explanation = told_run(end=9.0, state="failed", error_type="every_repository_failed", repositories=[failed])
    assert codes_of(explanation) == [code]
    assert proofs_of(explanation)[-1] == f"o/1 failed: {error} [row]"


def test_what_the_words_of_an_error_tell_counts() -> None:
    """A lock is no outage, a broker no database, and a hard limit no mere death."""
    assert code_of("OperationalError", "canceling statement due to lock timeout").name == "database_slow"
    assert code_of("OperationalError", "Error 111 connecting to localhost", 'File "kombu/connection.py"').name == (
        "broker_unavailable"
    )
    assert code_of("attempt_died", "Attempt 1 was killed: its hard time limit of 5.0 s").name == "time_limit"


def test_a_refused_token_is_told_with_its_place_and_time() -> None:
    """In one sentence, with what became of the others; each step of the chain names what proves it."""
    good = attempt(0.0, 3.0, asked(0.0, 3.0), repo=2)
    bad = attempt(
        3.0, 9.0, asked(3.0, 4.0), write(4.0, 4.5), refused(8.0, 8.5, "unauthorized", status=401), repo=1, outcome="failed"
    )
    bad[1] = replace(bad[1], attributes={**bad[1].attributes, "error.type": "unauthorized"})
    failed = repository(1, "failed", error_type="unauthorized", prs_done=74, prs_total=1949)
    explanation = told_run(good, bad, end=9.0, state="partial", repositories=[failed, repository(2), repository(3)])
    assert explanation.outcome == "partial"
    assert explanation.sentence == (
        "o/1 stopped after 74 of 1,949 pull requests: GitHub refused the token (401) at 00:00:08Z; "
        "the other 2 repositories are complete."
    )
    assert codes_of(explanation) == ["token_refused"]
    assert proofs_of(explanation) == [
        "the run ended without some repositories [span_id]",
        "o/1 failed: unauthorized [row]",
        "attempt 1 ended: unauthorized [span_id]",
        "PullRequests of 25 pull requests at 00:00:08Z: unauthorized after 0.50 s, HTTP 401 [span_id]",
    ]
    assert explanation.causes[0].chain[-1].span_id == bad[-1].span_id
    assert "resume 1" in explanation.advice


def test_what_was_asked_first_and_never_answered_is_the_cause() -> None:
    """The lists of pages that were read before fail after it with another error, which is the last, not the first."""
    spans = attempt(
        0.0,
        9.0,
        asked(0.0, 1.0),
        refused(1.0, 2.0, "ip_not_allowed", status=200),
        refused(2.0, 3.0, "unreachable", query="PullRequestLists"),
        outcome="failed",
        has={"error.type": "unreachable"},
    )
    failed = repository(state="failed", error_type="unreachable")
    assert codes_of(told_run(spans, end=9.0, state="failed", repositories=[failed])) == ["ip_not_allowed"]


def test_an_error_that_was_answered_after_all_decides_nothing() -> None:
    """A smaller page was answered; what the attempt failed with is something else."""
    spans = attempt(
        0.0,
        9.0,
        refused(0.0, 1.0, "query_failed", status=502),
        asked(1.0, 2.0),
        outcome="failed",
        has={"error.type": "ValueError", "error_msg": "a date of the year 0"},
    )
    failed = repository(state="failed", error_type="ValueError", error_msg="a date of the year 0")
    explanation = told_run(spans, end=9.0, state="failed", repositories=[failed])
    assert codes_of(explanation) == ["program_error"]
    assert "(ValueError: a date of the year 0)" in explanation.sentence


def _tries(*errors: str) -> list[list[Span]]:
    return [
        attempt(
            10.0 * number,
            10.0 * number + 1,
            refused(10.0 * number, 10.0 * number + 0.5, error),
            number=number + 1,
            outcome="failed" if number == len(errors) - 1 else "retrying",
            has={"error.type": error},
        )
        for number, error in enumerate(errors)
    ]


def test_of_failures_in_a_row_the_most_frequent_decides() -> None:
    """Each of them may have been healed; what struck most often kept the repository from it."""
    failed = repository(state="failed", error_type="unreachable")
    spans = _tries("server_error", "server_error", "unreachable", "server_error", "server_error", "unreachable")
    assert codes_of(told_run(*spans, end=51.0, state="failed", repositories=[failed]))[0] == "github_errors"


def test_an_error_after_which_none_follows_decides_alone() -> None:
    """However many were healed before it."""
    failed = repository(state="failed", error_type="unauthorized")
    spans = _tries("server_error", "server_error", "server_error", "unauthorized")
    assert codes_of(told_run(*spans, end=31.0, state="failed", repositories=[failed]))[0] == "token_refused"


def test_a_limit_that_was_met_for_calls_that_failed_is_not_the_first_cause() -> None:
    """Half of the attempt's time went into calls that timed out; without them it is the limit."""
    slow = attempt(
        0.0,
        10.0,
        refused(0.0, 3.0, "query_timeout"),
        refused(3.0, 6.0, "query_timeout"),
        outcome="failed",
        has={"error.type": "out_of_time"},
    )
    own = attempt(0.0, 10.0, asked(0.0, 3.0), outcome="failed", has={"error.type": "out_of_time"})
    failed = [repository(state="failed", error_type="out_of_time")]
    assert codes_of(told_run(slow, end=10.0, state="failed", repositories=failed))[0] == "github_slow"
    assert codes_of(told_run(own, end=10.0, state="failed", repositories=failed))[0] == "time_limit"


def test_several_causes_are_told_apart() -> None:
    """Two repositories for one, one for another: what struck more of them is first."""
    rows = [
        repository(1, "failed", error_type="not_found"),
        repository(2, "failed", error_type="sso_required"),
        repository(3, "failed", error_type="sso_required"),
        repository(4),
    ]
    explanation = told_run(end=9.0, state="partial", repositories=rows)
    assert [(one.code.name, one.repositories) for one in explanation.causes] == [
        ("sso_required", ("o/2", "o/3")),
        ("not_found", ("o/1",)),
    ]
    assert explanation.sentence.startswith("o/2 and o/3 stopped: an organization wants the token authorized")
    assert explanation.sentence.endswith("; of the other 2 repositories 1 is complete.")


def test_a_phase_that_raises_is_a_mistake_of_the_program() -> None:
    """Its step says which."""
    worked = attempt(0.0, 2.0, call(0.0, 2.0))
    raised = step(2.0, 3.0, status="ERROR")
    raised = [replace(raised[0], attributes={**raised[0].attributes, "error.type": "ZeroDivisionError"})]
    known: dict[str, Any] = {
        "phase": "llm_processing",
        "error_type": "ZeroDivisionError",
        "error_msg": "a rule divides by zero",
    }
    explanation = told_run(worked, raised, end=3.0, state="failed", **known)
    assert explanation.sentence == (
        "The run failed in phase llm_processing: the program made a mistake "
        "(ZeroDivisionError: a rule divides by zero) at 00:00:03Z."
    )
    assert proofs_of(explanation)[-1] == "the step of phase llm_processing ended: ZeroDivisionError [span_id]"


@pytest.mark.parametrize(("cause", "code"), [("signal", "worker_died"), ("time_limit", "time_limit")])
def test_a_phase_that_dies_each_time_is_a_death_or_its_limit(cause: str, code: str) -> None:
    """The spans of its steps say what killed them."""
    died = span(
        "run/apps.integrations.tasks.run_phase",
        2.0,
        3.0,
        status="ERROR",
        has={"run_id": 1, "span.outcome": "died", "error.type": "died", "died.cause": cause},
    )
    known: dict[str, Any] = {"phase": "llm_processing", "error_type": "step_never_finished"}
    explanation = told_run(attempt(0.0, 2.0), died, end=60.0, state="failed", **known)
    assert codes_of(explanation)[0] == code
    assert not explanation.causes[0].is_inferred


def test_a_phase_of_which_nothing_is_left_is_undecided() -> None:
    """Its row alone says that it never finished: by deaths, limits or lost messages."""
    known: dict[str, Any] = {"phase": "llm_processing", "error_type": "step_never_finished"}
    explanation = told_run(attempt(0.0, 2.0), end=60.0, state="failed", **known)
    assert codes_of(explanation) == ["unknown"]
    assert any("what ended the phase's step each time" in one for one in explanation.missing)


def test_the_death_of_a_step_is_not_put_down_to_an_attempt_that_had_healed() -> None:
    """A reset at the first page was over long before the step's process was killed."""
    healed = attempt(0.0, 1.0, refused(0.2, 0.9, "unreachable"), outcome="retrying", has={"error.type": "unreachable"})
    read = attempt(1.1, 5.0, *(asked(at, at + 1.0) for at in (1.1, 2.1, 3.1)), number=2)
    has = {"run_id": 1, "span.outcome": "died", "error.type": "died", "died.cause": "signal"}
    died = span("run/apps.integrations.tasks.run_phase", 5.0, 6.0, status="ERROR", has=has)
    reason = {"run_id": 1, "sync.missing.step": "llm_processing", "sync.missing.reason": "unheard"}
    missing = span("sync.missing", 6.0, 16.0, outcome="completed", has=reason)
    explanation = told_run(healed, read, died, missing, step(16.1, 17.0, number=2), end=17.0)
    assert codes_of(explanation) == ["worker_died"]
    assert proofs_of(explanation)[0].startswith("llm_processing was missing for 10.0 s: unheard")
    assert explanation.causes[0].chain[1].span_id == died.span_id


def test_who_cancelled_a_run_is_its_cause() -> None:
    """By its line and its row, whatever else had happened to it."""
    rows = [repository(1, "cancelled", error_type="cancelled"), repository(2)]
    lines = [line(4.0, "sync.run.cancelled", by="ada@laptop", repos_unfinished=1)]
    explanation = told_run(
        attempt(0.0, 4.0), end=4.0, state="cancelled", repositories=rows, lines=lines, cancelled_by="ada@laptop"
    )
    assert (explanation.outcome, codes_of(explanation)) == ("cancelled", ["cancelled"])
    assert explanation.sentence == "The run was cancelled at 00:00:04Z by ada@laptop."
    assert proofs_of(explanation) == ["the run was cancelled [span_id]", "ada@laptop cancelled it [line]"]
    assert explanation.causes[0].chain[1].line == "2026-01-01T00:00:04.000000Z sync.run.cancelled"


def test_what_github_does_not_list_is_said_of_a_run_that_completed() -> None:
    """It has completed, and is not simply healthy."""
    gaps = [{"pull_request": 7, "list": "files", "stored": 3000, "total": 4100}]
    explanation = told_run(attempt(0.0, 2.0, asked(0.0, 2.0)), end=2.0, repositories=[repository(gaps=gaps)])
    assert (explanation.outcome, codes_of(explanation)) == ("completed", ["incomplete_at_github"])
    assert "(of #7 3000 of 4100 files)" in explanation.sentence


def test_without_any_error_the_cause_is_unknown_and_it_is_said_what_is_missing() -> None:
    """Nothing is guessed."""
    explanation = told_run(end=9.0, state="failed", repositories=[repository(state="failed")])
    assert codes_of(explanation) == ["unknown"]
    assert explanation.missing[0].startswith("the error that it stopped with")
