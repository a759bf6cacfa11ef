"""Print texts of others: whatever a title, an error or an argument holds, it shows, and does nothing to the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.console.terminal.escaping import as_json
from apps.console.terminal.fitting import wrapped
from telemetry import visible


class PrintingCommand(BaseCommand):
    """A command whose output and errors hold no control characters but its own line ends."""

    @property
    def width(self) -> int | None:
        """The width of the terminal that the output goes to; None if it goes elsewhere."""
        return shutil.get_terminal_size().columns if self.stdout.isatty() else None

    def say(self, line: str, *, paint: Callable[[str], str] | None = None) -> None:
        """Print one line, in the colours that `paint` gives it at a terminal."""
        self.stdout.write(visible(line), paint)

    def say_wrapped(self, line: str) -> None:
        """Print one line, at a terminal over as many of its lines as it needs."""
        for one in wrapped(line, self.width, hang=2):
            self.say(one)

    def say_json(self, value: Any) -> None:
        """Print a value as one line of JSON."""
        self.stdout.write(as_json(value))

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Return the parser of the command's arguments, which repeats wrong ones visibly."""
        parser = super().create_parser(prog_name, subcommand, **options)
        refuse = parser.error

        def error(message: str) -> Any:
            return refuse(visible(message))

        parser.error = error  # type: ignore[method-assign]  # Django lets nobody choose the parser's class
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; an error is said on one line."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            raise CommandError(visible(str(error)), returncode=error.returncode) from error
