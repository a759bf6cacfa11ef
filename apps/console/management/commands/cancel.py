"""Run `manage.py cancel RUN`: cancel a run, wherever it runs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.console.following import how_to_go_on, user
from apps.console.lookup import NAME, NAME_HELP, NotFoundError, known_here, one_to
from apps.console.terminal.printing import PrintingCommand
from apps.explain.known_runs import RUNNING, WAITING
from apps.explain.sources import written_here
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState

_CANCELLABLE = frozenset({RUNNING, WAITING})


class Command(PrintingCommand):
    """Cancel a run."""

    help = "Cancel a run, wherever it runs: nothing more is asked of GitHub, and what is stored stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run."""
        parser.add_argument("run", metavar=NAME, help=NAME_HELP)

    def handle(self, *_: Any, **options: Any) -> None:
        """Cancel it, and say how to go on."""
        try:
            source = written_here()
            named = one_to("cancel", known_here(source), options["run"], states=_CANCELLABLE, source=source)
            run = pipeline.cancel(named.number, by=user())
        except (NotFoundError, WrongState) as error:
            raise CommandError(f"{error}." if isinstance(error, WrongState) else str(error)) from error
        self.say_wrapped(f"Cancelled run {run.pk}. {how_to_go_on(run)}")
