"""Processes that a command starts for itself and that end with it: a worker, a simulated GitHub."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from celery import current_app
from django.conf import settings

_CHECKOUT = Path(__file__).resolve().parents[2]
_STOP_SECONDS = 15.0
_MOST_OUTPUT = 16 * 1024 * 1024  # bytes; the lines are in logs.jsonl too


class OwnWorker:
    """A worker that this command has started: there is no other, and no beat but the command itself.

    A beat inside the worker would outlive it, and would not be missed when it died.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._sweep_at = time.monotonic()

    def tend(self) -> None:
        """The sweep was sent as often as it is due; TimeoutError when the worker has died."""
        if self._process.poll() is not None:
            raise TimeoutError("The worker has died: worker.out under SYNCTRACE_HOME says why. Run the command again.")
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + settings.SYNC_SWEEP_SECONDS
            entry: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE["sweep"]
            current_app.send_task(entry["task"], **entry["options"])


@contextlib.contextmanager
def own_worker(*, children: int = 2) -> Iterator[OwnWorker]:
    """A prefork worker runs inside; what it prints goes to ``worker.out`` under SYNCTRACE_HOME."""
    home: Path = settings.SYNCTRACE_HOME
    arguments = ["-m", "celery", "-A", "apps.config", "worker", "-c", str(children)]
    with _appended(home / "worker.out") as out, _running(arguments, stdout=out) as process:
        yield OwnWorker(process)


def _appended(path: Path) -> BinaryIO:
    """``path``, for us and our group alone, to be written at its end; begun anew when it has grown large."""
    begun_anew = os.O_TRUNC if path.exists() and path.stat().st_size > _MOST_OUTPUT else 0
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | begun_anew
    return os.fdopen(os.open(path, flags, 0o640), "ab")


@contextlib.contextmanager
def own_simulator(arguments: Sequence[str]) -> Iterator[str]:
    """A simulated GitHub runs inside; its address."""
    command = ["manage.py", "github_simulator", "--port", "0", *arguments]
    with _running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None, "it was asked for"  # noqa: S101  # for the type checker
        for line in process.stdout:
            words = line.decode().split()
            if b"listening on" in line:
                yield words[words.index("on") + 1]
                return
        raise RuntimeError("The simulated GitHub did not start.")


@contextlib.contextmanager
def _running(arguments: Sequence[str], *, stdout: object) -> Iterator[subprocess.Popen[bytes]]:
    """The program runs inside, in a process group of its own: a Ctrl-C at the terminal is ours to pass on."""
    before = signal.signal(signal.SIGTERM, _leave)
    process = subprocess.Popen(  # noqa: S603  # our own programs
        [sys.executable, "-m", "apps.console.tied", str(os.getpid()), *arguments],
        stdout=stdout,  # type: ignore[call-overload]  # a file or PIPE
        stderr=subprocess.STDOUT,
        cwd=_CHECKOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _frame: object) -> None:
    """SIGTERM unwinds the stack like Ctrl-C, so that whatever we started ends in good order."""
    sys.exit(128 + number)
