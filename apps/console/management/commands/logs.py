"""Run `manage.py logs [NAME]`: print the lines of a run, repository, task, trace or team, in time order."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.console.log_lines import Wanted, find_lines, of_all_runs, of_run
from apps.console.lookup import NotFoundError, asked_by
from apps.console.reading import ReadingCommand
from apps.console.terminal.line_texts import LineTexts
from apps.explain.known_runs import Asked, Register
from telemetry.model import Level
from telemetry.reading import Files

_ALL = "all"


class Command(ReadingCommand):
    """Print lines: as text at a terminal, as JSON elsewhere."""

    help = "Print the lines of a run and of those that follow it, rotated files included; of a task or trace its own lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose lines to print, and which of them."""
        self.add_name(parser)
        run_help = "the run's number; all: every run, of a repository or team that has many"
        parser.add_argument("--run", metavar="N|all", help=run_help)
        parser.add_argument("--event", metavar="GLOB", default="*", help="only these events, such as 'sync.api.*'")
        levels = [level.name.lower() for level in Level]
        parser.add_argument("--level", default="debug", type=str.lower, choices=levels, help="the lowest level")
        format_help = "text for people, json for programs: the line as it was written; text at a terminal, else json"
        parser.add_argument("--format", choices=("text", "json"), help=format_help)

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the lines, or say that there are none."""
        source, register = self.open()
        try:
            wanted = self._wanted(source, register, options["name"], options["run"])
        except NotFoundError as error:
            raise CommandError(str(error)) from error
        lines = find_lines(source, wanted, event=options["event"], level=options["level"])
        as_json = options["format"] == "json" or (options["format"] is None and self.width is None)
        texts = LineTexts(lines, width=self.width)
        for line in lines:
            if as_json:
                self.say_json(line)
            else:
                for one in texts.of(line):
                    self.say_pieces(one)
        if not lines:
            raise CommandError(_nothing(source, wanted, options))

    def _wanted(self, source: Files, register: Register, name: str | None, run: str | None) -> Wanted:
        """Return what a name and `--run` ask for, and say which run was chosen."""
        asked = asked_by(name) if name else Asked()
        if asked.trace_id is not None or (asked.task_id is not None):
            key = "trace_id" if asked.trace_id is not None else "task_id"
            return Wanted({key: frozenset({str(asked.trace_id or asked.task_id)})})
        if run == _ALL:
            return of_all_runs(register, asked)
        return of_run(register, self.chosen(register, run or name, source=source).run, asked)


def _nothing(source: Files, wanted: Wanted, options: dict[str, Any]) -> str:
    if source.lines is None:
        return "No line can be read: the environment names no file of lines."
    of = "" if wanted.run is None else f" of run {wanted.run.number}"
    like = [f"--{name} {options[name]}" for name, usual in (("event", "*"), ("level", "debug")) if options[name] != usual]
    if not like:
        return f"No line{of} is in {source.lines}."
    looked = "" if options["run"] == _ALL or wanted.run is None else " `--run all` looks through the lines of every run."
    return f"No line{of} in {source.lines} is of {' and '.join(like)}.{looked}"
