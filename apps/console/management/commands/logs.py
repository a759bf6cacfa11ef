"""``manage.py logs [ID]``: the lines of a run, task, trace, team or repository, in time order."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.console.lookup import NotFoundError, find_lines, latest_run, parse


class Command(BaseCommand):
    help = "Print the JSON lines of a run, a task, a trace, team_id=N or repo_id=N, backfills and rotated files included."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "id",
            metavar="ID",
            nargs="?",
            help="a run's number, a task's or trace's id, team_id=N, repo_id=N; the latest run unless given",
        )
        parser.add_argument("--event", metavar="GLOB", default="*", help="only these events, such as 'sync.api.*'")
        levels = ("debug", "info", "warning", "error")
        parser.add_argument("--level", default="debug", type=str.lower, choices=levels, help="from here up")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            query = parse(options["id"] or str(latest_run().pk))
        except NotFoundError as error:
            raise CommandError(str(error)) from error
        found = False
        for line in find_lines(settings.SYNCTRACE_HOME, query, event=options["event"], level=options["level"]):
            found = True
            self.stdout.write(orjson.dumps(line).decode())
        if not found:
            raise CommandError(f"No line in {settings.SYNCTRACE_HOME / 'logs.jsonl'} matches.")
