"""The sync's Celery interface: unwrap ids, open the operation, call, and send the next steps."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from celery import Task, shared_task, uuid
from celery.exceptions import Retry, TimeLimitExceeded, WorkerLostError
from celery.result import AsyncResult
from celery.signals import task_failure
from django.conf import settings
from django.db import connection
from kombu.exceptions import OperationalError as BrokerError

from apps import catalog
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import Superseded
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs import admission, attempts, phases
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.failures import ATTEMPTS, STEPS, as_stored, broke_connection, killed_by
from apps.integrations.runs.root_spans import root_of
from apps.integrations.runs.steps import RunPhase, Step, SyncRepository
from apps.integrations.runs.waits import record_waits
from apps.integrations.services.sync_attempt import Completed, End, Failed, Retrying, Unmarked, Waiting, attempt_sync
from apps.machine_catalog import BROKER_AWAY
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from apps.utils.broker import publishing
from apps.utils.database import drop_connection
from apps.utils.pace import Pace
from telemetry import Observed, bind, current_traceparent, emit, error_type, treat_as
from telemetry.celery import QuietTask, sending
from telemetry.model import Outcome
from telemetry.wills import Will, reserve

_log = logging.getLogger(__name__)
_sweeping = Pace()
treat_as(Superseded, Outcome.CANCELLED)


class StartTask(Task):  # type: ignore[type-arg]  # generic in the stubs alone, not at run time
    """A task whose run its sender writes to the database before sending the message.

    So a start cannot be lost: the message makes the run begin at once, and without it the sweep begins it. Inside a
    transaction, whose rows nobody else sees, only the message starts the run.
    """

    abstract = True

    def apply_async(  # type: ignore[override]  # what the stubs list one by one is passed on
        self, args: Any = None, kwargs: Any = None, task_id: str | None = None, **options: Any
    ) -> AsyncResult[None]:
        """Start the run and send the message in its trace."""
        if connection.in_atomic_block:
            return super().apply_async(args, kwargs, task_id=task_id, **options)
        task_id = task_id or uuid()
        run = _start_run(*(args or ()), **(kwargs or {}), task_id=task_id, announce=False)
        try:
            with root_of(run).addressed(), publishing():
                return super().apply_async(args, kwargs, task_id=task_id, **options)
        except BrokerError:
            _log.exception(BROKER_AWAY)
            return AsyncResult(task_id)


@shared_task(bind=True, base=StartTask)
def start_pipeline(
    self: Task[..., None],
    team_id: int,
    repository_ids: list[int],
    *,
    days: int | None,
    since: str | None = None,
    backfill_days: int | None = None,
    backfill_all: bool = False,
) -> None:
    """Start a recent run over the last `days` (None: all history), followed by backfills if asked for.

    Without `days` it may start at `since`, a moment in ISO 8601 with an offset.
    """
    _start_run(
        team_id,
        repository_ids,
        days=days,
        since=since,
        backfill_days=backfill_days,
        backfill_all=backfill_all,
        task_id=self.request.id,
        announce=True,
    )
    send(pipeline.admit())


def _start_run(
    team_id: int,
    repository_ids: list[int],
    *,
    days: int | None,
    since: str | None = None,
    backfill_days: int | None = None,
    backfill_all: bool = False,
    task_id: str | None,
    announce: bool,
) -> PipelineRun:
    """Return the run that the task starts, written once."""
    now = clock.now()
    begin = None if since is None else datetime.fromisoformat(since)
    backfill = None
    if backfill_all or backfill_days is not None:
        backfill = pipeline.Backfill(None if backfill_all or backfill_days is None else _ago(now, backfill_days))
    with bind(team_id=team_id):
        return pipeline.start_run(
            team=Team.objects.get(pk=team_id),
            repositories=list(TrackedRepository.objects.filter(pk__in=repository_ids, team_id=team_id).order_by("pk")),
            since=begin if days is None else _ago(now, days),
            backfill=backfill,
            task_id=task_id,
            announce=announce,
        )


@shared_task(bind=True)
def sync_repository(self: Task[..., None], repo_sync_id: int, attempt: int) -> None:
    """Make the admitted attempt number `attempt` at a repository's sync."""
    own = Attempt(repo_sync_id, attempt)
    found = attempts.find(own)
    if found is None:
        return  # its run was deleted
    with bind(team_id=found.run.team_id, repo_id=found.repository_id, run_id=found.run_id):
        block = reserve(
            catalog.RepoSync(
                team_id=found.run.team_id,
                repo_id=found.repository_id,
                full_name=found.repository.full_name,
                attempt=attempt,
                url=found.repository.web_url,
            )
        )
        will = Will.of(block)
        row = attempts.claim(own, traceparent=current_traceparent(), will=will.as_json(), found=found)
        if row is None:
            will.keep()
            return  # a second delivery, or an attempt that another has superseded
        frees_place = True
        try:
            with block as sync:
                frees_place = _attempt(self, sync, row, own, will)
        except Superseded:
            return  # its successor goes on, and reports it
        finally:
            send(pipeline.advance(row.run_id))
            if frees_place:
                send(pipeline.admit())


def _attempt(task: Task[..., None], sync: Observed[catalog.RepoSynced], row: RepoSync, own: Attempt, will: Will) -> bool:
    """Make the attempt at the claimed row; return whether others may begin now that it has ended.

    Once the row says how it ended, its spans are for this process to export.
    """
    died = attempts.predecessor_death(row)
    if died is not None and ATTEMPTS.allows(row.failures):
        _log_retry(task, died, retry_count=row.failures, countdown=0.0)
    end = attempt_sync(row, own, send_admitted=lambda: send(pipeline.admit()))
    if not isinstance(end, Unmarked):
        will.keep()
    _conclude(task, sync, end)
    return not (isinstance(end, Completed) and end.has_handed_over)


@task_failure.connect(sender=sync_repository)
def _free_place(exception: BaseException, args: tuple[int, int], **_: Any) -> None:
    """Let the next attempt follow one whose process was killed, which Celery reports in the parent process."""
    if isinstance(exception, (WorkerLostError, TimeLimitExceeded)):
        try:
            attempts.bury(Attempt(*args), killed_by(exception))
        finally:
            connection.close()  # children forked later must not share it
        _admit_in(0.0)


@shared_task(bind=True)
def run_phase(self: Task[..., None], run_id: int, phase: str, attempt: int) -> None:
    """Do the work of a run's phase, started for the `attempt`-th time; the run then fails or goes on."""
    step = RunPhase(run_id, phases.named(phase), attempt)
    will = Will.of()
    run = pipeline.claim_step(step, will=will.as_json())
    if run is None:
        will.keep()
        return  # a second delivery, or the phase is over
    try:
        _do_step(self, run, step)
    finally:
        will.settle()  # ended by the process that took this one for dead


def _do_step(task: Task[..., None], run: PipelineRun, step: RunPhase) -> None:
    repository_ids = list(run.repo_syncs.values_list("repository_id", flat=True))
    with bind(team_id=run.team_id, run_id=run.pk):
        try:
            phases.do_work(step.phase, team_id=run.team_id, repository_ids=repository_ids)
        except Exception as caught:
            error = as_stored(caught)
            if broke_connection(caught):
                drop_connection(caught)
            if STEPS.retries(error, started=step.attempt):
                _log_retry(task, error, retry_count=step.attempt, countdown=settings.SYNC_STEP_SECONDS)
                raise  # the sweep sends it again
            pipeline.fail_phase(run.pk, step.phase, error)
            raise error from caught
        send([*pipeline.complete_phase(run.pk, step.phase), *pipeline.admit()])  # its backfills, if that was the last phase


@shared_task(base=QuietTask)
def admit() -> None:
    """Send the attempts that may begin now that a retry has become due."""
    send(pipeline.admit())


@shared_task(base=QuietTask)
def sweep() -> None:
    """Restart stalled work; Celery beat calls this every few seconds.

    While all children are busy, its messages pile up, and they go first: if each were carried out, a machine that needs
    longer for one than the interval between two would do nothing else.
    """
    _sweeping.do(lambda: send(pipeline.sweep()), every=settings.SYNC_SWEEP_SECONDS / 2)


def send(steps: Iterable[Step]) -> None:
    """Put each step on its queue, in its run's trace and linked to the previous attempt.

    Stop if there is no broker: the rows say what is due, and the sweep sends it.
    """
    for step in steps:
        try:
            _send(step)
        except BrokerError:
            _log.exception(BROKER_AWAY)
            if isinstance(step, SyncRepository):
                admission.not_sent(step.attempt)
            return


def _send(step: Step) -> None:
    match step:
        case SyncRepository(attempt):
            admitted = RepoSync.objects.filter(pk=attempt.repo_sync_id, admission__attempt=attempt.number)
            row = admitted.select_related("run", "connection", "admission").first()
            if row is None:
                return  # its run has ended meanwhile
            with (
                root_of(row.run).active(),  # it may be admitted by a process at work for another run
                bind(team_id=row.run.team_id, repo_id=row.repository_id, run_id=row.run_id),
                sending(attempt=attempt.number, previous=row.attempt_traceparent or None),
            ):
                record_waits(row)
                with publishing():
                    sync_repository.apply_async(
                        args=(row.pk, attempt.number),
                        queue=_queue(row.run),  # no expiry, which another machine's clock would judge
                    )
            admission.sent(attempt)
        case RunPhase(run_id, phase, number):
            run = PipelineRun.objects.get(pk=run_id)
            with (
                root_of(run).addressed(),
                bind(team_id=run.team_id, repo_id=None, run_id=run_id),
                sending(attempt=number, previous=None),
                publishing(),
            ):
                run_phase.apply_async(args=(run_id, phase, number), queue=_queue(run))
            pipeline.step_sent(step)


def _conclude(task: Task[..., None], sync: Observed[catalog.RepoSynced], end: End) -> None:
    """End the operation as the attempt ended, and raise what Celery needs to know."""
    match end:
        case Completed(result, _):
            sync.completed(result)
        case Waiting(until):
            sync.waiting(until=until)
        case Retrying(error, failures, countdown):
            sync.retrying(error, countdown=countdown)
            _log_retry(task, error, retry_count=failures, countdown=countdown)
            _admit_in(countdown)
            raise Retry(exc=error, when=countdown)  # type: ignore[arg-type]  # a float is Real, which the stubs cannot say
        case Unmarked(error):
            sync.retrying(error, countdown=settings.SYNC_STALE_SECONDS)
            raise error
        case Failed(error):
            sync.failed(error)
            raise error


def _admit_in(seconds: float) -> None:
    """Schedule a look at what may begin once a countdown is over; without a broker, the sweep takes that on."""
    try:
        with publishing():
            admit.apply_async(countdown=seconds, queue="sweep")
    except BrokerError:
        _log.exception(BROKER_AWAY)


def _log_retry(task: Task[..., None], error: Exception, *, retry_count: int, countdown: float) -> None:
    emit(
        catalog.TaskRetry(
            task_name=task.name or "", retry_count=retry_count, countdown=countdown, error=f"{error_type(error)}: {error}"
        ),
        error=error,
    )


def _queue(run: PipelineRun) -> str:
    return "background" if run.kind == PipelineRun.Kind.BACKFILL else "sync"


def _ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)
