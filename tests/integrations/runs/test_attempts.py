"""A row belongs to one attempt at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings

from apps.integrations.errors import ServerError, Superseded
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.attempts import Attempt
from apps.utils import clock
from tests.integrations.syncing import claim

STALE = float(settings.SYNC_STALE_SECONDS)
pytestmark = pytest.mark.django_db


def _now(row: RepoSync) -> RepoSync:
    row.refresh_from_db()
    return row


def _claim(row: RepoSync, number: int) -> bool:
    RepoSync.objects.filter(state="retrying").update(due_at=clock.now())
    admission.admit()
    return attempts.claim(Attempt(row.pk, number), traceparent=None) is not None


def test_a_message_delivered_twice_is_one_attempt(row: RepoSync) -> None:
    """The second finds that the first has it."""
    assert _claim(row, 1)
    assert not _claim(row, 1)


def test_a_message_of_another_attempt_than_the_next_takes_nothing(row: RepoSync) -> None:
    """Neither one that comes again when its attempt is over, nor one too far ahead."""
    assert _claim(row, 1)
    attempts.release_for_retry(Attempt(row.pk, 1), ServerError("no"), failures=1, countdown=2.0)
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
    attempts.bury_dead()
    assert not _claim(row, 2)
    time.sleep(2)
    attempts.bury_dead()
    assert _claim(row, 2)
    assert (_now(row).failures, row.error_type) == (1, "attempt_died")


def test_an_attempt_that_was_overtaken_changes_nothing(row: RepoSync, time: clock.SteppedClock) -> None:
    """Woken from standing still, it finds `Superseded` whatever it wants to mark."""
    assert _claim(row, 1)
    time.sleep(STALE + 1)
    attempts.bury_dead()
    assert _claim(row, 2)
    frozen, error = Attempt(row.pk, 1), ServerError("late")
    changes: list[Callable[[], None]] = [
        lambda: attempts.update(frozen, prs_done=1),
        lambda: attempts.park(frozen, until=clock.now(), reason="primary"),
        lambda: attempts.fail(frozen, error, disposition=RepoSync.Disposition.FAILED),
        lambda: attempts.release_for_retry(frozen, error, failures=1, countdown=2.0),
        lambda: attempts.complete(frozen, disposition=RepoSync.Disposition.SYNCED),
    ]
    for late in changes:
        with pytest.raises(Superseded):
            late()
    assert (_now(row).attempt, row.state, row.prs_done) == (2, "running", 0)


def test_a_wait_is_over_when_the_attempt_ends(row: RepoSync) -> None:
    """Whatever it ended with, but a park, the row says no more that it waits."""
    assert _claim(row, 1)
    own = Attempt(row.pk, 1)
    attempts.update(own, wait_reason="lane")
    attempts.release_for_retry(own, ServerError("no"), failures=1, countdown=2.0)
    assert _now(row).wait_reason == ""


@pytest.mark.parametrize("end", ["retry", "fail"])
def test_an_error_s_words_are_stored_without_what_must_not_be(end: str, row: RepoSync) -> None:
    """A server may repeat the token that we sent, and say what PostgreSQL cannot hold: the row takes the rest."""
    _claim(row, 1)
    error = ServerError("GitHub: 500: Authorization: Bearer ghp_0123456789abcdef0123\0 is \ud800 unknown")
    if end == "retry":
        attempts.release_for_retry(Attempt(row.pk, 1), error, failures=1, countdown=2.0)
    else:
        attempts.fail(Attempt(row.pk, 1), error, disposition=RepoSync.Disposition.FAILED)
    assert _now(row).error_msg == "GitHub: 500: Authorization: [redacted] is ? unknown"


def test_who_takes_over_knows_that_its_predecessor_died(row: RepoSync, time: clock.SteppedClock) -> None:
    """And nobody else is told of a death."""
    first, _ = claim(row)
    assert attempts.predecessor_death(first) is None
    time.sleep(STALE + 1)
    attempts.bury_dead()
    second, _ = claim(row)
    assert str(attempts.predecessor_death(second)) == f"Attempt 1 gave no sign of life for {STALE:g} s"
