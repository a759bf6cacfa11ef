"""Print texts of others: whatever a title, an error or an argument holds, it shows, and does nothing to the terminal."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry import visible, visible_json


class PrintingCommand(BaseCommand):
    """A command whose output and errors hold no control characters but its own line ends."""

    def say(self, line: str) -> None:
        """Print one line."""
        self.stdout.write(visible(line))

    def say_json(self, value: Any) -> None:
        """Print a value as one line of JSON."""
        self.stdout.write(as_json(value))

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; what it fails with is said on one line."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            raise CommandError(visible(str(error)), returncode=error.returncode) from error


def as_json(value: Any) -> str:
    """Return JSON on one line in which invisible and control characters stand as JSON's own escapes."""
    return visible_json(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
