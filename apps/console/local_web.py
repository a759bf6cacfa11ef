"""Start the console for one command, and end it with the command."""

from __future__ import annotations

import contextlib
import os
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
def local_web(*, home: Path, api_url: str, application: str = "apps.config.asgi:application") -> Iterator[str]:
    """Run the console in the block and yield its address; its files, and its output in `web.out`, are in `home`.

    People there connect to the GitHub at `api_url`.
    """
    with socket.socket() as free:
        free.bind((_HOST, 0))
        port = free.getsockname()[1]
    url = f"http://{_HOST}:{port}"
    command = [sys.executable, "-m", "uvicorn", application, "--host", _HOST, "--port", str(port)]
    options = ["--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "1"]

    def ready() -> str | None:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=1):  # noqa: S310  # our own address
                return None
        except OSError:
            return "it does not answer yet"

    own = {"SYNCTRACE_HOME": str(home), "SYNCTRACE_API_URLS": api_url, "SYNCTRACE_DEMO_API_URL": api_url}
    environment, log = {**os.environ, **own}, home / "web.out"
    program = Program([*command, *options], name="web", log=log, folder=_CHECKOUT, environment=environment, ready=ready)
    with exit_on(signal.SIGTERM), program:
        yield url
