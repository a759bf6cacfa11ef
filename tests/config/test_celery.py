"""The settings name what there is, and a worker can be watched without asking it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery.fixups.django import DjangoWorkerFixup  # type: ignore[attr-defined]  # its stubs lack it
from celery.signals import heartbeat_sent
from django.db import connection
from pytest_django import Settings

from apps.config.celery import app, check_connection
from apps.integrations import tasks
from apps.integrations.models import RepoSync


@pytest.mark.parametrize("watched", [True, False])
def test_a_worker_that_has_its_broker_shows_life(watched: bool, tmp_path: Path, settings: Settings) -> None:
    """Each heartbeat touches the file of whoever watches; nobody else has one."""
    alive = tmp_path / "alive"
    settings.SYNCTRACE_ALIVE_FILE = alive if watched else None
    heartbeat_sent.send(sender=None)
    assert alive.exists() == watched


def test_the_settings_name_tasks_and_queues_that_there_are(settings: Settings) -> None:
    """A misspelt task would have no time limit of its own; one on no queue would never run."""
    limited = {tasks.start_pipeline.name, tasks.run_phase.name, tasks.sweep.name, tasks.admit.name}
    assert set(settings.CELERY_TASK_ANNOTATIONS) == limited
    queues = {queue.name for queue in settings.CELERY_TASK_QUEUES}
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["queue"] in queues
    assert settings.CELERY_TASK_DEFAULT_QUEUE in queues


@pytest.mark.django_db(transaction=True)
def test_tasks_of_one_process_share_their_connection_while_the_server_answers_on_it() -> None:
    """Opening one for each attempt kept its account waiting; one that has broken meanwhile is replaced before it is used."""
    task: Any = tasks.admit
    between = DjangoWorkerFixup(app)  # what Celery does to the connection around a task
    with connection.cursor() as cursor:
        first = connection.connection
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    between.on_task_postrun(task)
    between.on_task_prerun(task)
    check_connection(task=task)
    assert RepoSync.objects.count() == 0
    assert connection.connection is first

    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    between.on_task_postrun(task)
    between.on_task_prerun(task)
    check_connection(task=task)
    assert RepoSync.objects.count() == 0
    assert connection.connection is not first
