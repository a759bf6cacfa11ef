"""Run `manage.py explain [RUN | OWNER/NAME | TASK_ID | TRACE_ID | team=SLUG]`: say why a run went as it did."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.console.collecting import nothing_collected
from apps.console.explaining import CannotExplainError, explain_here, explain_there
from apps.console.terminal.calling import call_of
from apps.console.terminal.explanation_text import explanation_lines
from apps.console.terminal.printing import PrintingCommand


class Command(PrintingCommand):
    """Explain a run."""

    requires_system_checks = ()  # it only reads
    help = "Say why a run failed, waits or took long: the first cause, what to do, the proof, and where its time went."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose run to explain, and where its evidence is."""
        parser.add_argument(
            "name",
            metavar="RUN | OWNER/NAME | TASK_ID | TRACE_ID | team=SLUG",
            nargs="?",
            help="by default the newest run that is not simply fine",
        )
        parser.add_argument(
            "--from", dest="folder", metavar="DIR", help="read files that somebody sent: ours, or a collector's"
        )
        parser.add_argument("--jaeger", metavar="URL", help="read spans from Jaeger there, such as http://localhost:16686")
        parser.add_argument("--format", choices=("text", "json"), default="text", help="json prints one object for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the explanation."""
        name, folder, jaeger = options["name"], options["folder"], options["jaeger"]
        command = call_of("").rstrip()
        try:
            with nothing_collected():
                if folder or jaeger:
                    chosen = explain_there(name, folder=folder, jaeger=jaeger, command=command)
                else:
                    chosen = explain_here(name, command=command)
        except CannotExplainError as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.say_json(chosen.explanation.as_json())
            return
        self.say_wrapped(chosen.why)
        self.say("")
        for line in explanation_lines(chosen.explanation, width=self.width):
            self.say(line)
