"""Run `manage.py catalog`: print the event catalog from the code, or check a file of lines against it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps import machine_catalog
from apps.catalog import CONTEXT, TABLE
from apps.console.terminal.printing import PrintingCommand
from telemetry.catalog import OWN_EVENTS, as_json, as_markdown, as_weaver, check_line, spans_as_markdown

_ALL = (*TABLE, *machine_catalog.EVENTS, *OWN_EVENTS)
_FORMATS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "markdown": as_markdown,
    "json": lambda names: json.dumps(as_json(names), indent=2),
    "weaver": lambda names: as_weaver(*{name.partition(".")[0] for name in names}),
}


class Command(PrintingCommand):
    """Print the event catalog, or check lines against it."""

    help = "Print the event catalog, or check a file of JSON lines against it."
    requires_system_checks = ()  # it needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the format, or the file to check."""
        parser.add_argument("--format", choices=tuple(_FORMATS), default="markdown")
        parser.add_argument("--all", action="store_true", help="also what the machine and telemetry say about themselves")
        parser.add_argument("--check", metavar="FILE", type=Path, help="check this file's lines instead of printing")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the catalog, or each problem of the file."""
        if options["check"] is None:
            self.stdout.write(_FORMATS[options["format"]](_ALL if options["all"] else TABLE))
            if options["all"] and options["format"] == "markdown":
                self.stdout.write(f"\n{spans_as_markdown(machine_catalog.OPERATIONS)}")
            return
        self._check(options["check"])

    def _check(self, path: Path) -> None:
        count, problems = 0, 0
        try:
            with path.open(encoding="utf-8") as lines:
                for number, text in enumerate(lines, start=1):
                    count += 1
                    for problem in _problems(text):
                        problems += 1
                        self.say(f"{path}:{number}: {problem}")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} cannot be read as lines of text: {error}") from error
        if problems:
            raise CommandError(f"{problems} problems in {count} lines.")
        self.stdout.write(f"{count} lines, all as the catalog says.")


def _problems(text: str) -> list[str]:
    try:
        line = json.loads(text)
    except ValueError:
        return ["it is not JSON"]
    return check_line(line, context=CONTEXT) if isinstance(line, dict) else ["it is not a JSON object"]
