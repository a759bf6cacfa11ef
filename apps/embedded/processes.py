"""Starting and stopping one server's process so that it cannot outlive whoever started it."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.embedded.errors import EmbeddedServerError

_PR_SET_PDEATHSIG = 1
_POLL_SEC = 0.01
_LOG_TAIL_BYTES = 2_000


@dataclass(frozen=True, kw_only=True)
class Account:
    """The system account that a server runs under."""

    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """`path` belongs to this account, and to nobody else."""
        os.chown(path, self.uid, self.gid)
        path.chmod(0o700)


def unprivileged_account() -> Account | None:
    """The account for servers that refuse to run as root; None for an ordinary user, who needs no other."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def run(arguments: Sequence[str | Path], *, account: Account | None, stdin: str = "") -> str:
    """What a short program said on both its outputs; `EmbeddedServerError` with it when the program failed."""
    result = subprocess.run(  # noqa: S603 - the program is our own wheel's
        [str(argument) for argument in arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environment(),
        cwd="/",
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if result.returncode:
        raise EmbeddedServerError(explain(Path(arguments[0]).name, result.stdout))
    return result.stdout


def start(
    arguments: Sequence[str | Path], *, account: Account | None, log: Path, stop_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """A running server that writes to `log` and is sent `stop_signal` if this process dies (on Linux)."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the program is our own wheel's
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(),
            cwd="/",
            start_new_session=True,  # Ctrl-C at a terminal is for the command, which stops us in good order
            preexec_fn=_die_with_parent(stop_signal),  # safe: the supervisor has one thread
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def wait_until(ready: Callable[[], bool], *, server: subprocess.Popen[bytes], log: Path, timeout: float) -> None:
    """`ready()` is true; `EmbeddedServerError` with the log's end if the server ended or `timeout` seconds passed."""
    deadline = time.monotonic() + timeout
    while not ready():
        name = Path(str(server.args[0]) if isinstance(server.args, list) else str(server.args)).name
        if server.poll() is not None:
            raise EmbeddedServerError(explain(name, log_tail(log)))
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"{name} did not answer in {timeout:.0f} s; see {log}.")
        time.sleep(_POLL_SEC)


def stop(server: subprocess.Popen[bytes], *, stop_signal: signal.Signals, timeout: float = 10) -> None:
    """The server has ended: by its own orderly shutdown, or killed when that took over `timeout` seconds."""
    if server.poll() is not None:
        return
    server.send_signal(stop_signal)
    try:
        server.wait(timeout)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def explain(program: str, output: str) -> str:
    """One message from a failed program's output, with the usual causes put first."""
    if "No space left on device" in output:
        return f"The disk is full, so {program} could not start: free some space and run the command again."
    return f"{program} could not start. It said:\n{output.strip()}"


def log_tail(log: Path) -> str:
    """The last lines of a server's log."""
    return log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")


def environment() -> Mapping[str, str]:
    """The environment of a server: nothing of the user's (PG* and LD_* variables would change what it does)."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Ask the kernel for `stop_signal` when the parent dies: prctl(2), which must follow the change of account."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return in_child
