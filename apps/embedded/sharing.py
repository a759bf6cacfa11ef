"""Share one pair of servers among all commands of a home: the first starts them, the last to leave stops them."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from apps.embedded import folders, locks, server_programs
from apps.embedded.errors import OWN_SERVERS, EmbeddedServerError

_STOP_TIMEOUT_SEC = 15
_POLL_SEC = 0.01

_supervisors: dict[Path, subprocess.Popen[str]] = {}  # supervisors started by this process


@atexit.register
def _leave_supervisors_to_others() -> None:
    for supervisor in _supervisors.values():
        supervisor.returncode = 0  # or Popen would warn of one still running for the remaining commands


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The addresses of a running PostgreSQL and a running Valkey, for DATABASE_URL and CELERY_BROKER_URL."""

    database_url: str
    broker_url: str


@contextlib.contextmanager
def servers(*, home: Path, throwaway: bool = False) -> Iterator[Servers]:
    """Run PostgreSQL and Valkey in the block, shared with every other command on the same `home`.

    home: their private folder, created if missing. PostgreSQL's data stays in it (root's is linked from it to
    /var/lib/synctrace). throwaway: for tests, keep the data in a temporary folder, without fsync, and remove it when
    the servers stop.

    The last command to leave its block waits until they have stopped. A killed command releases its locks, and the
    servers stop by themselves a moment later, as after Ctrl-C, which does not wait. Raises `EmbeddedServerError`, whose
    text says what to do.
    """
    home = home.resolve()
    folder = _private_folder(home)
    owner, waits = os.getpid(), True
    with locks.opened_holders(folder) as holders:
        try:
            with locks.gate(folder):
                fcntl.flock(holders, fcntl.LOCK_SH)  # blocks only while servers are being stopped
                running = _join(folder) or _start(home, folder, throwaway=throwaway)
            yield running
        except KeyboardInterrupt:
            waits = False
            raise
        finally:
            if os.getpid() == owner:  # a forked child shares the lock but must not give it up
                _leave(folder, holders, waits=waits)


@contextlib.contextmanager
def running_servers(*, home: Path) -> Iterator[Servers | None]:
    """Use the servers of `home` in the block if they run, without starting any; yield None if they do not.

    They stay up during the block. Nothing is awaited: servers being started or stopped do not count as running.
    """
    folder = home.resolve() / folders.SERVERS
    with contextlib.ExitStack() as stack:
        try:
            state = stack.enter_context(locks.opened_state(folder))
            holders = stack.enter_context(locks.opened_holders(folder))
        except OSError:  # none has ever run here, or they belong to another account
            yield None
            return
        content = state.read() if locks.try_lock(holders, fcntl.LOCK_SH) else {}
        yield _addresses(content) if content else None


def _addresses(content: Mapping[str, str]) -> Servers:
    return Servers(database_url=content["database_url"], broker_url=content["broker_url"])


def _private_folder(home: Path) -> Path:
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder = folders.private(home / folders.SERVERS)
        (folder / "gate").touch()
    except OSError as error:
        raise EmbeddedServerError(
            f"The folder {home} cannot be written ({error.strerror}): set SYNCTRACE_HOME to a folder of your own, "
            f"or {OWN_SERVERS}."
        ) from error
    return folder


def _join(folder: Path) -> Servers | None:
    with locks.opened_state(folder) as state:
        while state.supervised():
            if content := state.read():
                return _addresses(content)
            time.sleep(_POLL_SEC)  # it is stopping
    return None


def _start(home: Path, folder: Path, *, throwaway: bool) -> Servers:
    if ended := _supervisors.pop(folder, None):
        ended.wait()
    log = folder / "supervisor.log"
    command = [sys.executable, "-S", "-m", "apps.embedded.supervisor", str(home)]  # -S: no start-up hooks of others
    with log.open("a") as errors:
        # Not a `Program`, which would end with us: it serves every command of the home, whichever started it.
        supervisor = subprocess.Popen(  # noqa: S603 - this very Python
            [*command, "--throwaway"] if throwaway else command,
            cwd=folders.CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**server_programs.environment(), "TMPDIR": tempfile.gettempdir(), "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
        )
    _supervisors[folder] = supervisor
    try:
        with supervisor.stdout as output:  # type: ignore[union-attr]  # it is a pipe, as asked for
            line = output.readline()
    except BaseException:  # Ctrl-C
        supervisor.terminate()
        supervisor.wait()
        raise
    if not line:
        raise EmbeddedServerError(
            f"The embedded servers could not start; {log} says why:\n{log.read_text(errors='replace')[-2000:]}"
        )
    answer: dict[str, str] = json.loads(line)
    if "error" in answer:
        raise EmbeddedServerError(answer["error"])
    return Servers(**answer)


def _leave(folder: Path, holders: TextIO, *, waits: bool) -> None:
    """Let go of the servers and, if we were the last to hold them, wait until they have stopped unless told not to."""
    last = waits and locks.try_lock(holders, fcntl.LOCK_EX)
    fcntl.flock(holders, fcntl.LOCK_UN)
    deadline = time.monotonic() + _STOP_TIMEOUT_SEC
    with locks.opened_state(folder) as state:
        while last and state.supervised():
            if _joined_by_others(holders) or time.monotonic() > deadline:
                return
            time.sleep(_POLL_SEC)
    if last and (supervisor := _supervisors.pop(folder, None)):
        supervisor.wait()


def _joined_by_others(holders: TextIO) -> bool:
    """Return whether a command holds the servers again: its lock is shared; a stopping supervisor's is exclusive."""
    joined = not locks.try_lock(holders, fcntl.LOCK_EX) and locks.try_lock(holders, fcntl.LOCK_SH)
    fcntl.flock(holders, fcntl.LOCK_UN)
    return joined
