"""A program that runs while it is wanted, and ends with its block or, whatever happens, with the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from apps.processes.account import Account

Ready = Callable[[], str | None]
"""Says why a program is not ready yet, or None when it is."""

_LAUNCHER = Path(__file__).with_name("tied.py")
_POLL_SECONDS = 0.02
_TAIL_BYTES = 2_000


class NotReadyError(RuntimeError):
    """A program ended, or took too long, before it was ready; the message holds the end of what it printed."""


class Program:
    """A program, started again as often as it is wanted, at most one at a time.

    `command[0]` is a path. What it prints is appended to `log`, which is begun anew when it has grown past `most_log_bytes`.
    It runs in a process group of its own, since a Ctrl-C at the terminal is ours to pass on. It is sent `stop_signal` when
    it is stopped and when this process dies (on Linux), and is killed with all of its group when it then takes longer than
    `stop_seconds`. `environment` is all that it gets; this process's own unless given. `folder` is where it works.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        name: str | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        account: Account | None = None,
        ready: Ready | None = None,
        ready_seconds: float = 30.0,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_seconds: float = 20.0,
        most_log_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self.command = [str(word) for word in command]
        self.name = name or Path(self.command[0]).name
        self.log = log
        self.environment: Mapping[str, str] = os.environ if environment is None else environment
        self._folder = folder
        self._account = account
        self._ready, self._ready_seconds = ready, ready_seconds
        self._stop_signal, self._stop_seconds = stop_signal, stop_seconds
        self._most_log_bytes = most_log_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = True

    @property
    def pid(self) -> int:
        """The process's id, which is its group's, too; an error before it was started."""
        return self._started().pid

    @property
    def returncode(self) -> int | None:
        """How it ended, as `subprocess` has it; None while it runs."""
        return self._started().poll()

    def start(self) -> None:
        """Run it until it is ready; `NotReadyError` when it ends first or takes too long, and then nothing of it runs."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Run it, without waiting: others may be launched beside it first."""
        account = ("-", "-") if self._account is None else (str(self._account.uid), str(self._account.gid))
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(self._stop_signal)), *account]
        with self._opened_log() as output:
            self._process = subprocess.Popen(  # noqa: S603  # a program of ours
                [*launcher, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self._folder,
                start_new_session=True,
            )
        self._is_over = False

    def wait_until_ready(self) -> None:
        """Wait for what was launched, as `start` does."""
        deadline = time.monotonic() + self._ready_seconds
        try:
            while self._ready is not None and (trouble := self._ready()) is not None:
                if self.returncode is not None:
                    raise NotReadyError(f"{self.name} ended with exit code {self.returncode}. It printed:\n{self.tail()}")
                if time.monotonic() > deadline:
                    raise NotReadyError(
                        f"{self.name} was not ready after {self._ready_seconds:g} s ({trouble}); see {self.log}. "
                        f"It printed last:\n{self.tail()}"
                    )
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it in good order, or kill it when that takes too long; nothing happens where it does not run."""
        if self._process is not None and not self._is_over:
            self._process.send_signal(self._stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_seconds)
            self.kill()

    def kill(self) -> None:
        """Kill it and all that it started, as by a machine's loss: nothing is said or saved."""
        if self._process is not None and not self._is_over:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._is_over = True

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        self._started().send_signal(number)

    def tail(self) -> str:
        """Return the end of what it printed."""
        try:
            return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
        except OSError:
            return ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.stop()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def _opened_log(self) -> IO[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        begun_anew = os.O_TRUNC if self.log.exists() and self.log.stat().st_size > self._most_log_bytes else 0
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | begun_anew
        return os.fdopen(os.open(self.log, flags, 0o640), "ab")
