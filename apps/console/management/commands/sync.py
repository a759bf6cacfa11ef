"""Run `manage.py sync OWNER/NAME...`: sync real repositories now, and print a result for each."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from celery import uuid
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from kombu.exceptions import OperationalError
from rich.console import Console

from apps import machine_catalog
from apps.console.account_asked import AccountAsked
from apps.console.following import ANSWER_SECONDS, cancelled_by_ctrl_c, require_worker, workers
from apps.console.results import Result, results_of, shortfall_of
from apps.console.run_times import time_of_run
from apps.console.terminal.printing import PrintingCommand, text
from apps.console.terminal.result_texts import run_lines
from apps.console.terminal.time_table import time_lines
from apps.console.terminal.watching import watch
from apps.integrations import connections
from apps.integrations.errors import NotFound, SyncError
from apps.integrations.models import PipelineRun
from apps.integrations.tasks import start_pipeline
from apps.repositories.accounts import track
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.repositories.names import InvalidRepositoryName, repository_name
from apps.teams.models import Team
from telemetry import observe

_MOST_DAYS = 36_500  # a hundred years: no calendar ends before


class Command(PrintingCommand):
    """Sync repositories and print a result for each."""

    answer_seconds: ClassVar[float] = ANSWER_SECONDS
    """How long a worker may take to answer."""
    help = (
        "Sync repositories with the token in GITHUB_TOKEN, or by a GitHub App: pull requests, reviews, commits and changed "
        "files."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to sync, for whom, and how far back."""
        parser.add_argument("repositories", metavar="OWNER/NAME", nargs="*", help="such as libuv/libuv, or its address")
        parser.add_argument("--org", type=text, help="every repository of this organization (or user) that the token sees")
        parser.add_argument("--match", metavar="GLOB", help="of those, only names like this, such as 'api-*'")
        parser.add_argument("--team", metavar="SLUG", type=text, default="default", help="whose repositories they are")
        window = parser.add_mutually_exclusive_group()
        window.add_argument("--days", type=int, default=30, help="pull requests updated in the last N days (30)")
        window.add_argument("--all", action="store_true", help="all history")
        app_help = "use the GitHub App in the settings, as installed for this user or organization, instead of a token"
        parser.add_argument("--installation", metavar="LOGIN", type=text, default="", help=app_help)
        api_help = (
            "of GitHub Enterprise, or of a simulator (https://api.github.com; an app's is the first of SYNCTRACE_API_URLS)"
        )
        parser.add_argument("--api-url", metavar="URL", type=text, help=api_help)
        parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object per repository")

    def handle(self, *_: Any, **options: Any) -> None:
        """Sync what is named; exit code 1 if anything is incomplete."""
        if not 1 <= options["days"] <= _MOST_DAYS:
            raise CommandError(f"--days must be 1 or more, up to {_MOST_DAYS}; --all syncs everything.")
        with observe(machine_catalog.Command(command="sync")) as command:
            run = self._run(options)
            results = results_of(run)
            shortfall = shortfall_of(run, results)
            if shortfall:
                command.completed(shortfall=shortfall)
        self._show(results, run, as_json=options["format"] == "json")
        if shortfall:
            sys.exit(1)

    def _run(self, options: dict[str, Any]) -> PipelineRun:
        """Sync what is named, and return the run when it has ended."""
        try:
            tracked = self._tracked(options)
            return self._sync(tracked, days=None if options["all"] else options["days"])
        except SyncError as error:
            raise CommandError(error.in_full()) from error
        except InvalidRepositoryName as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError("The broker cannot be reached: check CELERY_BROKER_URL.") from error
        except TimeoutError as error:
            raise CommandError(str(error)) from error

    def _tracked(self, options: dict[str, Any]) -> list[TrackedRepository]:
        """Track the repositories that the arguments name, on a connection with the account."""
        account = AccountAsked.of(options)
        if not options["repositories"] and not options["org"]:
            raise CommandError("Name what to sync: OWNER/NAME, or --org ORG.")
        if options["match"] and not options["org"]:
            raise CommandError("--match chooses among the repositories of --org ORG: name one.")
        named = [repository_name(name, api_url=account.api_url) for name in options["repositories"]]
        connection = account.connect(_team(options["team"]))
        listed = _of_owner(connection, options["org"], options["match"] or "*") if options["org"] else []
        return track(connection=connection, full_names=named, listed=listed)

    def _sync(self, tracked: list[TrackedRepository], *, days: int | None) -> PipelineRun:
        """Sync what is tracked, and return the run when it has ended."""
        require_worker(answer_seconds=self.answer_seconds)
        task_id, console = uuid(), Console(stderr=True)
        with workers() as own, cancelled_by_ctrl_c(task_id, console=console):
            ids = [repository.pk for repository in tracked]
            start_pipeline.apply_async(args=(tracked[0].team_id, ids), kwargs={"days": days}, task_id=task_id)
            (run, *_) = watch(task_id, console=console, tend=own.tend if own else None)
        return run

    def _show(self, results: list[Result], run: PipelineRun, *, as_json: bool) -> None:
        time = time_of_run(run)
        if as_json:
            for result in results:
                self.say_json(result.as_json() | {"time": None if time is None else time.as_json()})
            return
        table = () if time is None else time_lines(time, width=self.width)
        for line in run_lines(results, run, width=self.width, time=table):
            self.say(line)


def _team(slug: str) -> Team:
    try:
        Team(slug=slug, name=slug).clean_fields()
    except ValidationError as error:
        raise CommandError(f"--team {slug!r} is not a team's name: write it with letters, digits, - and _.") from error
    return Team.objects.get_or_create(slug=slug, defaults={"name": slug})[0]


def _of_owner(connection: GitHubConnection, owner: str, match: str) -> list[str]:
    """Return the names like `match` of an organization's repositories, or of those of a user that the token sees."""
    with connections.client_of(connection) as rest:
        try:
            names = [info.full_name for info in rest.repositories(owner)]
        except NotFound as error:
            all_names = [info.full_name for info in rest.repositories()]
            names = [name for name in all_names if name.partition("/")[0].lower() == owner.lower()]
            if not names:
                said = f"GitHub knows no repositories of {owner!r} that this token sees: check the name."
                raise CommandError(said) from error
    chosen = [name for name in names if fnmatchcase(name.partition("/")[2], match)]
    if not chosen:
        raise CommandError(f"None of the {len(names)} repositories of {owner} that this token sees is like {match!r}.")
    return chosen
