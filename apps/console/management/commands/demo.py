"""``manage.py demo``: a whole sync of two real projects' histories on this machine, live, and its trace."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from celery import uuid
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from apps.console.local_programs import local_simulator, local_worker
from apps.console.lookup import Query, find_lines, find_trace, trace_ids
from apps.console.results import results_of
from apps.console.trace_view import time_spent, tree_lines
from apps.console.watching import watch
from apps.integrations.connections import connect
from apps.integrations.errors import SyncError
from apps.integrations.models import PipelineRun
from apps.integrations.tasks import start_pipeline
from apps.repositories.accounts import track
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils.jaeger import trace_page
from telemetry.reading import Span

_REPOSITORIES = ("libuv/libuv", "procrastinate-org/procrastinate")
_DAYS = 365
_FAULTS = Path(__file__).with_name("demo_faults.json")
"""One short wait for GitHub's limit, and one attempt that fails and is made again."""
_TREE_LINES = 60
_SHOWN_LINES = {
    "sync.pipeline.started",
    "sync.repo.started",
    "sync.api.rate_wait",
    "sync.task.retry",
    "sync.repo.completed",
    "sync.pipeline.completed",
}
"""Events of which the first line is shown."""
_WHOLE_WITHIN = 5.0  # seconds; a process that traces exports twice a second


class Command(BaseCommand):
    help = "Sync two real projects' histories from a simulated GitHub on this machine, live, and show the trace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--latency-ms", type=int, default=40, help="how long the simulated GitHub takes to answer")
        parser.add_argument("--api-url", metavar="URL", help="a simulated GitHub that runs already")

    def handle(self, *_: Any, **options: Any) -> None:
        console = Console(soft_wrap=True)
        try:
            runs = self._sync(console, options)
        except SyncError as error:
            raise CommandError(error.in_full()) from error
        except TimeoutError as error:
            raise CommandError(str(error)) from error
        self._tell(console, runs)
        incomplete = [result for run in runs for result in results_of(run) if not result.is_complete]
        if incomplete or any(run.state != PipelineRun.State.COMPLETED for run in runs):
            for result in incomplete:
                console.print(f"{result.repository}: {result.outcome} {result.error_msg}", highlight=False)
            raise CommandError("The demo is not complete: see the lines of worker.out.")

    def _sync(self, console: Console, options: dict[str, Any]) -> list[PipelineRun]:
        """Both phases of both repositories, to their end."""
        TrackedRepository.objects.filter(team__slug="demo").delete()  # a demo begins at the beginning
        team, _created = Team.objects.get_or_create(slug="demo", defaults={"name": "Demo"})
        arguments = ["--latency-ms", str(options["latency_ms"]), "--faults", str(_FAULTS)]
        home: Path = settings.SYNCTRACE_HOME
        own = "SYNCTRACE_EMBEDDED" in os.environ  # else the servers are yours, and so are their workers
        if own:
            console.print("Starting a simulated GitHub and a worker…")
        simulator = (
            contextlib.nullcontext(options["api_url"]) if options["api_url"] else local_simulator(arguments, home=home)
        )
        with simulator as url, local_worker(home=home) if own else contextlib.nullcontext() as worker:
            console.print(f"A simulated GitHub with {' and '.join(_REPOSITORIES)} answers at {url}.", highlight=False)
            connection = connect(team=team, api_url=url, token="demo-token")  # noqa: S106  # the simulator takes any
            tracked = track(connection=connection, full_names=_REPOSITORIES)
            task_id = uuid()
            start_pipeline.apply_async(
                args=(team.pk, [repository.pk for repository in tracked]),
                kwargs={"days": _DAYS, "backfill_all": True},
                task_id=task_id,
            )
            return watch(task_id, console=console, tend=worker.tend if worker else None)

    def _tell(self, console: Console, runs: list[PipelineRun]) -> None:
        home: Path = settings.SYNCTRACE_HOME
        first = runs[0]
        trace_id, linked = trace_ids(first)
        spans = _whole_trace(home, first)
        console.rule(f"Trace {trace_id} of run {first.pk}")
        for line in tree_lines(spans, limit=_TREE_LINES):
            console.out(line, highlight=False)
        for other, what in linked.items():
            console.out(f"linked: {other}  {what}", highlight=False)
        console.rule("Where the time went, over all runs")
        everything = [*spans, *(span for other in linked for span in find_trace(home, other))]
        for kind, seconds in time_spent(everything).items():
            console.out(f"{seconds:8.2f} s  {kind}", highlight=False)
        console.rule("Some of its lines")
        found: dict[str, dict[str, Any]] = {}
        for written in find_lines(home, Query("trace_id", frozenset({trace_id})), level="info"):
            found.setdefault(written["event"], written)
        for first_of_event in (line for event, line in found.items() if event in _SHOWN_LINES):
            if "exception" in first_of_event:
                first_of_event["exception"] = "…"  # a screenful; `logs`, below, has it
            console.out(orjson.dumps(first_of_event).decode(), highlight=False)
        console.rule("Look further")
        for what in (
            f"trace {first.pk}",
            f"logs {first.pk} --level warning",
            f"logs team_id={first.team_id} --event 'sync.api.*'",
        ):
            console.out(f"{_command()} {what}", highlight=False)
        if page := trace_page(trace_id):
            console.out(f"Jaeger: {page}", highlight=False)
        else:
            console.out(f"spans: {home / 'traces.jsonl'}\nlines: {home / 'logs.jsonl'}", highlight=False)


def _whole_trace(home: Path, run: PipelineRun) -> list[Span]:
    """The run's spans, once those of every attempt are there: their processes may live on, and export a little later."""
    trace_id, _linked = trace_ids(run)
    attempts = sum(run.repo_syncs.values_list("attempt", flat=True))
    deadline = time.monotonic() + _WHOLE_WITHIN
    while True:
        spans = find_trace(home, trace_id)
        if _attempts_in(spans) >= attempts or time.monotonic() > deadline:
            return spans
        time.sleep(0.1)


def _attempts_in(spans: Sequence[Span]) -> int:
    """How many attempts have ended in there; a span is exported after those inside it."""
    return sum(span.name == "run/apps.integrations.tasks.sync_repository" for span in spans)


def _command() -> str:
    """How to call another command from where this one was called."""
    python, here = Path(sys.executable), Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return str(settings.SYNCTRACE_COMMAND).replace("python ", f"{shown} ", 1)
