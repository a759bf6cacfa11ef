"""A real Celery worker with prefork children and beat, as a test's own program."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from apps.processes import Program


def worker(environment: Mapping[str, str], *, children: int = 2, app: str = "apps.config") -> Program:
    """Return a worker to run inside a block, which takes tasks there; what it prints is in `worker.out` of its home."""
    home = Path(environment["SYNCTRACE_HOME"])
    log = home / "worker.out"
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "-B", "-c", str(children), "-s", str(home / "beat")]
    command += ["--without-mingle", "--without-gossip"]  # there is nobody to look for

    def ready() -> str | None:
        return None if b"sync.worker.started" in log.read_bytes() else "it does not take tasks yet"

    return Program(command, name="worker", log=log, environment=environment, ready=ready, ready_seconds=60)


def wait_until(fact: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for `fact` to be true, or fail the test."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
