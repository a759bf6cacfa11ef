"""Run `manage.py logs [ID]`: print the lines of a run, task, trace, team or repository, in time order."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from apps.console.lookup import NotFoundError, find_lines, latest_run, parse, written_here
from apps.console.terminal.line_texts import text_lines
from apps.console.terminal.printing import PrintingCommand
from telemetry.model import Level


class Command(PrintingCommand):
    """Print lines: as text at a terminal, as JSON elsewhere."""

    help = "Print the lines of a run, a task, a trace, team_id=N or repo_id=N, backfills and rotated files included."

    requires_system_checks = ()  # they are for what is written and served

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose lines to print, and which of them."""
        parser.add_argument(
            "id",
            metavar="ID",
            nargs="?",
            help="a run's number, a task's or trace's id, team_id=N, repo_id=N; the latest run unless given",
        )
        parser.add_argument("--event", metavar="GLOB", default="*", help="only these events, such as 'sync.api.*'")
        levels = [level.name.lower() for level in Level]
        parser.add_argument("--level", default="debug", type=str.lower, choices=levels, help="the lowest level")
        format_help = "text for people, json for programs: the line as it was written; text at a terminal, else json"
        parser.add_argument("--format", choices=("text", "json"), help=format_help)

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the lines, or say that there are none."""
        source = written_here()
        try:
            query = parse(options["id"] or str(latest_run().pk))
        except NotFoundError as error:
            raise CommandError(str(error)) from error
        lines = find_lines(source, query, event=options["event"], level=options["level"])
        as_json = options["format"] == "json" or (options["format"] is None and self.width is None)
        for line in lines:
            if as_json:
                self.say_json(line)
            else:
                self._show(line)
        if not lines:
            where = f"in {source.lines} matches" if source.lines else "can be read: the environment names no file of lines"
            raise CommandError(f"No line {where}.")

    def _show(self, line: Mapping[str, Any]) -> None:
        level = Level.named(str(line.get("level"))) or Level.DEBUG
        paint = {Level.WARNING: self.style.WARNING, Level.ERROR: self.style.ERROR, Level.CRITICAL: self.style.ERROR}.get(
            level
        )
        first, *more = text_lines(line, width=self.width)
        self.say(first, paint=paint)
        for one in more:
            self.say(one)
