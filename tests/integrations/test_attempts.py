"""A row belongs to one attempt at a time, and nothing that stands still is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings

from apps.integrations import attempts
from apps.integrations.attempts import Attempt
from apps.integrations.errors import ServerError, Superseded
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.onboarding_pipeline import start_run
from apps.utils import clock
from tests.integrations.histories import repository

STALE = float(settings.SYNC_STALE_SECONDS)
pytestmark = pytest.mark.django_db


@pytest.fixture
def time() -> Iterator[clock.SteppedClock]:
    """Time stands still until somebody sleeps."""
    stepped = clock.SteppedClock(datetime(2026, 1, 1, tzinfo=UTC))
    with clock.using(stepped):
        yield stepped


@pytest.fixture
def row(time: clock.SteppedClock) -> RepoSync:
    """A row whose first attempt was sent just now."""
    tracked = repository()
    return start_run(team=tracked.team, repositories=[tracked], since=None).repo_syncs.get()


def _now(row: RepoSync) -> RepoSync:
    row.refresh_from_db()
    return row


def _claim(row: RepoSync, number: int) -> bool:
    return attempts.claim(Attempt(row.pk, number), traceparent=None) is not None


def test_a_message_delivered_twice_is_one_attempt(row: RepoSync) -> None:
    """The second finds that the first has it."""
    assert _claim(row, 1)
    assert not _claim(row, 1)


def test_a_message_of_another_attempt_than_the_next_takes_nothing(row: RepoSync) -> None:
    """Neither one that comes again when its attempt is over, nor one too far ahead."""
    assert _claim(row, 1)
    attempts.release_for_retry(Attempt(row.pk, 1), ServerError("no"), error_type="server_error", failures=1)
    assert not _claim(row, 1)
    assert not _claim(row, 3)
    assert _claim(row, 2)


def test_a_run_that_has_ended_begins_no_attempt(row: RepoSync) -> None:
    """Its messages may still stand on a queue."""
    PipelineRun.objects.update(state="failed")
    assert not _claim(row, 1)


def test_an_attempt_that_has_ended_changes_nothing_more(row: RepoSync) -> None:
    """Its number is still the row's, and its work is over."""
    assert _claim(row, 1)
    attempts.complete(Attempt(row.pk, 1), disposition=RepoSync.Disposition.SYNCED)
    with pytest.raises(Superseded):
        attempts.update(Attempt(row.pk, 1), prs_done=1)
    assert _now(row).prs_done == 0


def test_nobody_takes_a_row_from_an_attempt_that_lives(row: RepoSync, time: clock.SteppedClock) -> None:
    """Not even a message with the right number, until there was no sign of life for SYNC_STALE_SECONDS."""
    assert _claim(row, 1)
    time.sleep(STALE - 1)
    attempts.update(Attempt(row.pk, 1))
    time.sleep(STALE - 1)
    assert attempts.overdue() == []
    assert not _claim(row, 2)
    time.sleep(2)
    assert attempts.overdue() == [Attempt(row.pk, 2)]
    assert _claim(row, 2)
    assert (_now(row).failures, row.error_type) == (1, "attempt_died")


def test_an_attempt_that_was_overtaken_changes_nothing(row: RepoSync, time: clock.SteppedClock) -> None:
    """Woken from standing still, it finds `Superseded` whatever it wants to mark."""
    assert _claim(row, 1)
    time.sleep(STALE + 1)
    assert _claim(row, 2)
    frozen, error = Attempt(row.pk, 1), ServerError("late")
    for late in (
        lambda: attempts.update(frozen, prs_done=1),
        lambda: attempts.park(frozen, until=clock.now(), reason="primary"),
        lambda: attempts.fail(frozen, error, error_type="server_error", disposition=RepoSync.Disposition.FAILED),
        lambda: attempts.release_for_retry(frozen, error, error_type="server_error", failures=1),
        lambda: attempts.complete(frozen, disposition=RepoSync.Disposition.SYNCED),
    ):
        with pytest.raises(Superseded):
            late()
    assert (_now(row).attempt, row.state, row.prs_done) == (2, "running", 0)


def test_a_dead_attempt_is_sent_again_once_and_once_more_when_the_message_is_lost(
    row: RepoSync, time: clock.SteppedClock
) -> None:
    """However often the sweep looks."""
    assert _claim(row, 1)
    time.sleep(STALE + 1)
    assert (attempts.overdue(), attempts.overdue()) == ([Attempt(row.pk, 2)], [])
    time.sleep(STALE + 1)
    assert attempts.overdue() == [Attempt(row.pk, 2)]


def test_a_lost_message_is_sent_again_ever_more_patiently(row: RepoSync, time: clock.SteppedClock) -> None:
    """It may only stand on a long queue: in a day that is a handful of messages, not hundreds."""
    found = []
    for minutes in range(0, 24 * 60, 5):
        found += [minutes for _ in attempts.overdue()]
        time.sleep(300)
    assert found[0] == 5
    assert 5 < len(found) < 12


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        ({"state": "waiting", "sent_at": None}, 0),
        ({"state": "retrying"}, STALE),
        ({"state": "pending"}, STALE),
    ],
    ids=["parked", "its retry was lost", "its first message was lost"],
)
def test_what_is_due_is_sent(state: dict[str, Any], waits: float, row: RepoSync, time: clock.SteppedClock) -> None:
    """Parked work when its wait is over, sent work when nobody took it; never before."""
    RepoSync.objects.update(**state)
    time.sleep(waits)
    if waits:
        assert attempts.overdue() == []
        time.sleep(1)
    assert attempts.overdue() == [Attempt(row.pk, 1)]


def test_a_wait_is_over_when_the_attempt_ends(row: RepoSync) -> None:
    """Whatever it ended with, but a park, the row says no more that it waits."""
    assert _claim(row, 1)
    own = Attempt(row.pk, 1)
    attempts.update(own, wait_reason="lane")
    attempts.release_for_retry(own, ServerError("no"), error_type="server_error", failures=1)
    assert _now(row).wait_reason == ""


def test_a_retry_waits_longer_each_time_or_as_long_as_it_is_told(row: RepoSync) -> None:
    """From 2 seconds to 5 minutes."""
    waits = []
    for number, failures in enumerate((1, 2, 3, 9, 1), start=1):
        assert _claim(row, number)
        error = ServerError("no", retry_after=17.0 if number == 5 else None)
        waits.append(
            attempts.release_for_retry(Attempt(row.pk, number), error, error_type="server_error", failures=failures)
        )
    assert waits == [2, 4, 8, 300, 17]


@pytest.mark.parametrize("end", ["retry", "fail"])
def test_an_error_s_words_are_stored_without_what_must_not_be(end: str, row: RepoSync) -> None:
    """A server may repeat the token that we sent, and say what PostgreSQL cannot hold: the row takes the rest."""
    _claim(row, 1)
    error = ServerError("GitHub: 500: Authorization: Bearer ghp_0123456789abcdef0123\0 is \ud800 unknown")
    if end == "retry":
        attempts.release_for_retry(Attempt(row.pk, 1), error, error_type="server_error", failures=1)
    else:
        attempts.fail(Attempt(row.pk, 1), error, error_type="server_error", disposition=RepoSync.Disposition.FAILED)
    assert _now(row).error_msg == "GitHub: 500: Authorization: [redacted] is ? unknown"
