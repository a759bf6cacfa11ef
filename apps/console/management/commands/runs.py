"""Run `manage.py runs`: list runs, newest first, with their states, what they cover, and why they are not fine."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.core.management.base import CommandError

from apps.console.lookup import NotFoundError, asked_by, is_of_one_run, run_of
from apps.console.reading import ReadingCommand
from apps.console.terminal.printing import text
from apps.console.terminal.run_list import run_rows
from apps.explain.known_runs import CANCELLED, COMPLETED, FAILED, PARTIAL, Asked, KnownRun, Register
from apps.explain.runs_in_lines import TeamsUnknownError
from telemetry.reading import Files

_SHOWN, _MOST = 50, 1_000_000
_AGO = re.compile(r"(\d{1,6})\s*(m|min|h|d|w)")
_UNITS = {"m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class Command(ReadingCommand):
    """List runs."""

    help = "List runs, newest first: number, state, what each covers, how long it took, and why it is not fine, in short."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which runs to list, and how."""
        self.add_name(parser)
        parser.add_argument("--failed", action="store_true", help="only runs that ended and are not complete")
        parser.add_argument("--team", metavar="SLUG", type=text, help="only this team's")
        parser.add_argument("--repository", metavar="GLOB", help="only those over such a repository: 'acme/*', 'api-*'")
        parser.add_argument("--since", metavar="WHEN", help="only those that began since: 2d, 12h, 30m, or 2026-11-27")
        parser.add_argument("--limit", type=int, metavar="N", help=f"at most this many ({_SHOWN}; all with json)")
        parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object per run")

    def handle(self, *_: Any, **options: Any) -> None:
        """List them."""
        asked = _asked(options)
        source, register = self.open()
        as_json = options["format"] == "json"
        limit: int | None = options["limit"] or (None if as_json else _SHOWN)
        try:
            found = list(islice(_found(register, asked, source=source, failed=options["failed"]), limit and limit + 1))
        except TeamsUnknownError:
            raise CommandError(
                "What teams are called is in the database, which does not answer: name it as team_id=N."
            ) from None
        shown = found[:limit]
        if as_json:
            for run in shown:
                self.say_json(run.as_json())
            return
        for row in run_rows(shown, width=self.width, now=datetime.now(UTC)):
            self.say_pieces(row)
        if not found:
            anything = "There is no run like that" if asked != Asked() or options["failed"] else "There is no run yet"
            self.say_wrapped(f"{anything}.")
        if len(found) > len(shown):
            self.say_wrapped(f"… and older ones: --limit {10 * len(shown)} shows more.")


def _asked(options: dict[str, Any]) -> Asked:
    if options["limit"] is not None and not 1 <= options["limit"] <= _MOST:
        raise CommandError(f"--limit must be 1 or more, up to {_MOST}.")
    try:
        asked = asked_by(options["name"]) if options["name"] else Asked()
    except NotFoundError as error:
        raise CommandError(str(error)) from error
    chosen = {"team": options["team"], "repository": options["repository"], "since": _since(options["since"])}
    return replace(asked, **{name: value for name, value in chosen.items() if value is not None})


def _since(since: str | None) -> datetime | None:
    if since is None:
        return None
    try:
        if match := _AGO.fullmatch(since.strip().lower()):
            return datetime.now(UTC) - timedelta(seconds=int(match[1]) * _UNITS[match[2]])
        moment = datetime.fromisoformat(since)
    except (ValueError, OverflowError):  # no time, or one before the year 1
        raise CommandError(f"--since {since!r} is not a time: write 2d, 12h, 30m, or a date such as 2026-11-27.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _found(register: Register, asked: Asked, *, source: Files, failed: bool) -> Iterator[KnownRun]:
    if is_of_one_run(asked) and (run := run_of(register, asked, source=source)) is not None:
        numbers = {run.number, *register.following(run)}
        return (one for one in register.runs(Asked()) if one.number in numbers)
    if not failed:
        return register.runs(asked)
    ended = frozenset({COMPLETED, PARTIAL, FAILED})
    return (run for run in register.runs(replace(asked, not_fine=True, in_states=ended)) if run.state != CANCELLED)
