"""Run the wheels' own programs: short ones to their end, servers until they are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from apps.embedded.errors import EmbeddedServerError
from apps.processes import Account, NotReadyError, Program, Ready


def run(arguments: Sequence[str | Path], *, account: Account | None, stdin: str = "") -> str:
    """Run a short program to its end and return its output; if it fails, raise `EmbeddedServerError` quoting it."""
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
        name = Path(arguments[0]).name
        failure = f"{name} failed with exit code {result.returncode}. It printed:\n{result.stdout.strip()}"
        raise EmbeddedServerError(explain(name, failure))
    return result.stdout


def server(
    arguments: Sequence[str | Path],
    *,
    log: Path,
    ready: Ready,
    ready_seconds: float,
    stop_signal: signal.Signals,
    account: Account | None = None,
) -> Program:
    """Return a server's program, to be launched and then awaited."""
    return Program(
        arguments,
        log=log,
        environment=environment(),
        folder=Path("/"),
        account=account,
        ready=ready,
        ready_seconds=ready_seconds,
        stop_signal=stop_signal,
        stop_seconds=10,
    )


def wait_until_ready(program: Program) -> None:
    """Wait until a launched server answers; raise `EmbeddedServerError` with the reason if it does not."""
    try:
        program.wait_until_ready()
    except NotReadyError as error:
        raise EmbeddedServerError(explain(program.name, str(error))) from error


def explain(program: str, failure: str) -> str:
    """Return what to do about a program's failure if the cause is known, else the failure itself."""
    if "No space left on device" in failure:
        return f"The disk is full, so {program} could not start: free some space and run the command again."
    return failure


def environment() -> Mapping[str, str]:
    """Return a server's environment, without the user's, whose PG* and LD_* variables would change its behaviour."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
