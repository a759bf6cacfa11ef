"""What a repository waited for between its attempts is a span of its run, with exact times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from apps.integrations.errors import AttemptDied, ServerError
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.integrations.onboarding_pipeline import start_run
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.waits import record_waits
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.utils import clock
from telemetry.testing import Capture
from telemetry.timestamps import unix_nanoseconds
from tests.integrations.histories import repository

pytestmark = pytest.mark.django_db


def _begun(row: RepoSync, number: int) -> Attempt:
    assert Attempt(row.pk, number) in admission.admit()
    assert attempts.claim(Attempt(row.pk, number), traceparent=None)
    return Attempt(row.pk, number)


def _record(row: RepoSync) -> None:
    related = ("run", "connection", "admission")
    record_waits(RepoSync.objects.select_related(*related).get(pk=row.pk))


def _recorded(captrace: Capture, *keys: str) -> list[tuple[object, ...]]:
    """Each span: its name, the seconds since the first began, those that it lasted, and its attributes of `keys`."""
    first = captrace.spans[0].start_ns
    return [
        (span.name, (span.start_ns - first) / 1e9, span.duration_ms / 1e3, *(span.attributes.get(key) for key in keys))
        for span in captrace.spans
    ]


def _since(captrace: Capture) -> int:
    return captrace.spans[0].start_ns


def test_a_pause_after_a_failure_is_a_back_off_and_what_follows_a_queue(
    row: RepoSync, time: clock.SteppedClock, captrace: Capture
) -> None:
    """The one until the next attempt was due, the other until it was admitted."""
    own = _begun(row, 1)
    time.sleep(3)
    failed_at = clock.now()
    attempts.release_for_retry(own, ServerError("no"), failures=1, countdown=2.0)
    time.sleep(2.5)
    assert admission.admit() == [Attempt(row.pk, 2)]
    captrace.clear()
    _record(row)
    assert _since(captrace) == unix_nanoseconds(failed_at)
    assert _recorded(captrace, "sync.attempt", "sync.backoff.error_type", "sync.queue.reason") == [
        ("sync.backoff", 0.0, 2.0, 2, "server_error", None),
        ("sync.queue.wait", 2.0, 0.5, None, None, "unnoticed"),
    ]


def test_a_limit_that_parked_is_a_span_until_it_is_over(row: RepoSync, time: clock.SteppedClock, captrace: Capture) -> None:
    """It says which limit, and whose."""
    own = _begun(row, 1)
    time.sleep(1)
    attempts.park(own, until=clock.now() + timedelta(seconds=600), reason="primary")
    time.sleep(600)
    assert admission.admit() == [Attempt(row.pk, 2)]
    captrace.clear()
    _record(row)
    keys = ("sync.attempt", "sync.rate_wait.reason", "sync.parked.account")
    assert _recorded(captrace, *keys) == [("sync.parked", 0.0, 600.0, 2, "primary", row.connection.account)]


def test_what_a_dead_attempt_costs_is_no_back_off(row: RepoSync, time: clock.SteppedClock, captrace: Capture) -> None:
    """Nobody meant it to wait."""
    own = _begun(row, 1)
    attempts.release_for_retry(own, AttemptDied("silent"), failures=1, countdown=0.0)
    time.sleep(0.5)
    assert admission.admit() == [Attempt(row.pk, 2)]
    captrace.clear()
    _record(row)
    assert _recorded(captrace) == [("sync.queue.wait", 0.0, 0.5)]


def test_a_queue_says_behind_which_repository(time: clock.SteppedClock, captrace: Capture) -> None:
    """The one that was at work with the account last, and not one of another account."""
    first, other = repository("o/first"), repository("p/other", team="others")
    second = TrackedRepository.objects.create(team=first.team, connection=first.connection, full_name="o/second")
    GitHubConnection.objects.filter(pk=other.connection_id).update(account="elsewhere/ada")
    run = start_run(team=first.team, repositories=[first, second], since=None)
    begun: Callable[[PipelineRun], RepoSync] = lambda of: of.repo_syncs.order_by("pk")[0]  # noqa: E731  # only here
    row, behind = run.repo_syncs.order_by("pk")
    elsewhere = begun(start_run(team=other.team, repositories=[other], since=None))
    admission.admit()
    assert attempts.claim(Attempt(row.pk, 1), traceparent=None)
    assert attempts.claim(Attempt(elsewhere.pk, 1), traceparent=None)
    time.sleep(4)
    attempts.complete(Attempt(row.pk, 1), disposition=RepoSync.Disposition.SYNCED)
    time.sleep(1)
    attempts.update(Attempt(elsewhere.pk, 1))
    assert admission.admit() == [Attempt(behind.pk, 1)]
    captrace.clear()
    _record(behind)
    keys = ("sync.queue.reason", "sync.queue.behind", "sync.queue.behind_run_id")
    assert _recorded(captrace, *keys) == [("sync.queue.wait", 0.0, 5.0, "account", "o/first", run.pk)]


def test_a_queue_that_a_limit_held_says_which(row: RepoSync, time: clock.SteppedClock, captrace: Capture) -> None:
    """And what came before and after it are waits of their own."""
    own = _begun(row, 1)
    attempts.stand_back(own)
    until = clock.now() + timedelta(seconds=20)
    ApiLane.objects.create(account=row.connection.account, blocked_until=until, blocked_reason="secondary")
    time.sleep(23)
    assert admission.admit() == [Attempt(row.pk, 2)]
    captrace.clear()
    _record(row)
    assert _recorded(captrace, "sync.queue.reason", "sync.rate_wait.reason", "sync.queue.behind") == [
        ("sync.queue.wait", 0.0, 20.0, "limit", "secondary", None),
        ("sync.queue.wait", 20.0, 3.0, "unnoticed", None, None),
    ]


@pytest.mark.parametrize(("waited", "recorded"), [(0.009, []), (0.01, [("sync.queue.wait", 0.0, 0.01, "start")])])
def test_a_run_s_first_attempt_waits_for_its_start(
    waited: float, recorded: list[object], row: RepoSync, time: clock.SteppedClock, captrace: Capture
) -> None:
    """From 10 ms on; nobody stands before it."""
    time.sleep(waited)
    assert admission.admit() == [Attempt(row.pk, 1)]
    captrace.clear()
    _record(row)
    assert (_recorded(captrace, "sync.queue.reason") if captrace.spans else []) == recorded


def test_a_message_that_is_sent_again_records_nothing(row: RepoSync, time: clock.SteppedClock, captrace: Capture) -> None:
    """What it waited for is in the trace already."""
    time.sleep(5)
    admission.admit()
    sent_again: datetime = clock.now() + timedelta(seconds=90)
    Admission.objects.update(sent_at=sent_again)
    captrace.clear()
    _record(row)
    assert captrace.spans == []
