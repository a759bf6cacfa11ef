"""A run's root span and its lines: reserved and announced when it starts, emitted once it has ended, by whoever ends it.

Nothing here may be called inside a transaction: lines follow the commit of what they report, and exporting a span takes as
long as the network does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import connection

from apps import catalog
from apps.integrations.models import PipelineRun
from apps.integrations.runs import phases
from apps.utils import clock
from telemetry import Root, bind, emit, flush

Flush = Callable[[float], bool]
"""Exports the spans that have ended within so many seconds; returns whether every exporter took them."""

_FLUSH_SECONDS = 2.0


class RunFailed(Exception):  # noqa: N818  # it states what happened to the run
    """The error on a failed run's row, as its root span carries it."""

    def __init__(self, error_type: str, error_msg: str) -> None:
        super().__init__(error_msg)
        self.error_type = error_type


def root_of(run: PipelineRun) -> Root:
    """Return the run's reserved root span."""
    return Root(run.traceparent, run.started_ns, tuple(run.links))


def log_start(run: PipelineRun) -> None:
    """Write the line that the run has started."""
    with bind(team_id=run.team_id, repo_id=None, run_id=run.pk):
        root_of(run).announce(_operation(run))


def log_phase(run: PipelineRun, phase: catalog.Phase, previous: catalog.Phase) -> None:
    """Write the line that the run has changed its phase, in its own trace."""
    with bind(team_id=run.team_id, repo_id=None, run_id=run.pk), root_of(run).active():
        emit(catalog.PhaseChanged(team_id=run.team_id, phase=phase, previous_phase=previous))


def finish(runs: Sequence[PipelineRun], *, flush: Flush = flush) -> bool:
    """Write each ended run's last line, unless that was done, emit its root span, and export it.

    Return whether the exporters took the spans; if not, the runs keep their `export_due_at`.
    """
    if runs and connection.in_atomic_block:
        raise RuntimeError("a span cannot be exported inside a transaction: its locks would last as long as the network")
    for run in runs:
        _emit(run)
        PipelineRun.objects.filter(pk=run.pk, logged_at=None).update(logged_at=clock.now())
    exported = bool(runs) and flush(_FLUSH_SECONDS)
    if exported:
        ids = [run.pk for run in runs]
        PipelineRun.objects.filter(pk__in=ids).update(exported_at=clock.now(), export_due_at=None)
    return exported


def _emit(run: PipelineRun) -> None:
    with (
        bind(team_id=run.team_id, repo_id=None, run_id=run.pk),
        root_of(run).finish(_operation(run), ended_at=run.ended_at, repeat=run.logged_at is not None) as pipeline,
    ):
        if run.state == PipelineRun.State.FAILED:
            pipeline.failed(RunFailed(run.error_type, run.error_msg))
        elif run.state == PipelineRun.State.CANCELLED:
            pipeline.cancelled()
        else:
            result = catalog.PipelineCompleted(repos_synced=run.repos_synced, total_prs=run.total_prs)
            pipeline.completed(result, shortfall=run.shortfall)


def _operation(run: PipelineRun) -> catalog.Pipeline:
    return catalog.Pipeline(
        team_id=run.team_id,
        repos_count=run.repo_syncs.count(),
        phase=phases.named(run.phase),
        task_id=run.task_id,
        run_id=run.pk,
        repos_failed=run.repos_failed,
        complete=run.state == PipelineRun.State.COMPLETED and not run.repo_syncs.exclude(gaps=[]).exists(),
    )
