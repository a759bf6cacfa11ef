"""Know who uses the servers of a home, by flock(2): the kernel releases the locks of a process however it dies.

- `gate`: exclusive, while a command starts or joins the servers: one at a time
- `holders`: shared, by every command that uses them; exclusive, by the supervisor once nobody does
- `running.json`: exclusive, by the supervisor as long as it lives; holds the servers' addresses
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO


def try_lock(file: TextIO, operation: int) -> bool:
    """Lock `file` without waiting (`fcntl.LOCK_SH` or `LOCK_EX`), and return whether that succeeded."""
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class State:
    """The addresses of the servers that run on a home, as their supervisor published them."""

    def __init__(self, file: TextIO) -> None:
        """Read and write `file`, which is open."""
        self._file = file

    def read(self) -> dict[str, str]:
        """Return what was published; nothing where nothing is."""
        self._file.seek(0)
        text = self._file.read()
        content: dict[str, str] = json.loads(text) if text else {}
        return content

    def publish(self, content: Mapping[str, str]) -> None:
        """Publish `content` to whoever joins."""
        self.clear()
        self._file.write(json.dumps(dict(content)))
        self._file.flush()

    def clear(self) -> None:
        """Publish nothing any more."""
        self._file.seek(0)
        self._file.truncate()

    def supervised(self) -> bool:
        """Return whether a supervisor lives."""
        if try_lock(self._file, fcntl.LOCK_SH):
            fcntl.flock(self._file, fcntl.LOCK_UN)
            return False
        return True

    def claim(self) -> bool:
        """Become the one supervisor, and return whether that succeeded."""
        return try_lock(self._file, fcntl.LOCK_EX)


@contextlib.contextmanager
def opened_state(folder: Path) -> Iterator[State]:
    """Open the state of the servers in `folder`."""
    with (folder / "running.json").open("a+") as file:
        yield State(file)


@contextlib.contextmanager
def opened_holders(folder: Path) -> Iterator[TextIO]:
    """Open the file whose lock says who holds the servers in `folder`."""
    with (folder / "holders").open("a") as file:
        yield file


@contextlib.contextmanager
def gate(folder: Path) -> Iterator[None]:
    """Keep others from starting or joining the servers in `folder` meanwhile."""
    with (folder / "gate").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
