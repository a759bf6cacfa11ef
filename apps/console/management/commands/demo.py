"""Run `manage.py demo`: sync two real projects' histories on this machine, live, and show the trace."""

from __future__ import annotations

import contextlib
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from celery import uuid
from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console

from apps import machine_catalog
from apps.console import demo_data
from apps.console.following import cancelled_by_ctrl_c, workers
from apps.console.invitations import invite
from apps.console.local_simulator import local_simulator
from apps.console.local_web import local_web
from apps.console.local_worker import LocalWorker
from apps.console.lookup import trace_ids
from apps.console.results import results_of
from apps.console.terminal.calling import call_of
from apps.console.terminal.demo_report import show
from apps.console.terminal.printing import PrintingCommand
from apps.console.terminal.watching import watch
from apps.explain.sources import written_here
from apps.integrations.errors import SyncError
from apps.integrations.models import PipelineRun
from apps.integrations.tasks import sync_repository
from telemetry import observe, visible
from telemetry.reading import Source, Span

_FAULTS = Path(__file__).with_name("demo_faults.json")
"""One short wait for GitHub's limit, and one attempt that fails and is retried."""
_TEND_SECONDS = 1.0
_WHOLE_WITHIN = 5.0  # seconds; a traced process exports twice a second


class Command(PrintingCommand):
    """Show a sync live, and its trace."""

    help = "Sync two real projects' histories from a simulated GitHub on this machine, live, and show the trace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how slow the simulated GitHub is, or where one already runs."""
        parser.add_argument("--latency-ms", type=int, default=40, help="how long the simulated GitHub takes to answer")
        parser.add_argument("--keep", action="store_true", help="show it in the console too, and go on until Ctrl-C")
        parser.add_argument("--api-url", metavar="URL", help="a simulated GitHub that is already running")

    def handle(self, *_: Any, **options: Any) -> None:
        """Sync, show the report, and fail if anything is incomplete."""
        console = Console()
        try:
            with observe(machine_catalog.Command(command="demo")):
                runs = self._sync(console, options)
        except SyncError as error:
            raise CommandError(error.in_full()) from error
        except TimeoutError as error:
            raise CommandError(str(error)) from error
        if not options["keep"]:  # else it is shown already
            self._report(console, runs)

    def _report(self, console: Console, runs: list[PipelineRun]) -> None:
        """Show where the time of the runs went; raise `CommandError` if anything is incomplete."""
        source = written_here()
        show(console, runs, spans=_whole_trace(source, runs[0]), source=source)
        incomplete = [result for run in runs for result in results_of(run) if not result.is_complete]
        if incomplete or any(run.state != PipelineRun.State.COMPLETED for run in runs):
            for result in incomplete:
                self.say(f"{result.repository}: {result.outcome}: {result.error_msg}")
            raise CommandError(f"The demo is not complete: `{call_of(f'logs {runs[0].pk} --level warning')}` says why.")

    def _sync(self, console: Console, options: dict[str, Any]) -> list[PipelineRun]:
        """Sync both repositories, recent run and backfills, and return the runs once all have ended."""
        demo_data.forget_repositories()
        arguments = ["--latency-ms", str(options["latency_ms"]), "--faults", str(_FAULTS)]
        home: Path = settings.SYNCTRACE_HOME
        own = settings.SYNCTRACE_EMBEDDED  # else the servers are yours, and so are their workers
        if own:
            console.print("Starting a simulated GitHub and a worker…")
        simulator = (
            contextlib.nullcontext(options["api_url"]) if options["api_url"] else local_simulator(arguments, home=home)
        )
        with contextlib.ExitStack() as running:
            url, worker = running.enter_context(simulator), running.enter_context(workers())
            if options["keep"] and own:
                web = running.enter_context(local_web(home=home, api_url=url))
                invited = invite(username="demo", is_staff=True, web_url=web)
                console.print(f"Look on: {invited.link}", highlight=False, markup=False, soft_wrap=True)
            answers = visible(f"A simulated GitHub answers at {url}, with {' and '.join(demo_data.REPOSITORIES)}.")
            console.print(answers, highlight=False, markup=False)
            demo = demo_data.prepare(api_url=url, task_id=uuid())
            with cancelled_by_ctrl_c(demo.task_id, console=console):
                demo.start()
                runs = watch(demo.task_id, console=console, tend=worker.tend if worker else None)
            if options["keep"]:
                self._report(console, runs)
                console.print("Everything stays up until Ctrl-C.")
                _stay(worker)
            return runs


def _stay(worker: LocalWorker | None) -> None:
    """Let everything run until Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            if worker is not None:
                worker.tend()
            time.sleep(_TEND_SECONDS)


def _whole_trace(source: Source, run: PipelineRun) -> list[Span]:
    """Return the run's spans once every attempt's have arrived: their processes live on and export a little later."""
    trace_id, _linked = trace_ids(run)
    attempts = sum(run.repo_syncs.values_list("attempt", flat=True))
    deadline = time.monotonic() + _WHOLE_WITHIN
    while True:
        spans = source.trace(trace_id)
        ended = sum(span.name == f"run/{sync_repository.name}" for span in spans)  # exported after those inside it
        if ended >= attempts or time.monotonic() > deadline:
            return spans
        time.sleep(0.1)
