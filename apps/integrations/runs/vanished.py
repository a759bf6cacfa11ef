"""End the spans of attempts and steps whose machine vanished, from the row of the work found dead.

A process's spans are ended from the journal of its home, if that is here. If not, their last will on the row (see
`telemetry.wills`) moves to a row of its own in the transaction that finds the work dead, and the sweep exports what is
there. Whoever takes a will off its row ends the spans, even a process that was only cut off, or the next one in its
home.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from apps.integrations.models import PipelineRun, RepoSync, VanishedSpans
from apps.utils import clock
from telemetry.wills import Will

_MOST = 100


def bequeath(will: Mapping[str, Any] | None, *, run_id: int, last_seen_at: datetime | None) -> None:
    """Have the sweep export the spans of work found dead, unless a journal here has them.

    Call this in the transaction that takes the will off its row.
    """
    if will is not None and not Will.from_json(will).is_journalled:
        now = clock.now()
        VanishedSpans.objects.create(run_id=run_id, will=will, last_seen_at=last_seen_at, found_at=now, export_due_at=now)


def bequeath_silent() -> None:
    """Do so for work without a successor: attempts and steps of cancelled runs that never reported their end."""
    now = clock.now()
    stale = now - timedelta(seconds=settings.SYNC_STALE_SECONDS)
    silent_rows = RepoSync.objects.filter(attempt_will__isnull=False, alive_at__lt=stale).exclude(
        state=RepoSync.State.RUNNING
    )
    silent_runs = PipelineRun.objects.filter(
        step_will__isnull=False, ended_at__lt=now - timedelta(seconds=settings.SYNC_STEP_SECONDS)
    )
    with transaction.atomic():
        rows = list(silent_rows.select_for_update(skip_locked=True)[:_MOST])
        runs = list(silent_runs.select_for_update(skip_locked=True)[:_MOST])
        for row in rows:
            bequeath(row.attempt_will, run_id=row.run_id, last_seen_at=row.alive_at)
        for run in runs:
            bequeath(run.step_will, run_id=run.pk, last_seen_at=None)
        RepoSync.objects.filter(pk__in=[row.pk for row in rows]).update(attempt_will=None)
        PipelineRun.objects.filter(pk__in=[run.pk for run in runs]).update(step_will=None)


def export() -> None:
    """Export the spans not exported yet; a later sweep retries what an exporter does not take."""
    now = clock.now()
    with transaction.atomic():
        due = VanishedSpans.objects.select_for_update(skip_locked=True).filter(export_due_at__lte=now)
        found = list(due.order_by("export_due_at")[:_MOST])
        claimed_until = now + timedelta(seconds=settings.SYNC_STALE_SECONDS)
        VanishedSpans.objects.filter(pk__in=[each.pk for each in found]).update(export_due_at=claimed_until)
    for each in found:
        rows = VanishedSpans.objects.filter(pk=each.pk)
        done = Will.from_json(each.will).execute(
            last_seen=each.last_seen_at,
            exported_to=each.exported_to,
            note=lambda names, rows=rows: rows.update(exported_to=names),  # type: ignore[misc]  # bound now
        )
        rows.update(exported_to=done.exported_to, export_due_at=None if done.is_done else now)


def ended_elsewhere(span_ids: Collection[str]) -> Collection[str]:
    """Return which of these spans, ended or dead in a process of this home, a sweep has ended.

    The others are left to that process: their wills are taken off their rows.
    """
    is_ours_to_close = connection.connection is None
    try:
        with transaction.atomic():
            RepoSync.objects.filter(_any("attempt_will", span_ids)).update(attempt_will=None)
            PipelineRun.objects.filter(_any("step_will", span_ids)).update(step_will=None)
            wills = list(VanishedSpans.objects.filter(_any("will", span_ids)).values_list("will", flat=True))
    finally:
        if is_ours_to_close:  # a thread of telemetry, which needs it for nothing else
            connection.close()
    return {span_id for will in wills for span_id in Will.from_json(will).span_ids}.intersection(span_ids)


def _any(field: str, span_ids: Collection[str]) -> Q:
    """Return the condition that a will contains one of these spans."""
    condition = Q(pk=None)
    for span_id in span_ids:
        condition |= Q(**{f"{field}__contains": {"spans": [{"id": span_id}]}})
    return condition
