"""Run `manage.py trace [RUN | TASK_ID | TRACE_ID]`: print a run's trace as a tree with durations."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.console.lookup import (
    NotFoundError,
    find_run,
    latest_run,
    one_trace,
    parse,
    trace_ids,
    trace_of_task,
    written_here,
)
from apps.console.terminal.printing import PrintingCommand
from apps.console.terminal.time_table import time_lines
from apps.console.terminal.trace_tree import tree_lines
from apps.explain.evidence import reserved_roots, time_in
from apps.integrations.models import PipelineRun


class Command(PrintingCommand):
    """Print a run's trace."""

    help = "Print a run's trace as a tree with durations, where the time went, and the traces it is linked to."

    requires_system_checks = ()  # they are for what is written and served

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the name of a run, a task or a trace."""
        parser.add_argument("id", metavar="RUN | TASK_ID | TRACE_ID", nargs="?", help="the latest run unless given")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the tree, the table of times, and the linked traces."""
        name: str | None = options["id"]
        source = written_here()
        try:
            name = name and one_trace(name)
            run = latest_run() if name is None else find_run(name)
            if run is None and name is not None:
                parse(name)  # says what is no name at all
                if found := trace_of_task(source, name):
                    name, run = found, find_run(found)
        except NotFoundError as error:
            raise CommandError(str(error)) from error
        trace_id, linked = trace_ids(run) if run is not None else (name or "", {})
        spans = source.trace(trace_id)
        if not spans:
            where = f"is in {source.traces}" if source.traces else "can be read: the environment names no file of spans"
            raise CommandError(f"No span of {name or run} {where}.")
        if run is not None:
            kind = PipelineRun.Kind(run.kind).label
            self.say_wrapped(f"run {run.pk}  {kind}  {run.state} ({run.shortfall or run.phase})  trace {trace_id}")
            if run.ended_at is None:
                self.say_wrapped("It is still running: its root span comes when it ends.")
        runs = [] if run is None else [run]
        for line in tree_lines(spans, width=self.width, reserved=reserved_roots(runs)):
            self.say(line)
        self.say("")
        for line in time_lines(time_in(spans, runs), width=self.width):
            self.say(line)
        for other, what in linked.items():
            self.say_wrapped(f"linked: {other}  {what}")
