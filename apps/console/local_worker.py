"""Start a worker for one command, tend it, and end it with the command."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from apps.integrations.tasks import sweep
from apps.processes import Program, exit_on

_CHECKOUT = Path(__file__).resolve().parents[2]


class LocalWorker:
    """A worker that this command has started, the only one there is; the command itself acts as beat.

    A beat inside the worker would outlive it, and nobody would notice when it died.
    """

    def __init__(self, program: Program) -> None:
        """Tend `program`, which runs."""
        self._program = program
        self._sweep_at = time.monotonic()

    def tend(self) -> None:
        """Send the sweep as often as it is due; raise TimeoutError if the worker has died."""
        if self._program.returncode is not None:
            raise TimeoutError(f"The worker has died: {self._program.log} says why. Run the command again.")
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + settings.SYNC_SWEEP_SECONDS
            sweep.apply_async(**settings.CELERY_BEAT_SCHEDULE["sweep"]["options"])


@contextlib.contextmanager
def local_worker(*, home: Path, children: int = 2) -> Iterator[LocalWorker]:
    """Run a prefork worker in the block; its output goes to `worker.out` in `home`.

    After Ctrl-C it is killed soon: its work is cancelled, as its rows say.
    """
    command = [sys.executable, "-m", "celery", "-A", "apps.config", "worker", "-c", str(children)]
    program = Program(command, name="worker", log=home / "worker.out", folder=_CHECKOUT)
    with exit_on(signal.SIGTERM), program:
        yield LocalWorker(program)
