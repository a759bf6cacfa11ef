"""Write a worker's lines about itself: started, lost or regained its broker, killed at a task, drained.

Its main process, which outlives its children, writes them (https://docs.celeryq.dev/en/stable/userguide/signals.html).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from celery import Task, bootsteps
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import celeryd_init, task_failure, worker_ready, worker_shutdown, worker_shutting_down
from celery.worker import state
from django.db import DatabaseError, connection

from apps import machine_catalog
from apps.integrations.models import RepoSync
from apps.integrations.runs.failures import killed_by
from apps.integrations.runs.root_spans import root_of
from apps.integrations.tasks import sync_repository
from telemetry import bind, emit


class _Worker:
    """This process's worker; moments are in `time.monotonic`."""

    name = ""
    stopping_since: float | None = None
    broker_lost_at: float | None = None


class BrokerSight(bootsteps.StartStopStep):
    """Log when the worker's connection to its broker breaks, and when it is back."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, parent: Any) -> None:
        """Log that the broker is back if it was lost: Celery restarts its steps with each connection."""
        lost_at, _Worker.broker_lost_at = _Worker.broker_lost_at, None
        if lost_at is not None:
            emit(machine_catalog.BrokerBack(worker=_Worker.name, away_sec=_since(lost_at)))

    def stop(self, parent: Any) -> None:
        """Log that the broker is lost, unless the worker itself is stopping."""
        if _Worker.stopping_since is None and state.should_stop in (None, False):
            _Worker.broker_lost_at = time.monotonic()
            emit(machine_catalog.BrokerLost(worker=_Worker.name))


@celeryd_init.connect
def _watch_broker(sender: str, instance: Any, **_: Any) -> None:
    _Worker.name = sender
    instance.app.steps["consumer"].add(BrokerSight)


@worker_ready.connect
def _log_start(sender: Any, **_: Any) -> None:
    queues = ",".join(sorted(sender.app.amqp.queues.consume_from))
    emit(machine_catalog.WorkerStarted(worker=_Worker.name, processes=sender.pool.num_processes, queues=queues))


@worker_shutting_down.connect
def _note_stop(**_: Any) -> None:
    _Worker.stopping_since = time.monotonic()


@worker_shutdown.connect
def _log_end(**_: Any) -> None:
    held = list(state.active_requests)
    for request in held:
        _log_killed(request.task, request.id, request.args, cause="its worker was stopped at once")
    if not held and _Worker.stopping_since is not None:
        emit(machine_catalog.WorkerDrained(worker=_Worker.name, drain_sec=_since(_Worker.stopping_since)))


@task_failure.connect
def _log_death(sender: Task[..., Any], task_id: str, exception: BaseException, args: Sequence[Any], **_: Any) -> None:
    """Log what a killed process held, which Celery reports in the process that started it."""
    if isinstance(exception, (WorkerLostError, TimeLimitExceeded)):
        _log_killed(sender, task_id, args, cause=killed_by(exception))


def _log_killed(task: Task[..., Any], task_id: str, args: Sequence[Any], *, cause: str) -> None:
    event = machine_catalog.WorkerKilled(worker=_Worker.name, task_name=task.name or "", task_id=task_id, cause=cause)
    row = _row(args) if task.name == sync_repository.name else None
    if row is None:
        emit(event)
        return
    with bind(team_id=row.run.team_id, repo_id=row.repository_id, run_id=row.run_id), root_of(row.run).active():
        emit(event)


def _row(args: Sequence[Any]) -> RepoSync | None:
    """Return the row that the killed task was at, or None if it cannot be read: the line is written anyway."""
    try:
        return RepoSync.objects.select_related("run").get(pk=args[0])
    except (DatabaseError, RepoSync.DoesNotExist, IndexError):
        return None
    finally:
        connection.close()  # children that are forked later must not share it


def _since(moment: float) -> float:
    return round(time.monotonic() - moment, 3)
