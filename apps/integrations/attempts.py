"""Who owns a repository's sync: every change of its row is made by the attempt that owns it, or not at all.

An attempt is a number on the row, not Celery's retry counter, which a redelivered message repeats. Each statement here names
the number, so that a frozen or duplicated attempt changes nothing: it finds `Superseded` and stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, DateTimeField, F, Q, Value, When
from django.db.models.functions import Coalesce

from apps.integrations.errors import AttemptDied, Superseded, message_of
from apps.integrations.models import RepoSync
from apps.utils import clock

MAX_FAILURES = 6
"""Attempts that may fail or die one after the other without a page committed between them."""

_BASE_COUNTDOWN, _MAX_COUNTDOWN = 2.0, 300.0  # seconds
_WAITING = (RepoSync.State.PENDING, RepoSync.State.RETRYING, RepoSync.State.WAITING)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one repository's sync."""

    repo_sync_id: int
    number: int


def claim(attempt: Attempt, *, traceparent: str | None) -> RepoSync | None:
    """The row, now owned by ``attempt``; None when another attempt lives or has lived, or the row has ended.

    An attempt that takes over from one that died counts that death as a failure, and finds it on the row as its error.
    """
    now = clock.now()
    died = f"Attempt {attempt.number - 1} gave no sign of life for {settings.SYNC_STALE_SECONDS:g} s"
    claimed = RepoSync.objects.filter(
        Q(state__in=_WAITING) | _dead(now), pk=attempt.repo_sync_id, attempt=attempt.number - 1, run__state="running"
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


def update(attempt: Attempt, **changes: Any) -> None:
    """The row carries ``changes`` and a fresh sign of life; `Superseded` when ``attempt`` no longer owns it."""
    owned = RepoSync.objects.filter(pk=attempt.repo_sync_id, attempt=attempt.number, state=RepoSync.State.RUNNING)
    if not owned.update(alive_at=clock.now(), **changes):
        raise Superseded(f"attempt {attempt.number} of repository sync {attempt.repo_sync_id} no longer owns it")


def release_for_retry(attempt: Attempt, error: BaseException, *, error_type: str, failures: int, **changes: Any) -> float:
    """The row waits for its next attempt; seconds until then: 2, 4, 8, … to 300, or what the error asks for."""
    asked = getattr(error, "retry_after", None)
    countdown = min(_MAX_COUNTDOWN, _BASE_COUNTDOWN * 2 ** max(0, failures - 1)) if asked is None else float(asked)
    update(
        attempt,
        state=RepoSync.State.RETRYING,
        failures=failures,
        due_at=clock.now() + timedelta(seconds=countdown),
        sent_at=clock.now(),
        wait_reason="",
        error_type=error_type,
        error_msg=message_of(error),
        **changes,
    )
    return countdown


def park(attempt: Attempt, *, until: datetime, reason: str, **changes: Any) -> None:
    """The row waits until ``until`` without a worker; the sweep sends its next attempt."""
    update(attempt, state=RepoSync.State.WAITING, due_at=until, wait_reason=reason, **changes)


def fail(
    attempt: Attempt, error: BaseException, *, error_type: str, disposition: RepoSync.Disposition, **changes: Any
) -> None:
    """The row has failed for good."""
    update(
        attempt,
        state=RepoSync.State.FAILED,
        disposition=disposition,
        wait_reason="",
        error_type=error_type,
        error_msg=message_of(error),
        ended_at=clock.now(),
        **changes,
    )


def complete(attempt: Attempt, *, disposition: RepoSync.Disposition, **results: Any) -> None:
    """The row is complete."""
    update(
        attempt,
        state=RepoSync.State.COMPLETED,
        disposition=disposition,
        wait_reason="",
        error_type="",
        error_msg="",
        ended_at=clock.now(),
        **results,
    )


def overdue(limit: int = 500) -> list[Attempt]:
    """Attempts to send now: parked rows whose wait is over, lost messages, and rows whose attempt died.

    Each is marked as sent, so that two sweeps send it once. A message that nobody took for SYNC_STALE_SECONDS may be lost
    and is sent again; it may also stand on a long queue, so each time after twice as long. Call inside a transaction.
    """
    now = clock.now()
    lost = now - timedelta(seconds=settings.SYNC_STALE_SECONDS)
    patience = F("sent_at") - F("due_at")
    waiting = Q(state__in=_WAITING, due_at__lte=now) & (
        Q(sent_at=None)
        | Q(sent_at__lt=lost, due_at__lt=lost) & Q(sent_at__lt=Value(now, output_field=DateTimeField()) - patience)
    )
    dead = _dead(now) & (Q(sent_at=None) | Q(sent_at__lt=lost))
    rows = (
        RepoSync.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(waiting | dead, run__state="running")
        .order_by("due_at")[:limit]
    )
    attempts = [Attempt(row.pk, row.attempt + 1) for row in rows]
    RepoSync.objects.filter(pk__in=[attempt.repo_sync_id for attempt in attempts]).update(sent_at=now)
    return attempts


def _dead(now: datetime) -> Q:
    """Rows whose attempt gave no sign of life for SYNC_STALE_SECONDS."""
    return Q(state=RepoSync.State.RUNNING, alive_at__lt=now - timedelta(seconds=settings.SYNC_STALE_SECONDS))
