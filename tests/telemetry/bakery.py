"""A Django and Celery project that has none of our apps, written to a folder: what an adopter of telemetry would have."""

from __future__ import annotations

from pathlib import Path

MODULE = '''
import os, sys, time
from typing import Annotated

import django
from django.conf import settings

settings.configure(INSTALLED_APPS=[], USE_TZ=True, LOGGING_CONFIG=None)
django.setup()

from celery import Celery, chain, chord, group

import telemetry
from telemetry import bind, emit, observe
from telemetry.model import Event, Field, Level, Line, Operation, Outcome

telemetry.configure(stream=sys.stdout)

app = Celery("bakery", broker=os.environ["BROKER"], backend=os.environ["BROKER"].replace("redis+socket", "redis+socket"))
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=1)


class Baked(Outcome):
    crumbs: Annotated[int, Field("Crumbs.")]


class Bake(
    Operation[Baked],
    name="bakery.bake",
    completed=Line(Level.INFO, "loaf", "crumbs", "duration_sec", when="it is out"),
    failed=Line(Level.ERROR, "loaf", "error_type", "error_msg", when="it burnt"),
):
    """One loaf."""

    loaf: Annotated[str, Field("Its name.")]


class Rang(Event, name="bakery.rang", level=Level.INFO, when="the bell rings"):
    """The bell."""

    times: Annotated[int, Field("How often.")]


@app.task(name="bake", bind=True)
def bake(self, loaf, failures=0):
    with observe(Bake(loaf=loaf)) as baking:
        emit(Rang(times=1))
        if self.request.retries < failures:
            error = ValueError("too cold")
            baking.retrying(error, countdown=0.05)
            raise self.retry(exc=error, countdown=0.05, max_retries=5)
        baking.completed(Baked(crumbs=3))
    return 1


@app.task(name="auto", autoretry_for=(ValueError,), retry_backoff=False, default_retry_delay=0.05, bind=True)
def auto(self):
    if self.request.retries < 1:
        raise ValueError("once")
    return 1


@app.task(name="add")
def add(*numbers):
    return 1


@app.task(name="bound")
def bound():
    emit(Rang(times=2))


@app.task(name="burn")
def burn():
    raise RuntimeError("burnt")
'''


def write_project(folder: Path) -> None:
    """The project's one module is in ``folder``."""
    (folder / "bakery.py").write_text(MODULE)
