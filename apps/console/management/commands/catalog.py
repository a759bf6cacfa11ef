"""``manage.py catalog``: the event catalog from the code, or a file of lines checked against it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.catalog import CONTEXT, TABLE
from telemetry.catalog import as_json, as_markdown, check_line


class Command(BaseCommand):
    help = "Print the event catalog, or check a file of JSON lines against it."
    requires_system_checks = ()  # it needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("markdown", "json"), default="markdown")
        parser.add_argument("--check", metavar="FILE", type=Path, help="check this file's lines instead of printing")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["check"] is None:
            as_text = as_markdown(TABLE) if options["format"] == "markdown" else json.dumps(as_json(TABLE), indent=2)
            self.stdout.write(as_text)
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
                        self.stdout.write(f"{path}:{number}: {problem}")
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
    return check_line(line, context=CONTEXT) if isinstance(line, dict) else ["it is no JSON object"]
