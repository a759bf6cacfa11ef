"""Start a simulated GitHub for one command, and end it with the command; this needs no Django."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from apps.processes import Program, exit_on

_CHECKOUT = Path(__file__).resolve().parents[2]
_LISTENING = "listening on "


@contextlib.contextmanager
def local_simulator(arguments: Sequence[str], *, home: Path) -> Iterator[str]:
    """Run a simulated GitHub in the block and yield its address; its output goes to `simulator.out` in `home`."""
    log = home / "simulator.out"
    log.unlink(missing_ok=True)  # an earlier one's output names another address
    command = [sys.executable, "manage.py", "github_simulator", "--port", "0", *arguments]

    def ready() -> str | None:
        return None if _address(log) else "it does not listen yet"

    with exit_on(signal.SIGTERM), Program(command, name="simulator", log=log, folder=_CHECKOUT, ready=ready):
        yield _address(log)


def _address(log: Path) -> str:
    """Return the address that the simulator has printed, or nothing yet."""
    lines = log.read_text(errors="replace").splitlines(keepends=True) if log.exists() else []
    said = next((line for line in lines if _LISTENING in line and line.endswith("\n")), "")
    return said.partition(_LISTENING)[2].split()[0] if said else ""
