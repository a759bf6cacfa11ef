"""Provide the worker for a command's run, its own or yours, and cancel the run on Ctrl-C."""

from __future__ import annotations

import contextlib
import getpass
import socket
from collections.abc import Iterator, Sequence

from celery import current_app
from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console

from apps.console.local_worker import LocalWorker, local_worker
from apps.console.terminal.calling import call_of
from apps.console.terminal.standing import read_standing
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState
from apps.integrations.models import PipelineRun
from apps.utils.database import drop_connection

ANSWER_SECONDS = 3.0  # with start-up and asking GitHub who we are, silence is reported within five


def require_worker(*, answer_seconds: float = ANSWER_SECONDS) -> None:
    """Raise `CommandError` if no worker answers where this command does not start one."""
    if not settings.SYNCTRACE_EMBEDDED and not current_app.control.ping(timeout=answer_seconds, limit=1):
        raise CommandError("No worker answers: start one with `celery -A apps.config worker`, and beat alongside.")


@contextlib.contextmanager
def workers() -> Iterator[LocalWorker | None]:
    """Run a worker in the block if the servers are this command's own; with your servers, the workers are yours too."""
    with local_worker(home=settings.SYNCTRACE_HOME) if settings.SYNCTRACE_EMBEDDED else contextlib.nullcontext() as own:
        yield own


@contextlib.contextmanager
def cancelled_by_ctrl_c(run: str | int, *, console: Console) -> Iterator[None]:
    """Cancel the run (its number, or the task that starts it) and its followers if Ctrl-C ends the block."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        drop_connection(interrupt)
        if cancelled := _cancel(read_standing(run).runs):
            numbers = " and ".join(str(each.pk) for each in cancelled)
            said = f"Cancelled run {numbers}. {how_to_go_on(cancelled[0])}"
            console.print(said, markup=False, highlight=False)
        raise


def how_to_go_on(run: PipelineRun) -> str:
    """Return what to do about a cancelled run."""
    return f"What is stored stays: `{call_of(f'resume {run.pk}')}` goes on where it stopped."


def user() -> str:
    """Return the name of this command's user for rows and lines."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        name = "somebody"
    return f"{name}@{socket.gethostname()}"[:200]


def _cancel(runs: Sequence[PipelineRun]) -> list[PipelineRun]:
    cancelled = []
    for run in runs:
        with contextlib.suppress(WrongState):  # it has ended meanwhile
            cancelled.append(pipeline.cancel(run.pk, by=user()))
    return cancelled
