"""Commands that use the embedded servers: processes that a test can stop, kill and look at."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import psycopg

from apps.embedded import Servers

CHECKOUT = Path(__file__).parents[2]
_HOLD = """
import sys
from pathlib import Path
from apps.embedded import servers
with servers(home=Path(sys.argv[1]), throwaway=bool(sys.argv[2:])) as running:
    print(running.database_url, running.broker_url, flush=True)
    sys.stdin.read()
"""


class Holder:
    """A process that holds the servers of a home until its input ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def servers(self) -> Servers:
        """Wait until the servers run, and return their addresses."""
        assert self.process.stdout is not None
        database_url, broker_url = self.process.stdout.readline().split()
        return Servers(database_url=database_url, broker_url=broker_url)

    def leave(self) -> None:
        """End the process in good order."""
        self.process.communicate("", timeout=20)
        assert self.process.returncode == 0

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def holding(
    home: Path,
    *,
    throwaway: bool = True,
    python: str = sys.executable,
    user: int | None = None,
    checkout: Path = CHECKOUT,
    packages: Sequence[str | Path] = sys.path,
) -> Iterator[Holder]:
    """Start a holder of the servers of `home`, and kill it at the end if it still runs.

    Another `user` may need a `python`, a `checkout` and `packages` that it can reach.
    """
    process = subprocess.Popen(
        [python, "-c", _HOLD, str(home), *(["throwaway"] if throwaway else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(folder) for folder in packages if folder)},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    with process:
        try:
            yield Holder(process)
        finally:
            process.kill()


def processes_of(home: Path) -> list[psutil.Process]:
    """Return the supervisor of `home` and all that it started."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if {"apps.embedded.supervisor", str(home)} <= set(process.info["cmdline"] or ()):
            with contextlib.suppress(psutil.NoSuchProcess):
                found += [process, *process.children(recursive=True)]
    return found


def eventually(condition: Callable[[], bool], *, timeout: float = 15) -> bool:
    """Return whether `condition()` comes true within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def ended(processes: list[psutil.Process]) -> bool:
    """Return whether none of `processes` runs any more."""
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def answer(database_url: str, query: str = "SELECT 1") -> object:
    """Return the first value of the first row; None from a statement that returns no rows."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
    return row and row[0]
