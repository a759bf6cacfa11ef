"""``manage.py trace [RUN | TASK_ID | TRACE_ID]``: a run's trace as a tree with durations."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.console.lookup import NotFoundError, find_run, find_trace, latest_run, one_trace, parse, trace_ids, trace_of_task
from apps.console.trace_view import time_spent, tree_lines
from apps.integrations.models import PipelineRun


class Command(BaseCommand):
    help = "Print a run's trace as a tree with durations, where the time went, and the traces it is linked to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", metavar="RUN | TASK_ID | TRACE_ID", nargs="?", help="the latest run unless given")

    def handle(self, *_: Any, **options: Any) -> None:
        name: str | None = options["id"]
        try:
            name = name and one_trace(name)
            run = latest_run() if name is None else find_run(name)
            if run is None and name is not None:
                parse(name)  # says what is no name at all
                if found := trace_of_task(settings.SYNCTRACE_HOME, name):
                    name, run = found, find_run(found)
        except NotFoundError as error:
            raise CommandError(str(error)) from error
        trace_id, linked = trace_ids(run) if run is not None else (name or "", {})
        spans = find_trace(settings.SYNCTRACE_HOME, trace_id)
        if not spans:
            raise CommandError(f"No span of {name or run} is in {settings.SYNCTRACE_HOME / 'traces.jsonl'}.")
        if run is not None:
            kind = PipelineRun.Kind(run.kind).label
            self.stdout.write(f"run {run.pk}  {kind}  {run.state} ({run.phase})  trace {trace_id}")
            if run.ended_at is None:
                self.stdout.write("It is still running: its root span comes when it ends.")
        for line in tree_lines(spans):
            self.stdout.write(line)
        self.stdout.write("")
        for kind, seconds in time_spent(spans).items():
            self.stdout.write(f"{seconds:8.2f} s  {kind}")
        for other, what in linked.items():
            self.stdout.write(f"linked: {other}  {what}")
