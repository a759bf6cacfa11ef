"""The Celery application: `celery -A apps.config worker` and `... beat`."""

from __future__ import annotations

import os
import sys

from celery import Celery, Task
from celery.signals import beat_init, heartbeat_sent, setup_logging, task_prerun, worker_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections

from apps.config import environment, instrumentation
from apps.console.terminal.escaping import visible_lines

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")

app = Celery("synctrace")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="worker_events")


@app.on_configure.connect
def _read_settings(**_: object) -> None:
    """Exit with a sentence about a wrong setting while Celery still parses the command line of worker or beat."""
    try:
        settings.CELERY_BROKER_URL  # noqa: B018  # the first access reads all settings
    except ImproperlyConfigured as error:
        sys.exit(visible_lines(f"celery: {error}"))


@worker_init.connect
@beat_init.connect
def _require_servers(**_: object) -> None:
    try:
        environment.require_servers()
    except ImproperlyConfigured as error:
        sys.exit(visible_lines(f"celery: {error}"))  # Celery logs and ignores any other exception of a signal handler


@setup_logging.connect
def _start_telemetry(**_: object) -> None:
    """Trace worker and beat, and write their lines to stdout; programs that only send tasks configure themselves."""
    try:
        instrumentation.configure(stream=sys.stdout)
    except ImproperlyConfigured as error:
        sys.exit(visible_lines(f"celery: {error}"))


@task_prerun.connect
def check_connection(task: Task[..., object], **_: object) -> None:
    """Have the task's first statement check the connection that the previous task left, as Django does for a request.

    Celery would close it after each task, and opening one takes longer than the statements that claim an attempt.
    """
    if not task.request.is_eager:
        close_old_connections()


@heartbeat_sent.connect
def _show_life(**_: object) -> None:
    """Touch the file that a health check looks at, at a hundredth of the cost of `celery inspect ping`."""
    if settings.SYNCTRACE_ALIVE_FILE is not None:
        settings.SYNCTRACE_ALIVE_FILE.touch()
