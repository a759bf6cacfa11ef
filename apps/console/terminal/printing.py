"""Commands that print texts of others, which show but cannot affect the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from apps.console.terminal.colours import Pieces, painted, plain
from apps.console.terminal.escaping import as_json, visible_lines
from apps.console.terminal.fitting import wrapped
from apps.utils.text import storable
from telemetry import visible
from telemetry.redaction import redact


def text(value: str) -> str:
    """Return an option's value if it is valid text, for argparse: neither a database nor GitHub takes anything else."""
    if storable(value) != value:
        raise ArgumentTypeError(f"{value!r} holds a NUL or bytes that are not UTF-8: write it as text")
    return value


class PrintingCommand(BaseCommand):
    """A command whose output and errors contain no control characters except its own line ends and colours.

    Its errors repeat no secret either: people paste them in the wrong place.
    """

    _may_paint, _paints_anyway = True, False

    @property
    def width(self) -> int | None:
        """The width of the output's terminal; None if it goes elsewhere."""
        return shutil.get_terminal_size().columns if self.stdout.isatty() else None

    def say(self, line: str, *, paint: Callable[[str], str] | None = None) -> None:
        """Print one line, in the colours that `paint` gives it at a terminal."""
        self.stdout.write(visible(line), paint)

    def say_wrapped(self, line: str) -> None:
        """Print one line, at a terminal wrapped over as many lines as it needs."""
        for one in wrapped(line, self.width, hang=2):
            self.say(one)

    def say_pieces(self, line: Pieces) -> None:
        """Print one line, in colours at a terminal that wants them, plain elsewhere."""
        self.stdout.write(painted(line) if self.has_colours else plain(line))

    @property
    def has_colours(self) -> bool:
        """Whether the output goes to a terminal and colours are not switched off (NO_COLOR, --no-color)."""
        asked_for_none = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not self._may_paint
        return self._paints_anyway or (self.stdout.isatty() and not asked_for_none)

    def say_aside(self, line: str) -> None:
        """Print a remark about the output on stderr, where no program reads it."""
        for one in wrapped(line, shutil.get_terminal_size().columns if self.stderr.isatty() else None, hang=2):
            self.stderr.write(visible(one), str)

    def say_json(self, value: Any) -> None:
        """Print a value as one line of JSON."""
        self.stdout.write(as_json(value))

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Return the command's argument parser, which shows wrong arguments escaped."""
        return _refusing_visibly(super().create_parser(prog_name, subcommand, **options))

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; print an error on one line."""
        self._may_paint, self._paints_anyway = not options.get("no_color"), bool(options.get("force_color"))
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            raise CommandError(visible(redact(str(error))), returncode=error.returncode) from error


def with_visible_errors(command: BaseCommand) -> BaseCommand:
    """Return any command, changed so that its command-line errors contain no control characters."""
    command.stderr = _VisibleErrors(sys.stderr)
    command.stderr.style_func = command.style.ERROR
    create_parser = command.create_parser

    def create(*arguments: Any, **options: Any) -> CommandParser:
        return _refusing_visibly(create_parser(*arguments, **options))

    command.create_parser = create  # type: ignore[method-assign]  # the commands of Django and of others have no such seam
    return command


class _VisibleErrors(OutputWrapper):
    def write(  # type: ignore[override]  # as Django's own, which is no TextIOBase's
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:
        super().write(visible_lines(msg), style_func, ending)


def _refusing_visibly(parser: CommandParser) -> CommandParser:
    refuse = parser.error

    def error(message: str) -> Any:
        return refuse(visible(redact(message)))

    parser.error = error  # type: ignore[method-assign]  # Django lets nobody choose the parser's class
    return parser
