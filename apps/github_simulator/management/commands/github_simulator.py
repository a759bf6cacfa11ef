"""Run the GitHub simulator as a management command."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from apps.github_simulator.accounts import TokensError
from apps.github_simulator.faults import FaultsError, read_faults
from apps.github_simulator.history import HistoryError
from apps.github_simulator.rate_limits import Limits
from apps.github_simulator.testing import simulator

_HIGHEST_PORT = 65_535


class Command(BaseCommand):
    """`manage.py github_simulator`, which needs neither a database nor a broker."""

    help = "Run a simulated GitHub on this machine, with GraphQL, REST, rate limits and scripted faults."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of the simulator."""
        parser.add_argument("--port", type=_port, required=True, help="the port to listen on; 0 picks a free one")
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
        history_help = "recorded pull requests to serve (libuv and procrastinate if nothing else is given)"
        parser.add_argument(
            "--history", type=Path, nargs="+", action="extend", default=[], metavar="FILE.jsonl.gz", help=history_help
        )
        parser.add_argument(
            "--synthetic", type=_count, default=0, metavar="N", help="serve a made-up repository with N pull requests"
        )
        parser.add_argument(
            "--seed", type=int, default=0, metavar="S", help="the seed of the made-up repository, synthetic/repo-S"
        )
        parser.add_argument(
            "--latency-ms", type=_duration, default=0, metavar="M", help="the minimum milliseconds per answer"
        )
        parser.add_argument("--faults", type=Path, metavar="FILE", help="JSON rules that say which requests fail, and how")
        parser.add_argument("--tokens", type=Path, metavar="FILE", help="JSON accounts by token; other tokens are rejected")
        parser.add_argument("--graphql-limit", type=_count, default=5_000, help="GraphQL points per window (default: 5000)")
        parser.add_argument("--core-limit", type=_count, default=5_000, help="REST requests per window (default: 5000)")
        parser.add_argument("--window-seconds", type=_duration, default=3_600, help="the length of a window (default: 3600)")
        parser.add_argument(
            "--graphql-per-minute", type=_count, default=2_000, help="GraphQL requests a minute (default: 2000; 0: no limit)"
        )
        parser.add_argument(
            "--core-per-minute", type=_count, default=900, help="REST requests a minute (default: 900; 0: no limit)"
        )
        parser.add_argument("--concurrent", type=_count, default=100, help="requests in flight (default: 100; 0: no limit)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until Ctrl-C or SIGTERM."""
        signal.signal(signal.SIGTERM, _stop)
        limits = Limits(
            graphql=options["graphql_limit"],
            core=options["core_limit"],
            window_seconds=options["window_seconds"],
            graphql_per_minute=options["graphql_per_minute"] or None,
            core_per_minute=options["core_per_minute"] or None,
            concurrent=options["concurrent"] or None,
        )
        with suppress(KeyboardInterrupt):
            try:
                running = simulator(
                    history=options["history"],
                    synthetic=options["synthetic"],
                    seed=options["seed"],
                    latency_ms=options["latency_ms"],
                    faults=read_faults(options["faults"]) if options["faults"] else (),
                    tokens=_tokens(options["tokens"]),
                    limits=limits,
                    host=options["host"],
                    port=options["port"],
                )
                with running as github:
                    names = ", ".join(repository.name_with_owner for repository in github.repositories)
                    self.stdout.write(f"GitHub simulator listening on {github.url} ({names})")
                    self.stdout.flush()
                    while True:
                        signal.pause()
            except (FaultsError, HistoryError, TokensError) as error:
                raise CommandError(str(error)) from error
            except OSError as error:
                raise CommandError(f"Cannot listen on {options['host']}:{options['port']}: {error.strerror}.") from error


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text} is not a whole number from 0")
    return int(text)


def _port(text: str) -> int:
    if _count(text) > _HIGHEST_PORT:
        raise ArgumentTypeError(f"{text} is not a port: 0 to {_HIGHEST_PORT}")
    return int(text)


def _duration(text: str) -> float:
    try:
        duration = float(text)
    except ValueError:
        duration = -1.0
    if not 0 <= duration < float("inf"):
        raise ArgumentTypeError(f"{text} is not a number from 0")
    return duration


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tokens(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        tokens = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TokensError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(tokens, dict) or not all(isinstance(entry, dict) for entry in tokens.values()):
        raise TokensError(f'{path} should be a JSON object: {{TOKEN: {{"account": LOGIN, ...}}, ...}}.')
    return tokens
