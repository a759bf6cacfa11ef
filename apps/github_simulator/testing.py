"""Run a simulated GitHub in this process, for tests and for the `github_simulator` command.

For example:

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
from apps.github_simulator.fault_kinds import FAULTS
from apps.github_simulator.faults import FaultRule, FaultScript, fault_rules, read_faults
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
    "Limits",
    "SeenRequest",
    "SimulatedGitHub",
    "read_faults",
    "simulator",
]

_SECONDS = 10.0  # ample for starting or stopping


@contextmanager
def simulator(
    *,
    history: Sequence[Path] = (),
    synthetic: int = 0,
    seed: int = 0,
    latency_ms: float = 0,
    faults: Iterable[Mapping[str, Any] | FaultRule] = (),
    tokens: Mapping[str, Mapping[str, Any]] | None = None,
    limits: Limits | None = None,
    until: datetime | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[SimulatedGitHub]:
    """Yield a simulated GitHub that listens on its `url` until the block ends.

    It holds the given histories and `synthetic/repo-SEED` with `synthetic` pull requests, or libuv and procrastinate if
    neither is given. The newest pull request of each repository was updated at `until`, by default just now.

    Raise HistoryError, FaultsError or TokensError for bad input, and OSError if the port is taken.
    """
    moment = until or utc_now() - timedelta(seconds=1)  # times have whole seconds, so this makes the next change newer
    repositories = [read_history(Path(path), until=moment) for path in history]
    if synthetic:
        repositories.append(synthetic_repository(synthetic, seed=seed, until=moment))
    if not repositories:
        repositories = [read_history(path, until=moment) for path in (LIBUV, PROCRASTINATE)]
    github = GitHub(
        World(repositories, now=utc_now),
        accounts=Accounts(tokens),
        limits=limits or Limits(),
        faults=FaultScript(_rules(faults)),
    )
    github_schema()  # slow to build, so build it before the first request
    application = github_application(github, latency=latency_ms / 1_000)
    with socket.create_server((host, port), backlog=512) as listening:
        # Connections inherit this option; without it small answers take 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address, number = listening.getsockname()[:2]
        with _in_a_thread(serve(application, listening)) as loop:
            yield SimulatedGitHub(github, loop=loop, url=f"http://{address}:{number}")


@contextmanager
def _in_a_thread(main: Coroutine[Any, Any, None]) -> Iterator[asyncio.AbstractEventLoop]:
    """Run the coroutine on an event loop in its own thread, yield the loop, and cancel the coroutine at the end."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = Future()

    async def run() -> None:
        task = asyncio.ensure_future(main)
        started.set_result((asyncio.get_running_loop(), task))
        with suppress(asyncio.CancelledError):
            await task

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="github-simulator", daemon=True)
    thread.start()
    loop, task = started.result(_SECONDS)
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(_SECONDS)


def _rules(faults: Iterable[Mapping[str, Any] | FaultRule]) -> Iterator[FaultRule]:
    for fault in faults:
        yield from (fault,) if isinstance(fault, FaultRule) else fault_rules([fault])
