"""Track who uses a home's servers with flock(2): the kernel releases a process's locks however it dies.

- `gate`: exclusive, held while a command starts or joins the servers, one at a time
- `holders`: shared, held by every command that uses them; exclusive, held by the supervisor once none does
- `running.json`: exclusive, held by the supervisor while it lives; contains the servers' addresses
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
    """The addresses of a home's running servers, as published by their supervisor."""

    def __init__(self, file: TextIO) -> None:
        """Read and write `file`, which is open."""
        self._file = file

    def read(self) -> dict[str, str]:
        """Return what was published, or nothing."""
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
        """Withdraw what was published."""
        self._file.seek(0)
        self._file.truncate()

    def supervised(self) -> bool:
        """Return whether a supervisor lives."""
        if try_lock(self._file, fcntl.LOCK_SH):
            fcntl.flock(self._file, fcntl.LOCK_UN)
            return False
        return True

    def claim(self) -> bool:
        """Become the only supervisor, and return whether that succeeded."""
        return try_lock(self._file, fcntl.LOCK_EX)


@contextlib.contextmanager
def opened_state(folder: Path) -> Iterator[State]:
    """Open the state of the servers in `folder`."""
    with (folder / "running.json").open("a+") as file:
        yield State(file)


@contextlib.contextmanager
def opened_holders(folder: Path) -> Iterator[TextIO]:
    """Open the file whose lock shows who holds the servers in `folder`."""
    with (folder / "holders").open("a") as file:
        yield file


@contextlib.contextmanager
def gate(folder: Path) -> Iterator[None]:
    """Keep others from starting or joining the servers in `folder` during the block."""
    with (folder / "gate").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
