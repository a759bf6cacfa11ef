"""Run `manage.py resume RUN`: resume a run that failed, lost repositories or was cancelled, and print its results."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console

from apps.console.following import cancelled_by_ctrl_c, require_worker, user, workers
from apps.console.lookup import NAME, NAME_HELP, NotFoundError, known_here, one_to
from apps.console.results import results_of, shortfall_of
from apps.console.terminal.printing import PrintingCommand, text
from apps.console.terminal.result_texts import run_lines
from apps.console.terminal.watching import watch
from apps.explain.known_runs import CANCELLED, FAILED, PARTIAL
from apps.explain.sources import written_here
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState
from apps.integrations.tasks import send

_RESUMABLE = frozenset({PARTIAL, FAILED, CANCELLED})


class Command(PrintingCommand):
    """Resume a run."""

    help = "Resume a run that failed, lost repositories or was cancelled, where it stopped, as a new run linked to it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run."""
        parser.add_argument("run", metavar=NAME, help=NAME_HELP)
        only = "resume only this one of those that failed; may be given several times, and the others resumed later"
        parser.add_argument("--repository", metavar="OWNER/NAME", type=text, action="append", help=only)
        parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object per repository")

    def handle(self, *_: Any, **options: Any) -> None:
        """Resume it and watch; exit code 1 if anything is incomplete."""
        try:
            source = written_here()
            old = one_to("resume", known_here(source), options["run"], states=_RESUMABLE, source=source)
            require_worker()
            run = pipeline.resume_run(old.number, by=user(), repositories=options["repository"])
        except (NotFoundError, WrongState) as error:
            raise CommandError(f"{error}." if isinstance(error, WrongState) else str(error)) from error
        console = Console(stderr=True)
        with workers() as own, cancelled_by_ctrl_c(run.pk, console=console):
            send([*pipeline.advance(run.pk), *pipeline.admit()])
            try:
                runs = watch(run.pk, console=console, tend=own.tend if own else None)
            except TimeoutError as error:
                raise CommandError(str(error)) from error
        of_runs = [(each, results_of(each)) for each in runs]
        results = [result for _, found in of_runs for result in found]
        for result in results if options["format"] == "json" else ():
            self.say_json(result.as_json())
        for line in run_lines(results, run, width=self.width) if options["format"] == "text" else ():
            self.say(line)
        if any(shortfall_of(each, found) for each, found in of_runs):
            sys.exit(1)
