"""Celery's face of the sync: unwrap ids, open the operation, call a service, choose the retry, send the next steps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError

from apps import catalog
from apps.analysis.services import analyze
from apps.integrations import attempts
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.attempts import Attempt
from apps.integrations.errors import Forbidden, NotFound, Parked, Superseded, SyncError, Unauthorized
from apps.integrations.models import PipelineRun, RepoSync, TrackedRepository
from apps.integrations.services.github_clients import clients_for
from apps.integrations.services.github_graphql_sync import sync_pull_requests
from apps.pulls import metrics
from apps.teams.models import Team
from apps.utils import clock
from telemetry import addressed_to, bind, current_traceparent, emit, observe
from telemetry.celery import QuietTask, sending
from telemetry.lifecycle import Observed, error_type

_TEMPORARY = (OperationalError, InterfaceError, SoftTimeLimitExceeded)


@shared_task(bind=True)
def start_pipeline(
    self: Task[..., None],
    team_id: int,
    repository_ids: list[int],
    *,
    days: int | None,
    backfill_days: int | None = None,
    backfill_all: bool = False,
) -> None:
    """A phase 1 run over the last ``days`` (None: all history) is started; phase 2 follows if it is asked for."""
    now = clock.now()
    backfill = None
    if backfill_all or backfill_days is not None:
        backfill = pipeline.Backfill(None if backfill_all or backfill_days is None else _ago(now, backfill_days))
    with bind(team_id=team_id):
        run = pipeline.start_run(
            team=Team.objects.get(pk=team_id),
            repositories=list(TrackedRepository.objects.filter(pk__in=repository_ids, team_id=team_id).order_by("pk")),
            since=None if days is None else _ago(now, days),
            backfill=backfill,
            task_id=self.request.id,
        )
        send(pipeline.steps(run))


@shared_task(
    bind=True,
    soft_time_limit=int(settings.SYNC_ATTEMPT_SECONDS),
    time_limit=int(settings.SYNC_ATTEMPT_SECONDS) + 60,
)
def sync_repository(self: Task[..., None], repo_sync_id: int, attempt: int) -> None:
    """Attempt number ``attempt`` at a repository's sync has ended: complete, waiting, failed, or to be retried."""
    own = Attempt(repo_sync_id, attempt)
    row = attempts.claim(own, traceparent=current_traceparent())
    if row is None:
        return  # a second delivery, or an attempt that another has overtaken
    operation = catalog.RepoSync(
        team_id=row.run.team_id, repo_id=row.repository_id, full_name=row.repository.full_name, attempt=attempt
    )
    try:
        with (
            bind(team_id=row.run.team_id, repo_id=row.repository_id, run_id=row.run_id),
            observe(operation) as sync,
        ):
            try:
                clients = clients_for(row, attempt=own)
                sync.completed(sync_pull_requests(row=row, attempt=own, clients=clients))
            except Parked as wait:
                attempts.park(own, until=wait.until, reason=wait.reason)
                sync.waiting(until=wait.until)
            except Superseded:
                sync.cancelled()
            except Exception as error:  # noqa: BLE001  # it is re-raised, or retried
                _retry_or_fail(self, sync, row, own, error)
    finally:
        send(pipeline.advance(row.run_id))


@shared_task(
    bind=True,
    soft_time_limit=int(settings.SYNC_STEP_SECONDS) - 30,
    time_limit=int(settings.SYNC_STEP_SECONDS) - 15,
)
def run_phase(self: Task[..., None], run_id: int, phase: catalog.Phase, attempt: int) -> None:
    """The analysis or metrics ``phase`` of a run is done, or the run has failed in it."""
    run = pipeline.claim_phase(run_id, phase, attempt)
    if run is None:
        return
    repository_ids = list(run.repo_syncs.values_list("repository_id", flat=True))
    with bind(team_id=run.team_id, run_id=run_id):
        try:
            if phase in ("llm_processing", "background_llm"):
                analyze(team_id=run.team_id, repository_ids=repository_ids)
            if phase in ("computing_metrics", "background_llm"):
                metrics.compute(team_id=run.team_id)
        except Exception as error:
            pipeline.fail_phase(run_id, phase, error)
            raise
        send(pipeline.complete_phase(run_id, phase))


@shared_task(base=QuietTask)
def sweep() -> None:
    """What stood still was sent again; called every few seconds by Celery beat."""
    send(pipeline.sweep())


def send(steps: Iterable[pipeline.Step]) -> None:
    """Every step is on its queue, in its run's trace, linked to the attempt before it."""
    for step in steps:
        match step:
            case pipeline.SyncRepository(attempt):
                row = RepoSync.objects.select_related("run").get(pk=attempt.repo_sync_id)
                with (
                    addressed_to(pipeline.root_of(row.run)),
                    bind(team_id=row.run.team_id, repo_id=row.repository_id, run_id=row.run_id),
                    sending(attempt=attempt.number, previous=row.attempt_traceparent or None),
                ):
                    sync_repository.apply_async(args=(row.pk, attempt.number), queue=_queue(row.run))
            case pipeline.RunPhase(run_id, phase, number):
                run = PipelineRun.objects.get(pk=run_id)
                with (
                    addressed_to(pipeline.root_of(run)),
                    bind(team_id=run.team_id, repo_id=None, run_id=run_id),
                    sending(attempt=number, previous=None),
                ):
                    run_phase.apply_async(args=(run_id, phase, number), queue=_queue(run))
            case pipeline.EndRun(run_id):
                pipeline.end_run(run_id)


def _retry_or_fail(
    task: Task[..., None],
    sync: Observed[catalog.RepoSynced],
    row: RepoSync,
    own: Attempt,
    error: Exception,
) -> None:
    """The row waits for its next attempt and Celery has it; or it has failed, and the error goes on."""
    failures = RepoSync.objects.values_list("failures", flat=True).get(pk=row.pk) + 1
    temporary = isinstance(error, _TEMPORARY) or (isinstance(error, SyncError) and error.retryable)
    if not temporary or failures >= attempts.MAX_FAILURES:
        attempts.fail(own, error, error_type=error_type(error), outcome=_outcome(error))
        sync.failed(error)
        raise error
    countdown = attempts.release_for_retry(own, error, error_type=error_type(error), failures=failures)
    sync.retrying(error, countdown=countdown)
    emit(
        catalog.TaskRetry(
            task_name=task.name or "", retry_count=failures, countdown=countdown, error=f"{error_type(error)}: {error}"
        ),
        error=error,
    )
    with sending(attempt=own.number + 1, previous=row.attempt_traceparent or None):
        raise task.retry(args=(own.repo_sync_id, own.number + 1), exc=error, countdown=countdown, max_retries=None)


def _outcome(error: Exception) -> RepoSync.Outcome:
    if isinstance(error, NotFound):
        return RepoSync.Outcome.GONE
    if isinstance(error, Forbidden | Unauthorized):
        return RepoSync.Outcome.FORBIDDEN
    return RepoSync.Outcome.FAILED


def _queue(run: PipelineRun) -> str:
    return "background" if run.kind == PipelineRun.Kind.PHASE2 else "sync"


def _ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)
