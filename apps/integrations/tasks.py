"""Celery's face of the sync: unwrap ids, open the operation, call a service, choose the retry, send the next steps."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from apps import catalog
from apps.analysis import metrics
from apps.analysis.assistance import analyze
from apps.integrations import attempts
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.attempts import Attempt
from apps.integrations.errors import (
    AttemptDied,
    Forbidden,
    NotFound,
    OutOfTime,
    Parked,
    Superseded,
    SyncError,
    Unauthorized,
)
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.services.clients import clients_for
from apps.integrations.services.github_graphql_sync import sync_pull_requests
from apps.repositories.accounts import has_new_token
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from apps.utils.database import drop_connection
from telemetry import Observed, bind, current_traceparent, emit, error_type, observe, treat_as
from telemetry.celery import QuietTask, sending
from telemetry.model import Outcome

_DATABASE_TROUBLE = (OperationalError, InterfaceError)
_log = logging.getLogger(__name__)
treat_as(Superseded, Outcome.CANCELLED)


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


@shared_task(bind=True, max_retries=None)  # the row counts, not Celery: its default of 3 would drop the fourth retry
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
            _attempt(self, sync, row, own)
    except Superseded:
        return  # its successor goes on, and says so
    finally:
        send(pipeline.advance(row.run_id))


@shared_task(bind=True)
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
        except Exception as caught:
            error = _told(caught)
            if isinstance(error, _DATABASE_TROUBLE) and attempt < pipeline.MAX_STEP_ATTEMPTS:
                _tell_retry(self, error, retry_count=attempt, countdown=settings.SYNC_STEP_SECONDS)
                raise  # the sweep sends it again
            pipeline.fail_phase(run_id, phase, error)
            raise error from caught
        send(pipeline.complete_phase(run_id, phase))


@shared_task(base=QuietTask)
def sweep() -> None:
    """What stood still was sent again; called every few seconds by Celery beat."""
    send(pipeline.sweep())


def send(steps: Iterable[pipeline.Step]) -> None:
    """Every step is on its queue, in its run's trace, linked to the attempt before it.

    Without a broker nothing more is sent: the rows say what is due, and the sweep sends it.
    """
    for step in steps:
        try:
            _send(step)
        except BrokerError:
            _log.exception("The broker cannot be reached: the sweep will send what is due.")
            return


def _send(step: pipeline.Step) -> None:
    match step:
        case pipeline.SyncRepository(attempt):
            row = RepoSync.objects.select_related("run").get(pk=attempt.repo_sync_id)
            with (
                pipeline.root_of(row.run).addressed(),
                bind(team_id=row.run.team_id, repo_id=row.repository_id, run_id=row.run_id),
                sending(attempt=attempt.number, previous=row.attempt_traceparent or None),
            ):
                sync_repository.apply_async(args=(row.pk, attempt.number), queue=_queue(row.run))
        case pipeline.RunPhase(run_id, phase, number):
            run = PipelineRun.objects.get(pk=run_id)
            with (
                pipeline.root_of(run).addressed(),
                bind(team_id=run.team_id, repo_id=None, run_id=run_id),
                sending(attempt=number, previous=None),
            ):
                run_phase.apply_async(args=(run_id, phase, number), queue=_queue(run))
        case pipeline.EndRun(run_id):
            pipeline.end_run(run_id)


def _attempt(task: Task[..., None], sync: Observed[catalog.RepoSynced], row: RepoSync, own: Attempt) -> None:
    """The row and ``sync`` say how the attempt has ended; raises what Celery is to know, and `Superseded`."""
    spent: dict[str, int] = {}
    try:
        if row.error_type == AttemptDied.error_type:
            _take_over(task, row)
        clients = clients_for(row, attempt=own)
        try:
            sync.completed(sync_pull_requests(row=row, attempt=own, clients=clients))
        finally:
            spent = clients.spent()  # what an attempt cost counts however it ended
    except Parked as wait:
        attempts.park(own, until=wait.until, reason=wait.reason, **spent)
        sync.waiting(until=wait.until)
    except Superseded:
        raise
    except Exception as caught:  # it is re-raised, or retried
        error = _told(caught)
        try:
            failures, countdown = _mark(row, own, error, spent)
        except _DATABASE_TROUBLE as trouble:  # not even that: the sweep finds the row
            sync.retrying(trouble, countdown=settings.SYNC_STALE_SECONDS)
            raise
        if countdown is None:
            sync.failed(error)
            raise error from caught
        sync.retrying(error, countdown=countdown)
        _tell_retry(task, error, retry_count=failures, countdown=countdown)
        with sending(attempt=own.number + 1, previous=row.attempt_traceparent or None):
            raise task.retry(args=(row.pk, own.number + 1), exc=error, countdown=countdown) from caught


def _take_over(task: Task[..., None], row: RepoSync) -> None:
    """It is told that the attempt before died; `AttemptDied` when too many did, one after the other."""
    died = AttemptDied(row.error_msg)
    if row.failures >= attempts.MAX_FAILURES:
        raise died
    _tell_retry(task, died, retry_count=row.failures, countdown=0.0)


def _mark(row: RepoSync, own: Attempt, error: Exception, spent: dict[str, int]) -> tuple[int, float | None]:
    """The row waits for its next attempt, or has failed; failures in a row, and seconds until that attempt if any."""
    failures = RepoSync.objects.values_list("failures", flat=True).get(pk=row.pk) + 1
    temporary = isinstance(error, _DATABASE_TROUBLE) or (isinstance(error, SyncError) and error.retryable)
    temporary = temporary or (isinstance(error, Unauthorized) and has_new_token(row.repository.connection))
    if temporary and failures < attempts.MAX_FAILURES:
        return failures, attempts.release_for_retry(own, error, error_type=error_type(error), failures=failures, **spent)
    attempts.fail(own, error, error_type=error_type(error), disposition=_disposition(error), **spent)
    return failures, None


def _tell_retry(task: Task[..., None], error: Exception, *, retry_count: int, countdown: float) -> None:
    emit(
        catalog.TaskRetry(
            task_name=task.name or "", retry_count=retry_count, countdown=countdown, error=f"{error_type(error)}: {error}"
        ),
        error=error,
    )


def _told(error: Exception) -> Exception:
    """``error`` as it is to be marked and told; a connection that it has left unusable is dropped."""
    if isinstance(error, SoftTimeLimitExceeded):
        drop_connection()  # it may have been in the middle of a statement
        return OutOfTime("It had not ended at its time limit").with_traceback(error.__traceback__)
    if isinstance(error, _DATABASE_TROUBLE):
        drop_connection()
    return error


def _disposition(error: Exception) -> RepoSync.Disposition:
    if isinstance(error, NotFound):
        return RepoSync.Disposition.GONE
    if isinstance(error, Forbidden | Unauthorized):
        return RepoSync.Disposition.FORBIDDEN
    return RepoSync.Disposition.FAILED


def _queue(run: PipelineRun) -> str:
    return "background" if run.kind == PipelineRun.Kind.BACKFILL else "sync"


def _ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)
