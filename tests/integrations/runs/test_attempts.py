"""A row belongs to one attempt at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from apps.integrations.errors import ServerError, Superseded
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.attempts import Attempt
from apps.utils import clock
from tests.integrations.syncing import claim

STALE = float(settings.SYNC_STALE_SECONDS)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("beside")]


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
    PipelineRun.objects.filter(pk=row.run_id).update(state="failed")
    assert not _claim(row, 1)


@pytest.mark.parametrize("reads", ["as it waited", "as another attempt was at work", "nothing"])
@pytest.mark.parametrize(("before", "after"), [("attempt_died", "attempt_died"), ("server_error", ""), ("", "")])
def test_who_claims_has_the_row_as_it_stands(reads: str, before: str, after: str, row: RepoSync) -> None:
    """What was read of it counts if nobody can have changed it since; only a death is told on to the next attempt."""
    assert _claim(row, 1)
    working = attempts.find(Attempt(row.pk, 2))
    attempts.release_for_retry(Attempt(row.pk, 1), ServerError("no"), failures=1, countdown=0.0)
    RepoSync.objects.filter(pk=row.pk).update(error_type=before, error_msg=before, cursor="c2", due_at=clock.now())
    admission.admit()
    read = {"as it waited": attempts.find(Attempt(row.pk, 2)), "as another attempt was at work": working}
    claimed = attempts.claim(Attempt(row.pk, 2), traceparent=None, found=read.get(reads))
    assert claimed is not None
    stands = attempts.find(Attempt(row.pk, 2))
    assert stands is not None
    assert (claimed.state, claimed.attempt, claimed.cursor, claimed.wait_reason) == ("running", 2, "c2", "")
    assert (claimed.error_type, claimed.error_msg) == (stands.error_type, stands.error_msg) == (after, after)


@pytest.mark.parametrize("state", ["completed", "partial", "failed", "cancelled"])
def test_an_admitted_attempt_does_not_begin_once_its_run_has_ended(state: str, row: RepoSync) -> None:
    """However it has."""
    assert admission.admit() == [Attempt(row.pk, 1)]
    PipelineRun.objects.filter(pk=row.run_id).update(state=state)
    before = _columns(row)
    assert attempts.claim(Attempt(row.pk, 1), traceparent=None) is None
    assert _columns(row) == before


@pytest.mark.parametrize("state", [*RepoSync.ENDED, RepoSync.State.RUNNING])
def test_an_admitted_attempt_does_not_begin_where_another_is_or_nothing_is_left(state: str, row: RepoSync) -> None:
    """Whoever put the row into that state."""
    assert admission.admit() == [Attempt(row.pk, 1)]
    RepoSync.objects.filter(pk=row.pk).update(state=state)
    before = _columns(row)
    assert attempts.claim(Attempt(row.pk, 1), traceparent=None) is None
    assert _columns(row) == before


def test_what_was_admitted_is_one_attempt_at_one_row(row: RepoSync) -> None:
    """Neither another number of it, though the row would be next for that, nor one at another row."""
    assert admission.admit() == [Attempt(row.pk, 1)]
    RepoSync.objects.filter(pk=row.pk).update(attempt=4)
    for number in (1, 4, 5):
        assert attempts.claim(Attempt(row.pk, number), traceparent=None) is None
    RepoSync.objects.filter(pk=row.pk).update(attempt=0)
    claimed = attempts.claim(Attempt(row.pk, 1), traceparent=None)
    assert (claimed, claimed and claimed.attempt_traceparent) == (row, "")


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
        with pytest.raises(Superseded), transaction.atomic():
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
    assert _now(row).error_msg == "GitHub: 500: Authorization: [redacted]  is ? unknown"


def test_who_takes_over_knows_that_its_predecessor_died(row: RepoSync, time: clock.SteppedClock) -> None:
    """And nobody else is told of a death."""
    first, _ = claim(row)
    assert attempts.predecessor_death(first) is None
    time.sleep(STALE + 1)
    attempts.bury_dead()
    second, _ = claim(row)
    assert str(attempts.predecessor_death(second)) == f"Attempt 1 gave no sign of life for {STALE:g} s"


def _columns(row: RepoSync) -> dict[str, Any]:
    return dict(RepoSync.objects.filter(pk=row.pk).values().get())


def test_who_claims_a_row_says_so_and_forgets_what_was_before(row: RepoSync, time: clock.SteppedClock) -> None:
    """Its number, span, first start and sign of life; errors and waits of the attempt before are over."""
    began = clock.now()
    assert _claim(row, 1)
    attempts.release_for_retry(Attempt(row.pk, 1), ServerError("no"), failures=1, countdown=2.0)
    RepoSync.objects.filter(pk=row.pk).update(wait_reason="primary")
    time.sleep(7)
    admission.admit()
    before = _columns(row)
    claimed = attempts.claim(Attempt(row.pk, 2), traceparent="00-1-2-01")
    assert claimed is not None
    assert claimed.started_at == began
    assert _columns(claimed) == before | {
        "attempt": 2,
        "state": "running",
        "error_type": "",
        "error_msg": "",
        "attempt_traceparent": "00-1-2-01",
        "alive_at": began + timedelta(seconds=7),
        "wait_reason": "",
    }


@pytest.mark.parametrize(
    ("end", "changes"),
    [
        (
            lambda own: attempts.release_for_retry(own, ServerError("no"), failures=3, countdown=20.0, requests=7),
            {
                "state": "retrying",
                "failures": 3,
                "due_at": 22,
                "error_type": "server_error",
                "error_msg": "no",
                "wait_reason": "",
                "requests": 7,
            },
        ),
        (
            lambda own: attempts.park(own, until=clock.now() + timedelta(seconds=90), reason="primary", points=3),
            {"state": "waiting", "due_at": 92, "wait_reason": "primary", "points": 3},
        ),
        (lambda own: attempts.stand_back(own), {"state": "queued", "due_at": 2, "wait_reason": ""}),
        (
            lambda own: attempts.fail(own, ServerError("no"), disposition=RepoSync.Disposition.GONE),
            {
                "state": "failed",
                "disposition": "gone",
                "error_type": "server_error",
                "error_msg": "no",
                "ended_at": 2,
                "wait_reason": "",
            },
        ),
        (
            lambda own: attempts.complete(own, disposition=RepoSync.Disposition.ARCHIVED, note="archived"),
            {
                "state": "completed",
                "disposition": "archived",
                "error_type": "",
                "error_msg": "",
                "ended_at": 2,
                "note": "archived",
                "wait_reason": "",
            },
        ),
    ],
    ids=["retry", "park", "stand back", "fail", "complete"],
)
def test_an_end_changes_what_it_means_and_nothing_else(
    end: Callable[[Attempt], None], changes: dict[str, Any], row: RepoSync, time: clock.SteppedClock
) -> None:
    """Two seconds after it was claimed; moments are in seconds from then."""
    claimed_at = clock.now()
    assert _claim(row, 1)
    RepoSync.objects.filter(pk=row.pk).update(wait_reason="lane", error_type="attempt_died", error_msg="killed")
    time.sleep(2)
    before = _columns(row)
    end(Attempt(row.pk, 1))
    moments = {name: claimed_at + timedelta(seconds=changes[name]) for name in ("due_at", "ended_at") if changes.get(name)}
    assert _columns(row) == before | changes | moments | {"alive_at": claimed_at + timedelta(seconds=2)}
    assert not Admission.objects.filter(repo_sync=row).exists()


def test_an_attempt_that_owns_its_row_is_confirmed_and_no_other(row: RepoSync) -> None:
    """Neither another number nor one that has ended; asking is no sign of life."""
    assert _claim(row, 1)
    before = _columns(row)
    attempts.confirm(Attempt(row.pk, 1))
    assert _columns(row) == before
    for number in (0, 2):
        with pytest.raises(Superseded):
            attempts.confirm(Attempt(row.pk, number))
    attempts.stand_back(Attempt(row.pk, 1))
    with pytest.raises(Superseded):
        attempts.confirm(Attempt(row.pk, 1))


def test_an_attempt_whose_process_is_gone_is_followed_at_once(row: RepoSync, time: clock.SteppedClock) -> None:
    """It counts as a failure, and its place is free; one that is not the row's owner any more frees its place alone."""
    assert _claim(row, 1)
    RepoSync.objects.filter(pk=row.pk).update(failures=2)
    time.sleep(3)
    attempts.bury(Attempt(row.pk, 2), "signal 9")
    assert (_now(row).state, Admission.objects.filter(repo_sync=row).count()) == ("running", 1)
    attempts.bury(Attempt(row.pk, 1), "signal 9")
    assert (_now(row).state, row.failures, row.due_at) == ("retrying", 3, clock.now())
    assert (row.error_type, row.error_msg) == ("attempt_died", "Attempt 1 was killed: signal 9")
    assert not Admission.objects.filter(repo_sync=row).exists()
    before = _columns(row)
    Admission.objects.create(repo_sync=row, attempt=1, account="github.test/ada", place=50, admitted_at=clock.now())
    attempts.bury(Attempt(row.pk, 1), "signal 9")
    assert _columns(row) == before
    assert not Admission.objects.filter(repo_sync=row).exists()


def test_a_silent_attempt_is_found_dead_with_what_it_was(row: RepoSync, time: clock.SteppedClock) -> None:
    """After SYNC_STALE_SECONDS and not at them; whoever finds it learns the row as it was."""
    assert _claim(row, 1)
    RepoSync.objects.filter(pk=row.pk).update(failures=2)
    time.sleep(STALE)
    assert attempts.bury_dead() == []
    time.sleep(1)
    (found,) = attempts.bury_dead()
    assert (found, found.state, found.attempt, found.failures) == (row, "running", 1, 2)
    assert (_now(row).state, row.failures, row.due_at) == ("retrying", 3, clock.now())
    time.sleep(STALE + 1)
    assert attempts.bury_dead() == []  # nobody is at work there who could be silent
