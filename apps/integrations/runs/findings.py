"""The lines of what a sweep has found: attempts that died, messages that are sent again, and its own lateness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings
from django.db import connection

from apps import machine_catalog
from apps.integrations.models import PipelineRun, RepoSync, SweepTime
from apps.integrations.runs import root_spans
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.steps import RunPhase
from apps.utils import clock
from telemetry import emit

_PERIODS_LATE = 3  # one may be lost, one may wait behind a task
_LATE_SECONDS = 5.0

_SWEPT = f"""
    INSERT INTO {SweepTime._meta.db_table} (id, at) VALUES (%(id)s, %(now)s)
    ON CONFLICT (id) DO UPDATE SET at = greatest({SweepTime._meta.db_table}.at, excluded.at)
    RETURNING old.at
"""  # noqa: S608  # only our own table's name is put in


def log_dead(rows: Iterable[RepoSync]) -> None:
    """Say which attempts were found dead; `rows` are theirs, as they were."""
    now = clock.now()
    for row in rows:
        silent = (now - row.alive_at).total_seconds() if row.alive_at else 0.0
        event = machine_catalog.AttemptFoundDead(
            full_name=row.repository.full_name, attempt=row.attempt, silent_sec=round(silent, 3)
        )
        root_spans.log_event(row.run, event, repo_id=row.repository_id)


def log_resent(attempts: Mapping[machine_catalog.ResentReason, Iterable[Attempt]]) -> None:
    """Say which attempts' messages are sent again, by why."""
    for reason, those in attempts.items():
        numbers = {each.repo_sync_id: each.number for each in those}
        for row in RepoSync.objects.select_related("run").filter(pk__in=numbers).order_by("pk") if numbers else ():
            event = machine_catalog.StepResent(step="sync_repository", attempt=numbers[row.pk], reason=reason)
            root_spans.log_event(row.run, event, repo_id=row.repository_id)


def log_resent_phase(run: PipelineRun, step: RunPhase) -> None:
    """Say that a phase's work is sent again: it was never sent, or nothing was heard of it."""
    reason: machine_catalog.ResentReason = "unheard" if run.step_sent_at else "unsent"
    root_spans.log_event(run, machine_catalog.StepResent(step=step.phase, attempt=step.attempt, reason=reason))


def log_lateness() -> None:
    """Note that a sweep begins, and say so if none has for much longer than planned."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_SWEPT, {"id": SweepTime.ONLY, "now": now})
        (before,) = cursor.fetchone()
    late = _lateness(before, now)
    if late is not None:
        emit(machine_catalog.BeatLate(late_sec=late, every_sec=settings.SYNC_SWEEP_SECONDS))


def _lateness(before: datetime | None, now: datetime) -> float | None:
    """Return how many seconds later than planned a sweep comes; None for the first and for one that is in time."""
    every = settings.SYNC_SWEEP_SECONDS
    if before is None or (gap := (now - before).total_seconds()) <= _PERIODS_LATE * every + _LATE_SECONDS:
        return None
    return round(gap - every, 3)
