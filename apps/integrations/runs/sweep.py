"""Find stalled work: steps that died, runs that nobody advanced, roots that nobody exported.

Each finding is first claimed on its row, in a short transaction, so that only one of two sweeps acts on it, after the
commit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs import phases, root_spans, vanished
from apps.integrations.runs.admission import SENDING
from apps.integrations.runs.attempts import WAITING
from apps.integrations.runs.root_spans import Flush
from apps.utils import clock

_MOST_ROOTS = 100


def claim_steps(*, record: Callable[[PipelineRun], None] = lambda _: None) -> list[PipelineRun]:
    """Return the runs whose phase's step must be sent; `record` is called with each before the commit.

    The process that moved them into the phase died before sending it, or it was sent or started more than
    SYNC_STEP_SECONDS ago and has not ended.
    """
    now = clock.now()
    unsent = Q(step_sent_at=None, phase_at__lt=now - SENDING)
    unheard = Q(step_sent_at__lt=now - timedelta(seconds=settings.SYNC_STEP_SECONDS))
    with transaction.atomic():
        runs = list(
            PipelineRun.objects.select_for_update(skip_locked=True).filter(
                unsent | unheard,
                state=PipelineRun.State.RUNNING,
                phase__in=phases.NAMES,  # phases of a later version are for its own workers
            )
        )
        for run in runs:
            record(run)
            vanished.bequeath(run.step_will, run_id=run.pk, last_seen_at=None)
        PipelineRun.objects.filter(pk__in=[run.pk for run in runs if run.step_sent_at]).update(
            step_sent_at=now, step_will=None
        )
    return runs


def announce_started() -> None:
    """Write the first lines of runs whose starting process died before it could."""
    unannounced = PipelineRun.objects.filter(announced_at=None, started_at__lt=clock.now() - SENDING)
    for run in unannounced.order_by("started_at")[:_MOST_ROOTS]:
        root_spans.log_start_once(run)


def runs_to_advance() -> list[int]:
    """Return the ids of runs still in their syncing phase although all of their repositories have ended."""
    unfinished = Q(repo_syncs__state__in=[*WAITING, RepoSync.State.RUNNING])
    syncing = PipelineRun.objects.filter(state=PipelineRun.State.RUNNING, phase__in=phases.SYNCING)
    return list(syncing.exclude(unfinished).values_list("pk", flat=True))


def finish_roots(*, flush: Flush) -> None:
    """Log and export ended runs whose process died before it did."""
    now = clock.now()
    with transaction.atomic():
        due = PipelineRun.objects.select_for_update(skip_locked=True).filter(export_due_at__lte=now)
        runs = list(due.order_by("export_due_at")[:_MOST_ROOTS])
        claimed_until = now + timedelta(seconds=settings.SYNC_STALE_SECONDS)
        PipelineRun.objects.filter(pk__in=[run.pk for run in runs]).update(export_due_at=claimed_until)
    root_spans.finish(runs, flush=flush)
