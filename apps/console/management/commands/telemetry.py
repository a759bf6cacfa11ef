"""Run `manage.py telemetry open`: print the spans that are open now."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from apps.console.terminal.open_spans import as_json as span_as_json
from apps.console.terminal.open_spans import open_lines
from apps.console.terminal.printing import PrintingCommand
from telemetry.reading import open_spans


class Command(PrintingCommand):
    """Print what telemetry knows of itself."""

    help = "Print the spans that are open now in any process of this home: since when, and about what."
    requires_system_checks = ()  # it needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to print, and the format."""
        parser.add_argument("what", nargs="?", choices=tuple(_SHOWS), default="open", help="open unless given")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print it."""
        _SHOWS[options["what"]](self, options["format"] == "json")

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


_SHOWS: Mapping[str, Callable[[Command, bool], None]] = {"open": Command.show_open}
"""What can be printed, by its name."""
