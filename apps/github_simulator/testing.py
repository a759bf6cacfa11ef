"""A simulated GitHub in this process, for tests and for the `github_simulator` command.

with simulator(synthetic=40, limits=Limits(graphql=10, window_seconds=2)) as github:
    requests.post(github.graphql_url, ...)
    github.touch("synthetic/repo-0", 7)
    assert github.stats()["max_in_flight"] == {"user-1b2c3d4e": 1}
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from apps.github_simulator.accounts import Accounts
from apps.github_simulator.fault_files import fault_rules, read_faults
from apps.github_simulator.fault_kinds import FAULTS
from apps.github_simulator.faults import FaultRule, FaultScript
from apps.github_simulator.github_apps import GitHubApp, Installation
from apps.github_simulator.github_schema import SCHEMA_FILE, github_schema
from apps.github_simulator.history import LIBUV, PROCRASTINATE, read_history
from apps.github_simulator.rate_limits import Budget, Limits
from apps.github_simulator.server import github_application, serve
from apps.github_simulator.service import GitHub
from apps.github_simulator.simulated import SimulatedGitHub
from apps.github_simulator.synthetic import synthetic_repository
from apps.github_simulator.times import utc_now
from apps.github_simulator.traffic import SeenRequest
from apps.github_simulator.world import World

__all__ = [
    "FAULTS",
    "LIBUV",
    "PROCRASTINATE",
    "SCHEMA_FILE",
    "Budget",
    "GitHubApp",
    "Installation",
    "Limits",
    "SeenRequest",
    "SimulatedGitHub",
    "read_faults",
    "simulator",
]

_START_STOP_SECONDS = 10.0  # far more than starting or stopping takes


@contextmanager
def simulator(
    *,
    history: Sequence[Path] = (),
    synthetic: int = 0,
    seed: int = 0,
    long_lists_every: int | None = None,
    latency_ms: float = 0,
    faults: Iterable[Mapping[str, Any] | FaultRule] = (),
    tokens: Mapping[str, Mapping[str, Any]] | None = None,
    limits: Limits | None = None,
    app: GitHubApp | None = None,
    until: datetime | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[SimulatedGitHub]:
    """Run a simulated GitHub that listens at `.url` until the block ends.

    It holds the given histories and `synthetic/repo-SEED` with `synthetic` pull requests or, without either, the shipped
    histories of libuv and procrastinate. With `long_lists_every` N, every Nth synthetic pull request has 130 commits, 250
    files and 120 reviews, instead of a few with one of these each. The newest pull request of every repository was updated
    at `until` (default: a second ago).

    `faults` and `tokens` are written as in their files; without `tokens`, every token is an account of its own. An `app` may
    ask as itself, and its installations with the tokens that it has made. `port` 0 picks a free one. Raises HistoryError,
    FaultsError or TokensError, and OSError if the port is taken.
    """
    moment = until or utc_now() - timedelta(seconds=1)  # times have whole seconds, and a change must be newer
    repositories = [read_history(Path(path), until=moment) for path in history]
    if synthetic:
        repositories.append(synthetic_repository(synthetic, seed=seed, until=moment, long_lists_every=long_lists_every))
    if not repositories:
        repositories = [read_history(path, until=moment) for path in (LIBUV, PROCRASTINATE)]
    github = GitHub(
        World(repositories, now=utc_now),
        accounts=Accounts(tokens),
        limits=limits or Limits(),
        faults=FaultScript(_rules(faults)),
        app=app,
    )
    github_schema()  # built now, so that the first request need not wait for it
    application = github_application(github, latency=latency_ms / 1_000)
    with socket.create_server((host, port), backlog=512) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a small answer takes 40 ms
        address, number = listening.getsockname()[:2]
        with _running_in_thread(serve(application, listening)) as loop:
            yield SimulatedGitHub(github, loop=loop, url=f"http://{address}:{number}")


@contextmanager
def _running_in_thread(main: Coroutine[Any, Any, None]) -> Iterator[asyncio.AbstractEventLoop]:
    """Run a coroutine on an event loop in a thread of its own, and cancel it at the end of the block."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = Future()

    async def run() -> None:
        task = asyncio.ensure_future(main)
        started.set_result((asyncio.get_running_loop(), task))
        with suppress(asyncio.CancelledError):
            await task

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="github-simulator", daemon=True)
    thread.start()
    loop, task = started.result(_START_STOP_SECONDS)
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(_START_STOP_SECONDS)


def _rules(faults: Iterable[Mapping[str, Any] | FaultRule]) -> Iterator[FaultRule]:
    for fault in faults:
        yield from (fault,) if isinstance(fault, FaultRule) else fault_rules([fault])
