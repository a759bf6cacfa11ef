"""What follows a failure is decided from the error and the count of failures alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from billiard.exceptions import WorkerLostError
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.db import DataError, InterfaceError, OperationalError
from hypothesis import given
from hypothesis import strategies as st

from apps.integrations.errors import (
    AttemptDied,
    Forbidden,
    IncompleteHistory,
    IpNotAllowed,
    LaneLost,
    NotFound,
    OutOfTime,
    Parked,
    PartialAnswer,
    QueryRefused,
    SecondaryLimited,
    ServerError,
    SsoRequired,
    SyncError,
    Unauthorized,
    Unreachable,
)
from apps.integrations.models import RepoSync
from apps.integrations.runs.failures import ATTEMPTS, STEPS, GiveUp, Retry, as_stored, broke_connection, killed_by

GONE, FORBIDDEN, FAILED = (RepoSync.Disposition.GONE, RepoSync.Disposition.FORBIDDEN, RepoSync.Disposition.FAILED)
TEMPORARY = [
    ServerError("502"),
    Unreachable("no route"),
    PartialAnswer("half"),
    SecondaryLimited("slow down"),
    LaneLost("too late"),
    OutOfTime("too long"),
    Parked(datetime(2026, 1, 1, tzinfo=UTC), "primary"),
    OperationalError("the server is restarting"),
    InterfaceError("connection closed"),
]


@pytest.mark.parametrize("error", TEMPORARY, ids=lambda error: type(error).__name__)
def test_what_may_pass_is_tried_six_times(error: Exception) -> None:
    """The sixth failure in a row ends the sync."""
    decisions = [ATTEMPTS.after(error, failures=failures) for failures in range(1, 7)]
    assert all(isinstance(decision, Retry) for decision in decisions[:5])
    assert decisions[5] == GiveUp(FAILED)


@pytest.mark.parametrize(
    ("error", "disposition"),
    [
        (NotFound("404"), GONE),
        (Forbidden("403"), FORBIDDEN),
        (SsoRequired("403"), FORBIDDEN),
        (IpNotAllowed("403"), FORBIDDEN),
        (Unauthorized("401"), FORBIDDEN),
        (QueryRefused("400"), FAILED),
        (IncompleteHistory("9 of 10"), FAILED),
        (AttemptDied("no sign of life"), FAILED),
        (DataError("too long"), FAILED),
        (ZeroDivisionError("ours"), FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_stays_as_it_is_ends_the_sync_at_once(error: Exception, disposition: RepoSync.Disposition) -> None:
    """With the disposition of its own kind, or the nearest above."""
    assert ATTEMPTS.after(error, failures=1) == GiveUp(disposition)


def test_a_refused_token_is_tried_again_when_there_is_another() -> None:
    """Somebody has connected the account again; no other error asks for that."""
    assert ATTEMPTS.after(Unauthorized("401"), failures=1, has_new_token=lambda: True) == Retry(2.0)
    assert ATTEMPTS.after(Unauthorized("401"), failures=6, has_new_token=lambda: True) == GiveUp(FORBIDDEN)

    def unasked() -> bool:
        raise AssertionError("only a refused token is a reason to ask")

    for error in (*TEMPORARY, NotFound("404"), ZeroDivisionError()):
        ATTEMPTS.after(error, failures=1, has_new_token=unasked)


@given(st.integers(1, 5), st.none() | st.just(0.0) | st.floats(0, 86_400))
def test_a_retry_waits_twice_as_long_each_time_or_as_long_as_the_error_says(failures: int, asked: float | None) -> None:
    """From 2 seconds on, and whichever is longer: a server that says "at once" each time is not asked six times at once."""
    decision = ATTEMPTS.after(ServerError("no", retry_after=asked), failures=failures)
    assert decision == Retry(max(2.0**failures, asked or 0.0))


def test_a_wait_is_never_longer_than_five_minutes_unless_github_says_so() -> None:
    """However many tries a policy has."""
    patient = type(ATTEMPTS)(tries=100, first_countdown=2.0, longest_countdown=300.0, dispositions=ATTEMPTS.dispositions)
    assert patient.after(ServerError("no"), failures=99) == Retry(300.0)
    assert patient.after(ServerError("no", retry_after=3600.0), failures=99) == Retry(3600.0)


@pytest.mark.parametrize("error", [OperationalError("restart"), InterfaceError("closed")])
def test_a_step_is_started_again_after_database_trouble_alone(error: Exception) -> None:
    """Twice; the third time was the last."""
    assert [STEPS.retries(error, started=started) for started in (1, 2, 3)] == [True, True, False]
    for other in (ServerError("502"), OutOfTime("too long"), ZeroDivisionError()):
        assert not STEPS.retries(other, started=1)


def test_celery_s_time_limit_is_one_of_our_errors() -> None:
    """With the place where it struck; it may have struck in the middle of a statement."""
    with pytest.raises(SoftTimeLimitExceeded) as caught:
        raise SoftTimeLimitExceeded
    error = as_stored(caught.value)
    assert isinstance(error, OutOfTime)
    assert error.__traceback__ is caught.value.__traceback__
    assert error.__cause__ is caught.value
    assert broke_connection(caught.value)


def test_any_other_error_is_stored_as_it_is() -> None:
    """Nothing is lost on the way."""
    for error in (SyncError("no"), ZeroDivisionError("ours")):
        assert as_stored(error) is error
        assert not broke_connection(error)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeLimitExceeded(90), "its hard time limit of 90 s"),
        (WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 7."), "signal 9 (SIGKILL)"),
        (WorkerLostError("Worker exited prematurely: exitcode 1."), "exitcode 1"),
    ],
)
def test_what_killed_a_process_is_said_in_few_words(error: BaseException, words: str) -> None:
    """Celery's own number of the job says nothing to anybody."""
    assert killed_by(error) == words


def test_a_policy_allows_as_many_tries_as_it_says() -> None:
    """That it was tried so often, and failed, is what is counted."""
    assert [ATTEMPTS.allows(failures) for failures in (0, 5, 6, 7)] == [True, True, False, False]
    assert [STEPS.allows(started) for started in (0, 2, 3, 4)] == [True, True, False, False]
    assert ATTEMPTS.after(ServerError("no"), failures=0) == Retry(2.0)
