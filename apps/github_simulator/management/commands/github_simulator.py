"""Run a simulated GitHub until interrupted."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.github_simulator.accounts import TokensError, read_tokens
from apps.github_simulator.app_keys import AppKeyError, public_key_of
from apps.github_simulator.fault_files import FaultsError, read_faults
from apps.github_simulator.history import HistoryError
from apps.github_simulator.rate_limits import Limits
from apps.github_simulator.testing import GitHubApp, simulator

_HIGHEST_PORT = 65_535
_APP_ID, _APP_SLUG = "1", "simulated-app"


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text} is not a whole number of at least 0")
    return int(text)


def _count_or_none(text: str) -> int | None:
    return _count(text) or None


def _positive(text: str) -> int:
    if not _count(text):
        raise ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def _port(text: str) -> int:
    if _count(text) > _HIGHEST_PORT:
        raise ArgumentTypeError(f"{text} is not a port number from 0 to {_HIGHEST_PORT}")
    return int(text)


def _duration(text: str) -> float:
    try:
        duration = float(text)
    except ValueError:
        duration = -1.0
    if not 0 <= duration < float("inf"):
        raise ArgumentTypeError(f"{text} is not a number of at least 0")
    return duration


_USUAL = Limits()
_LIMITS: Sequence[tuple[str, Callable[[str], float | None], float | None, str]] = (
    ("--graphql-limit", _count, _USUAL.graphql, "GraphQL points per window"),
    ("--core-limit", _count, _USUAL.core, "REST requests per window"),
    ("--window-seconds", _duration, _USUAL.window_seconds, "length of a window"),
    ("--graphql-per-minute", _count_or_none, _USUAL.graphql_per_minute, "GraphQL requests per minute"),
    ("--core-per-minute", _count_or_none, _USUAL.core_per_minute, "REST requests per minute"),
    ("--concurrent", _count_or_none, _USUAL.concurrent, "requests in flight"),
)


class Command(BaseCommand):
    """`manage.py github_simulator`, which needs neither database nor broker."""

    help = "Runs a simulated GitHub on this machine, with GraphQL, REST, rate limits and scripted faults."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=_port, required=True, help="port to listen on; 0 picks a free one")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")

        content = parser.add_argument_group("what it holds")
        histories = "histories of real projects (default: libuv and procrastinate)"
        content.add_argument(
            "--history", type=Path, nargs="+", action="extend", default=[], metavar="FILE.jsonl.gz", help=histories
        )
        size = "a synthetic repository with N pull requests"
        content.add_argument("--synthetic", type=_count, default=0, metavar="N", help=size)
        seed = "its seed, and its name: synthetic/repo-S (default: %(default)s)"
        content.add_argument("--seed", type=int, default=0, metavar="S", help=seed)
        every = "every Nth of its pull requests has commits, files and reviews for several pages (default: a few have one)"
        content.add_argument("--long-lists-every", type=_positive, metavar="N", help=every)

        behaviour = parser.add_argument_group("how it answers")
        latency = "least time for any answer (default: %(default)s)"
        behaviour.add_argument("--latency-ms", type=_duration, default=0, metavar="M", help=latency)
        behaviour.add_argument("--faults", type=Path, metavar="FILE", help="JSON file of which requests fail, and how")
        tokens = "JSON file of valid tokens (default: any token is valid)"
        behaviour.add_argument("--tokens", type=Path, metavar="FILE", help=tokens)
        app = "private key of a GitHub App, made if there is no such file: the app is installed at each repository's owner"
        behaviour.add_argument("--app", type=Path, metavar="KEY.pem", help=app)

        limits = parser.add_argument_group("rate limits", "These apply to each account; 0 switches the last three off.")
        for option, kind, default, meaning in _LIMITS:
            limits.add_argument(option, type=kind, default=default, metavar="N", help=f"{meaning} (default: %(default)s)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until Ctrl-C or SIGTERM."""
        signal.signal(signal.SIGTERM, _stop)
        limits = Limits(
            graphql=options["graphql_limit"],
            core=options["core_limit"],
            window_seconds=options["window_seconds"],
            graphql_per_minute=options["graphql_per_minute"],
            core_per_minute=options["core_per_minute"],
            concurrent=options["concurrent"],
        )
        with suppress(KeyboardInterrupt):
            try:
                running = simulator(
                    history=options["history"],
                    synthetic=options["synthetic"],
                    seed=options["seed"],
                    long_lists_every=options["long_lists_every"],
                    latency_ms=options["latency_ms"],
                    faults=read_faults(options["faults"]) if options["faults"] else (),
                    tokens=read_tokens(options["tokens"]) if options["tokens"] else None,
                    limits=limits,
                    app=_app(options["app"]) if options["app"] else None,
                    host=options["host"],
                    port=options["port"],
                )
                with running as github:
                    names = ", ".join(repository.name_with_owner for repository in github.repositories)
                    self.stdout.write(f"GitHub simulator listening on {github.url} ({names})")
                    if options["app"]:
                        places = ", ".join(each.login for each in github.install_at_owners())
                        self.stdout.write(
                            f"GitHub App {_APP_SLUG}, id {_APP_ID}, key {options['app']}, installed at {places}"
                        )
                    self.stdout.flush()
                    while True:
                        signal.pause()
            except (AppKeyError, FaultsError, HistoryError, TokensError) as error:
                raise CommandError(str(error)) from error
            except OSError as error:
                raise CommandError(f"Cannot listen on {options['host']}:{options['port']}: {error.strerror}.") from error


def _app(key: Path) -> GitHubApp:
    """Return an app that is not installed anywhere yet."""
    return GitHubApp(app_id=_APP_ID, slug=_APP_SLUG, public_key=public_key_of(key), installations=())


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
