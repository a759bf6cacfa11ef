"""Start the console for one command, and end it with the command."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from apps.processes import Program, exit_on

_CHECKOUT = Path(__file__).resolve().parents[2]
_HOST = "127.0.0.1"


@contextlib.contextmanager
def local_web(*, home: Path) -> Iterator[str]:
    """Run the console in the block, and yield its address; what it prints goes to `web.out` in `home`."""
    with socket.socket() as free:
        free.bind((_HOST, 0))
        port = free.getsockname()[1]
    url = f"http://{_HOST}:{port}"
    command = [sys.executable, "-m", "uvicorn", "apps.config.asgi:application", "--host", _HOST, "--port", str(port)]
    options = ["--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "1"]

    def ready() -> str | None:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=1):  # noqa: S310  # our own address
                return None
        except OSError:
            return "it does not answer yet"

    program = Program([*command, *options], name="web", log=home / "web.out", folder=_CHECKOUT, ready=ready)
    with exit_on(signal.SIGTERM), program:
        yield url
