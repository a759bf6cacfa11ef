"""Attempts at syncing a repository: only the attempt that owns a row may change it.

An attempt is a number on the row, not Celery's retry counter, which a redelivered message repeats. Every statement here
names that number, so an attempt that was frozen or started twice changes nothing: it meets `Superseded` and stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from apps.integrations.errors import AttemptDied, Superseded, message_of
from apps.integrations.models import PipelineRun, RepoSync
from apps.utils import clock
from telemetry import error_type

WAITING = (RepoSync.State.PENDING, RepoSync.State.RETRYING, RepoSync.State.WAITING)
"""The states of a row that no attempt owns and that has not ended."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one repository's sync."""

    repo_sync_id: int
    number: int


def claim(attempt: Attempt, *, traceparent: str | None) -> RepoSync | None:
    """Make `attempt` the row's owner and return the row.

    Return None if another attempt is or was at work under that number, or if the row or its run has ended. Taking over from
    an attempt that died counts as a failure; `predecessor_death` then returns that death.
    """
    now = clock.now()
    died = f"Attempt {attempt.number - 1} gave no sign of life for {settings.SYNC_STALE_SECONDS:g} s"
    claimed = RepoSync.objects.filter(
        Q(state__in=WAITING) | dead(now),
        pk=attempt.repo_sync_id,
        attempt=attempt.number - 1,
        run__state=PipelineRun.State.RUNNING,
    ).update(
        attempt=attempt.number,
        state=RepoSync.State.RUNNING,
        failures=Case(When(state=RepoSync.State.RUNNING, then=F("failures") + 1), default=F("failures")),
        error_type=Case(When(state=RepoSync.State.RUNNING, then=Value(AttemptDied.error_type)), default=Value("")),
        error_msg=Case(When(state=RepoSync.State.RUNNING, then=Value(died)), default=Value("")),
        attempt_traceparent=traceparent or "",
        alive_at=now,
        sent_at=None,
        wait_reason="",
        started_at=Coalesce("started_at", now),
    )
    if not claimed:
        return None
    return RepoSync.objects.select_related("run", "run__team", "repository", "repository__connection").get(
        pk=attempt.repo_sync_id
    )


def predecessor_death(row: RepoSync) -> AttemptDied | None:
    """Return the death of the attempt from which the owner of the claimed `row` took over, or None."""
    return AttemptDied(row.error_msg) if row.error_type == AttemptDied.error_type else None


def update(attempt: Attempt, **changes: Any) -> None:
    """Change the row and show a sign of life; raise `Superseded` if `attempt` no longer owns it."""
    owned = RepoSync.objects.filter(pk=attempt.repo_sync_id, attempt=attempt.number, state=RepoSync.State.RUNNING)
    if not owned.update(alive_at=clock.now(), **changes):
        raise Superseded(f"attempt {attempt.number} of repository sync {attempt.repo_sync_id} no longer owns it")


def release_for_retry(attempt: Attempt, error: Exception, *, failures: int, countdown: float, **changes: Any) -> None:
    """End the attempt with `error`; the next one is due in `countdown` seconds."""
    update(
        attempt,
        state=RepoSync.State.RETRYING,
        failures=failures,
        due_at=clock.now() + timedelta(seconds=countdown),
        sent_at=clock.now(),
        wait_reason="",
        error_type=error_type(error),
        error_msg=message_of(error),
        **changes,
    )


def park(attempt: Attempt, *, until: datetime, reason: str, **changes: Any) -> None:
    """End the attempt to wait without a worker; the sweep sends the next one at `until`."""
    update(attempt, state=RepoSync.State.WAITING, due_at=until, wait_reason=reason, **changes)


def fail(attempt: Attempt, error: Exception, *, disposition: RepoSync.Disposition, **changes: Any) -> None:
    """End the repository's sync with `error`."""
    update(
        attempt,
        state=RepoSync.State.FAILED,
        disposition=disposition,
        wait_reason="",
        error_type=error_type(error),
        error_msg=message_of(error),
        ended_at=clock.now(),
        **changes,
    )


def complete(attempt: Attempt, *, disposition: RepoSync.Disposition, **changes: Any) -> None:
    """End the repository's sync: all of its window is stored."""
    update(
        attempt,
        state=RepoSync.State.COMPLETED,
        disposition=disposition,
        wait_reason="",
        error_type="",
        error_msg="",
        ended_at=clock.now(),
        **changes,
    )


def dead(now: datetime) -> Q:
    """Return the condition for rows whose attempt has shown no sign of life for SYNC_STALE_SECONDS."""
    return Q(state=RepoSync.State.RUNNING, alive_at__lt=now - timedelta(seconds=settings.SYNC_STALE_SECONDS))
