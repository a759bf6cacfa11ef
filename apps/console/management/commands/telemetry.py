"""Run `manage.py telemetry [ledger | open]`: print what became of this home's spans, or those open now."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from apps.console.terminal.ledger_texts import ledger_lines, troubles
from apps.console.terminal.open_spans import as_json as span_as_json
from apps.console.terminal.open_spans import open_lines
from apps.console.terminal.printing import PrintingCommand
from telemetry import ledger
from telemetry.reading import open_spans


class Command(PrintingCommand):
    """Print what telemetry knows about itself."""

    help = (
        "Print what became of every span that the processes of this home started: exported, waiting, dropped or died; "
        "or those that are open now: since when, and about what."
    )
    requires_system_checks = ()  # it needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to print, and the format."""
        parser.add_argument("what", nargs="?", choices=tuple(_SHOWS), default="ledger", help="by default the ledger")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print it."""
        _SHOWS[options["what"]](self, options["format"] == "json")

    def show_ledger(self, as_json: bool) -> None:
        """Print the ledger."""
        counts = ledger.of_home(settings.SYNCTRACE_HOME)
        if as_json:
            self.say_json({name: count.as_json() for name, count in counts.items()})
            return
        if not counts:
            self.say_wrapped(f"No process has started a span in {settings.SYNCTRACE_HOME}.")
            return
        self.say_wrapped(f"Spans of every process in {settings.SYNCTRACE_HOME}, by exporter")
        self.say("")
        for line in ledger_lines(counts):
            self.say_wrapped(line) if ":" in line else self.say(line)
        for sentence in troubles(counts):
            self.say_wrapped(sentence)

    def show_open(self, as_json: bool) -> None:
        """Print the open spans."""
        spans = [] if settings.SYNCTRACE_JOURNAL is None else open_spans(settings.SYNCTRACE_JOURNAL)
        if as_json:
            self.say_json([span_as_json(span) for span in spans])
            return
        if not spans:
            where = settings.SYNCTRACE_JOURNAL or "this home: its processes keep no journal"
            self.say_wrapped(f"No span is open in {where}.")
        for line in open_lines(spans, width=self.width):
            self.say(line)


_SHOWS: Mapping[str, Callable[[Command, bool], None]] = {"ledger": Command.show_ledger, "open": Command.show_open}
"""What can be printed, by its name."""
