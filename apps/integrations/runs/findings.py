"""Report what a sweep has found as lines, and the time lost until then as spans.

It finds attempts that died, messages to send again, runs that nobody advanced, and its own lateness. A span is recorded
before the finding is committed: if the sweep is killed in between, it finds the same again. In the other order, nobody
would know for how long the work was missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings
from django.db import connection

from apps import catalog, machine_catalog
from apps.integrations.models import PipelineRun, RepoSync, SweepTime
from apps.integrations.runs import queue, root_spans
from apps.integrations.runs.admission import Missed
from apps.integrations.runs.steps import RunPhase
from apps.utils import clock
from telemetry import emit

_SYNC = "sync_repository"
_PERIODS_LATE = 3  # one may be lost, another may wait behind a task
_LATE_SECONDS = 5.0

_SWEPT = f"""
    INSERT INTO {SweepTime._meta.db_table} (id, at) VALUES (%(id)s, %(now)s)
    ON CONFLICT (id) DO UPDATE SET at = greatest({SweepTime._meta.db_table}.at, excluded.at)
    RETURNING old.at
"""  # noqa: S608  # only our own table's name is put in


def log_dead(rows: Iterable[RepoSync]) -> None:
    """Log which attempts were found dead; `rows` are theirs, as they were."""
    now = clock.now()
    for row in rows:
        silent = (now - row.alive_at).total_seconds() if row.alive_at else 0.0
        event = machine_catalog.AttemptFoundDead(
            full_name=row.repository.full_name, attempt=row.attempt, silent_sec=round(silent, 3)
        )
        root_spans.log_event(row.run, event, repo_id=row.repository_id)


def record_dead(row: RepoSync) -> None:
    """Record the time since the last sign of life of a dead attempt, the owner of `row`, as a span."""
    now = clock.now()
    missing = machine_catalog.Missing(step=_SYNC, attempt=row.attempt, reason="silent")
    root_spans.record_wait(row.run, missing, started_at=row.alive_at or now, ended_at=now, repo_id=row.repository_id)


def log_resent(missed: Collection[Missed]) -> None:
    """Log which attempts' messages are sent again, and why."""
    of_row = {each.attempt.repo_sync_id: each for each in missed}
    for row in RepoSync.objects.select_related("run").filter(pk__in=of_row).order_by("pk") if of_row else ():
        found = of_row[row.pk]
        event = machine_catalog.StepResent(step=_SYNC, attempt=found.attempt.number, reason=found.reason)
        root_spans.log_event(row.run, event, repo_id=row.repository_id)


def record_missed(found: Missed) -> None:
    """Record the time since a message was lost, or should have been sent, as a span."""
    row = RepoSync.objects.select_related("run").get(pk=found.attempt.repo_sync_id)
    missing = machine_catalog.Missing(step=_SYNC, attempt=found.attempt.number, reason=found.reason)
    root_spans.record_wait(row.run, missing, started_at=found.since, ended_at=clock.now(), repo_id=row.repository_id)


def log_resent_phase(run: PipelineRun, step: RunPhase) -> None:
    """Log that a phase's work is sent again."""
    root_spans.log_event(run, machine_catalog.StepResent(step=step.phase, attempt=step.attempt, reason=_why_resent(run)))


def record_unheard(run: PipelineRun) -> None:
    """Record the time without word of a phase's step, or of its message, as a span."""
    since = run.step_sent_at or run.phase_at or run.started_at
    missing = machine_catalog.Missing(step=run.phase, attempt=run.step_attempt or 1, reason=_why_resent(run))
    root_spans.record_wait(run, missing, started_at=since, ended_at=clock.now())


def _why_resent(run: PipelineRun) -> machine_catalog.ResentReason:
    """Return why the phase's step is sent again: it fell silent, or its message was lost or never sent."""
    return "unheard" if run.step_attempt else "lost" if run.step_sent_at else "unsent"


def record_unadvanced(last: RepoSync, phase: catalog.Phase) -> None:
    """Record the time for which nobody advanced a run from `phase`, after the `last` of its repositories, as a span."""
    now = clock.now()
    since = max(last.ended_at or now, last.run.started_at)  # in a resuming run, it may have ended long before
    if now - since >= queue.SHORTEST_WAIT:
        missing = machine_catalog.Missing(step=phase, reason="unadvanced")
        root_spans.record_wait(last.run, missing, started_at=since, ended_at=now, repo_id=last.repository_id)


def log_lateness() -> None:
    """Note that a sweep begins, and log it if none has begun for much longer than planned."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_SWEPT, {"id": SweepTime.ONLY, "now": now})
        (before,) = cursor.fetchone()
    late = _lateness(before, now)
    if late is not None:
        emit(machine_catalog.BeatLate(late_sec=late, every_sec=settings.SYNC_SWEEP_SECONDS))


def _lateness(before: datetime | None, now: datetime) -> float | None:
    """Return how many seconds late a sweep is; None for the first one and for one on time."""
    every = settings.SYNC_SWEEP_SECONDS
    if before is None or (gap := (now - before).total_seconds()) <= _PERIODS_LATE * every + _LATE_SECONDS:
        return None
    return round(gap - every, 3)
