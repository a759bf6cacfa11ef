"""The Celery application: `celery -A apps.config worker` and `... beat`."""

from __future__ import annotations

import os
import sys

from celery import Celery
from celery.signals import beat_init, heartbeat_sent, setup_logging, worker_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.config import environment, instrumentation

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")

app = Celery("synctrace")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_configure.connect
def _read_settings(**_: object) -> None:
    """Wrong settings end worker and beat with a sentence, while Celery still reads their command line."""
    try:
        settings.CELERY_BROKER_URL  # noqa: B018  # the first look reads them all
    except ImproperlyConfigured as error:
        sys.exit(f"celery: {error}")


@worker_init.connect
@beat_init.connect
def _require_servers(**_: object) -> None:
    try:
        environment.require_servers()
    except ImproperlyConfigured as error:
        sys.exit(f"celery: {error}")  # Celery only logs another exception of a signal's handler, and goes on


@setup_logging.connect
def _start_telemetry(**_: object) -> None:
    """Worker and beat write their lines to stdout, and trace; the programs that only send tasks decide for themselves."""
    try:
        instrumentation.configure(stream=sys.stdout)
    except ImproperlyConfigured as error:
        sys.exit(f"celery: {error}")


@heartbeat_sent.connect
def _show_life(**_: object) -> None:
    """A health check that looks at a file costs a hundredth of one that asks the worker by `celery inspect ping`."""
    if settings.SYNCTRACE_ALIVE_FILE is not None:
        settings.SYNCTRACE_ALIVE_FILE.touch()
