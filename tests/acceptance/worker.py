"""A real Celery worker with prefork children and beat, as a test's own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def worker(environment: dict[str, str], *, children: int = 2, app: str = "apps.config") -> Iterator[subprocess.Popen[bytes]]:
    """A worker runs inside, and has stopped afterwards; what it printed is in ``worker.out`` of its home."""
    home = Path(environment["SYNCTRACE_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    command = ["-m", "apps.console.tied", str(os.getpid())]  # it ends with these tests, whatever ends them
    command += ["-m", "celery", "-A", app, "worker", "-B", "-c", str(children), "-s", str(home / "beat")]
    command += ["--without-mingle", "--without-gossip"]  # there is nobody to look for
    with (home / "worker.out").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """The worker is dead, as by a machine's loss: with its children, and without a last word."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(fact: Callable[[], bool], *, seconds: float = 60) -> None:
    """``fact`` is true, or the test fails."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
