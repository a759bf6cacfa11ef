"""Programs that a command starts for itself, and that end with it: a worker, a simulated GitHub."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings

from apps.processes import Program, exit_on

_CHECKOUT = Path(__file__).resolve().parents[2]
_LISTENING = "listening on "


class LocalWorker:
    """A worker that this command has started. There is no other, and no beat but the command itself.

    A beat inside the worker would outlive it, and nobody would notice when it died.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._sweep_at = time.monotonic()

    def tend(self) -> None:
        """Send the sweep as often as it is due; TimeoutError when the worker has died."""
        if self._program.returncode is not None:
            raise TimeoutError(f"The worker has died: {self._program.log} says why. Run the command again.")
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + settings.SYNC_SWEEP_SECONDS
            entry: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE["sweep"]
            current_app.send_task(entry["task"], **entry["options"])


@contextlib.contextmanager
def local_worker(*, home: Path, children: int = 2) -> Iterator[LocalWorker]:
    """Run a prefork worker inside; what it prints goes to `worker.out` in `home`."""
    command = [sys.executable, "-m", "celery", "-A", "apps.config", "worker", "-c", str(children)]
    program = Program(command, name="worker", log=home / "worker.out", folder=_CHECKOUT)
    with exit_on(signal.SIGTERM), program:
        yield LocalWorker(program)


@contextlib.contextmanager
def local_simulator(arguments: Sequence[str], *, home: Path) -> Iterator[str]:
    """Run a simulated GitHub inside, and yield its address; what it prints goes to `simulator.out` in `home`."""
    log = home / "simulator.out"
    log.unlink(missing_ok=True)  # what an earlier one printed names another address
    command = [sys.executable, "manage.py", "github_simulator", "--port", "0", *arguments]

    def ready() -> str | None:
        return None if _address(log) else "it does not listen yet"

    with exit_on(signal.SIGTERM), Program(command, name="simulator", log=log, folder=_CHECKOUT, ready=ready):
        yield _address(log)


def _address(log: Path) -> str:
    """Return the address that the simulator says it listens on; nothing before it does."""
    lines = log.read_text(errors="replace").splitlines(keepends=True) if log.exists() else []
    said = next((line for line in lines if _LISTENING in line and line.endswith("\n")), "")
    return said.partition(_LISTENING)[2].split()[0] if said else ""
