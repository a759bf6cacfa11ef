"""The settings name what there is, and a worker can be watched without asking it."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery.signals import heartbeat_sent
from pytest_django import Settings

from apps.config.celery import app
from apps.integrations import tasks


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
