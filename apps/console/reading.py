"""What commands that only read have in common: where they read, and which run a name means."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import CommandError

from apps.console.lookup import NAME, NAME_HELP, Chosen, NotFoundError, choose, known_here
from apps.console.terminal.printing import PrintingCommand
from apps.explain.known_runs import Register
from apps.explain.runs_in_lines import Lines
from apps.explain.sources import written_here
from telemetry.reading import Files

_FILES_ALONE = "The database does not answer, so this is what the files of this home tell."


class ReadingCommand(PrintingCommand):
    """A command that only reads: it starts no server, and does without a database where there is none."""

    requires_system_checks = ()  # checks are for commands that write or serve

    def add_name(self, parser: ArgumentParser) -> None:
        """Take the name of what is asked about."""
        help_text = f"{NAME_HELP}; without it the newest run that is not simply fine"
        parser.add_argument("name", metavar=NAME, nargs="?", help=help_text)

    def open(self) -> tuple[Files, Register]:
        """Return the files and runs that can be read here, and say so if the runs are only from files."""
        source = written_here()
        register = known_here(source)
        if isinstance(register, Lines):
            self.say_aside(_FILES_ALONE)
        return source, register

    def chosen(self, register: Register, name: str | None, *, source: Files) -> Chosen:
        """Return the run that a name means, and say which it is unless it was named by its number."""
        try:
            choice = choose(register, name, source=source)
        except NotFoundError as error:
            raise CommandError(str(error)) from error
        if name != str(choice.run.number):
            self.say_aside(choice.sentence)
        return choice
