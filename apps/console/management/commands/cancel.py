"""Run `manage.py cancel RUN`: call a run off, wherever it runs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.console.following import how_to_go_on, user
from apps.console.lookup import NotFoundError, numbered_run
from apps.console.terminal.printing import PrintingCommand
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState


class Command(PrintingCommand):
    """Cancel a run."""

    help = "Call a run off, wherever it runs: nothing more is asked of GitHub, and what is stored stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run."""
        parser.add_argument("run", metavar="RUN", help="its number, its task's id or its trace's id")

    def handle(self, *_: Any, **options: Any) -> None:
        """Cancel it, and say how to go on."""
        try:
            run = pipeline.cancel(numbered_run(options["run"]).pk, by=user())
        except (NotFoundError, WrongState) as error:
            raise CommandError(f"{error}." if isinstance(error, WrongState) else str(error)) from error
        self.say_wrapped(f"Cancelled run {run.pk}. {how_to_go_on(run)}")
