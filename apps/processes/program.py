"""A program that runs while it is needed, and ends with its block or, whatever happens, with its parent."""

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
"""Return why a program is not ready yet, or None once it is."""

_LAUNCHER = Path(__file__).with_name("launcher.py")
_HURRY_SECONDS = 1.0
_POLL_SECONDS = 0.02
_TAIL_BYTES = 2_000


class NotReadyError(RuntimeError):
    """A program ended, or took too long, before it was ready; the message quotes the end of its output."""


class Program:
    """A program that can be started again and again, and runs at most once at a time.

    It runs in a process group of its own, so that we decide what a Ctrl-C at the terminal does to it. It is sent
    `stop_signal` when it is stopped and, on Linux, when the thread that launched it ends, even by SIGKILL. If it then
    takes longer than `stop_seconds` to end, it is killed with its whole group. After Ctrl-C we wait a second for it,
    and after another one not at all.
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
        piped: bool = False,
    ) -> None:
        """Prepare the program, without starting it.

        command: its words, of which the first is a path.
        log: where its output is appended; once over `most_log_bytes`, the file is started afresh.
        environment: all its environment variables, by default those of this process.
        folder: its working directory, by default that of this process.
        piped: `stdin` and `stdout` are pipes, and only standard error goes to the log.
        """
        self.command = [str(word) for word in command]
        self.name = name or Path(self.command[0]).name
        self.log = log
        self.environment: Mapping[str, str] = os.environ if environment is None else environment
        self._folder = folder
        self._account = account
        self._ready, self._ready_seconds = ready, ready_seconds
        self._stop_signal, self._stop_seconds = stop_signal, stop_seconds
        self._most_log_bytes = most_log_bytes
        self._log_begins = 0
        self._piped = piped
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = True

    @property
    def pid(self) -> int:
        """The id of its process and process group; an error before it is launched."""
        return self._launched().pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, or minus the signal that killed it; None while it runs."""
        return self._launched().poll()

    @property
    def stdin(self) -> IO[bytes]:
        """Its input, if it is piped."""
        return _pipe(self._launched().stdin)

    @property
    def stdout(self) -> IO[bytes]:
        """Its output, if it is piped."""
        return _pipe(self._launched().stdout)

    def start(self) -> None:
        """Start it and wait until it is ready; if it ends or takes too long, kill it and raise `NotReadyError`."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it without waiting, so that others can be launched alongside first."""
        account = ("-", "-") if self._account is None else (str(self._account.uid), str(self._account.gid))
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(self._stop_signal)), *account]
        with self._opened_log() as log:
            self._process = subprocess.Popen(  # noqa: S603  # a program of ours
                [*launcher, *self.command],
                stdin=subprocess.PIPE if self._piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._piped else log,
                stderr=log,
                env=self.environment,
                cwd=self._folder,
                start_new_session=True,
            )
        self._is_over = False

    def wait_until_ready(self) -> None:
        """Wait for a launched program, like `start`."""
        deadline = time.monotonic() + self._ready_seconds
        try:
            while self._ready is not None and (trouble := self._ready()) is not None:
                if self.returncode is not None:
                    raise NotReadyError(f"{self.name} {_how_it_ended(self.returncode)}. {self._last_words()}")
                if time.monotonic() > deadline:
                    waited = f"{self.name} was not ready after {self._ready_seconds:g} s ({trouble}); see {self.log}"
                    raise NotReadyError(f"{waited}. {self._last_words()}")
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.kill()
            raise

    def wait(self, seconds: float) -> int | None:
        """Wait up to `seconds` for it to end by itself, and return its `returncode`."""
        with suppress(subprocess.TimeoutExpired):
            self._launched().wait(seconds)
        return self.returncode

    def stop(self, *, within: float | None = None) -> None:
        """Stop it in good order, or kill it after `within` seconds; do nothing if it is not running."""
        if self._process is not None and not self._is_over:
            self._process.send_signal(self._stop_signal)
            try:
                self.wait(self._stop_seconds if within is None else within)
            except KeyboardInterrupt:
                self.kill()
                raise
            self.kill()

    def kill(self) -> None:
        """Kill it and all that it started, as losing the machine would; do nothing if it is not running."""
        if self._process is not None and not self._is_over:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):  # what was still to be written to it
                        pipe.close()
            self._is_over = True

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is running."""
        self._launched().send_signal(number)

    def tail(self) -> str:
        """Return the end of its output in the log since it was last launched."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(self._log_begins, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
                return log.read().decode(errors="replace").strip()
        except OSError:
            return ""

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        """Stop it."""
        self.stop(within=_HURRY_SECONDS if isinstance(error, KeyboardInterrupt) else None)

    def _launched(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not launched")
        return self._process

    def _opened_log(self) -> IO[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        size = self.log.stat().st_size if self.log.exists() else 0
        self._log_begins = size if size <= self._most_log_bytes else 0
        anew = os.O_TRUNC if self._log_begins < size else 0
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | anew
        return os.fdopen(os.open(self.log, flags, 0o640), "ab")

    def _last_words(self) -> str:
        printed = self.tail()
        return f"It printed last:\n{printed}" if printed else "It printed nothing."


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {next((number.name for number in signal.Signals if number == -code), f'signal {-code}')}"


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("only a piped program has it")
    return pipe
