"""Attempts at syncing a repository: only the attempt that owns a row may change it.

An attempt is a number on the row, not Celery's retry counter, which a redelivered message repeats. Every statement here
names that number, so an attempt that was frozen or started twice changes nothing: it gets `Superseded` and stops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce

from apps.integrations.errors import AttemptDied, Superseded, message_of
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.runs import vanished
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from telemetry import error_type

WAITING = (RepoSync.State.QUEUED, RepoSync.State.RETRYING, RepoSync.State.WAITING)
"""The states of an unfinished row that no attempt owns."""
_DIED = Q(error_type=AttemptDied.error_type)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one repository's sync."""

    repo_sync_id: int
    number: int


def find(attempt: Attempt) -> RepoSync | None:
    """Return the row that `attempt` may claim, as it is now."""
    return RepoSync.objects.select_related("run", "repository__connection").filter(pk=attempt.repo_sync_id).first()


def claim(
    attempt: Attempt, *, traceparent: str | None, will: Mapping[str, Any] | None = None, found: RepoSync | None = None
) -> RepoSync | None:
    """Make `attempt` the row's owner and return the row, which keeps the `will` of the attempt's spans meanwhile.

    `found` is the row as just read: nobody else can have owned it since, so it is not read again. Return None if the
    attempt was not admitted, if another worker is or was at work under that number, or if the row or its run has ended.
    """
    claimed = RepoSync.objects.filter(
        Exists(Admission.objects.filter(repo_sync=OuterRef("pk"), attempt=attempt.number)),
        pk=attempt.repo_sync_id,
        attempt=attempt.number - 1,
        state__in=WAITING,
        run__state=PipelineRun.State.RUNNING,
    ).update(
        attempt=attempt.number,
        state=RepoSync.State.RUNNING,
        error_type=Case(When(_DIED, then=F("error_type")), default=Value("")),
        error_msg=Case(When(_DIED, then=F("error_msg")), default=Value(""), output_field=TextField()),
        attempt_traceparent=traceparent or "",
        attempt_will=will,
        alive_at=clock.in_statement(),
        wait_reason="",
        started_at=Coalesce("started_at", clock.in_statement()),
    )
    if not claimed:
        return None
    if found is None or found.attempt != attempt.number - 1 or found.state not in WAITING:
        return find(attempt)
    found.attempt, found.state, found.wait_reason = attempt.number, RepoSync.State.RUNNING, ""
    if predecessor_death(found) is None:
        found.error_type = found.error_msg = ""
    return found


def predecessor_death(row: RepoSync) -> AttemptDied | None:
    """Return the death of the attempt that the owner of the claimed `row` took over from, or None."""
    return AttemptDied(row.error_msg) if row.error_type == AttemptDied.error_type else None


def update(attempt: Attempt, **changes: Any) -> None:
    """Change the row, which also is a sign of life; raise `Superseded` if `attempt` no longer owns it."""
    owned = RepoSync.objects.filter(pk=attempt.repo_sync_id, attempt=attempt.number, state=RepoSync.State.RUNNING)
    if not owned.update(alive_at=clock.in_statement(), **changes):
        raise Superseded(f"attempt {attempt.number} of repository sync {attempt.repo_sync_id} no longer owns it")


def confirm(attempt: Attempt) -> None:
    """Raise `Superseded` if `attempt` no longer owns its row: another has taken over, or its run was cancelled."""
    owned = RepoSync.objects.filter(pk=attempt.repo_sync_id, attempt=attempt.number, state=RepoSync.State.RUNNING)
    if not owned.exists():
        raise Superseded(f"attempt {attempt.number} of repository sync {attempt.repo_sync_id} no longer owns it")


def release_for_retry(attempt: Attempt, error: Exception, *, failures: int, countdown: float, **changes: Any) -> None:
    """End the attempt with `error`; the next one is due in `countdown` seconds."""
    _queue_again(
        attempt,
        state=RepoSync.State.RETRYING,
        failures=failures,
        due_at=clock.now() + timedelta(seconds=countdown),
        error_type=error_type(error),
        error_msg=message_of(error),
        **changes,
    )


def park(attempt: Attempt, *, until: datetime, reason: str, **changes: Any) -> None:
    """End the attempt so that the wait needs no worker; the next one is due at `until`."""
    _queue_again(attempt, state=RepoSync.State.WAITING, due_at=until, wait_reason=reason, **changes)


def stand_back(attempt: Attempt, **changes: Any) -> None:
    """End the attempt because others want its place; the next one is due at once and queues for its turn."""
    _queue_again(attempt, state=RepoSync.State.QUEUED, due_at=clock.now(), **changes)


def fail(attempt: Attempt, error: Exception, *, disposition: RepoSync.Disposition, **changes: Any) -> None:
    """End the repository's sync with `error`."""
    _end(
        attempt,
        state=RepoSync.State.FAILED,
        disposition=disposition,
        error_type=error_type(error),
        error_msg=message_of(error),
        ended_at=clock.in_statement(),
        **changes,
    )


def complete(attempt: Attempt, *, disposition: RepoSync.Disposition, **changes: Any) -> None:
    """End the repository's sync, with all of its window stored."""
    _end(
        attempt,
        state=RepoSync.State.COMPLETED,
        disposition=disposition,
        error_type="",
        error_msg="",
        ended_at=clock.in_statement(),
        **changes,
    )


def bury(attempt: Attempt, why: str) -> None:
    """Count an attempt whose process is known to be gone as failed and let the next follow; always free its place."""
    with transaction.atomic():
        Admission.objects.filter(repo_sync=attempt.repo_sync_id, attempt=attempt.number).delete()
        owned = RepoSync.objects.select_for_update(of=("self",)).filter(
            pk=attempt.repo_sync_id, attempt=attempt.number, state=RepoSync.State.RUNNING
        )
        for row in owned:
            vanished.bequeath(row.attempt_will, run_id=row.run_id, last_seen_at=row.alive_at)
            error = AttemptDied(f"Attempt {row.attempt} was killed: {why}")
            release_for_retry(attempt, error, failures=row.failures + 1, countdown=0.0)


def bury_dead(*, record: Callable[[RepoSync], None] = lambda _: None) -> list[RepoSync]:
    """Count each attempt without a sign of life for SYNC_STALE_SECONDS as failed, and let the next follow.

    Return the rows as they were; `record` is called with each before the commit.
    """
    now = clock.now()
    with transaction.atomic():
        running = RepoSync.objects.select_for_update(skip_locked=True, of=("self",)).select_related("run", "repository")
        silent_since = now - timedelta(seconds=settings.SYNC_STALE_SECONDS)
        dead = list(running.filter(state=RepoSync.State.RUNNING, alive_at__lt=silent_since))
        for row in dead:
            record(row)
            vanished.bequeath(row.attempt_will, run_id=row.run_id, last_seen_at=row.alive_at)
            error = AttemptDied(f"Attempt {row.attempt} gave no sign of life for {settings.SYNC_STALE_SECONDS:g} s")
            release_for_retry(Attempt(row.pk, row.attempt), error, failures=row.failures + 1, countdown=0.0)
    return dead


def _queue_again(attempt: Attempt, **changes: Any) -> None:
    """End the attempt; the row queues for the account that its repository is now connected with."""
    connected = TrackedRepository.objects.filter(pk=OuterRef("repository")).values("connection")
    _end(attempt, connection=Subquery(connected), **changes)


def _end(attempt: Attempt, **changes: Any) -> None:
    """End the attempt and free its place."""
    with transaction.atomic(savepoint=False):  # an enclosing transaction rolls all of it back
        update(attempt, **{"wait_reason": "", "attempt_will": None, **changes})
        Admission.objects.filter(repo_sync=attempt.repo_sync_id, attempt=attempt.number).delete()
