"""Files of whole lines that many processes append to, and that the first of them to see one full rotates."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

_KEPT = 5
_LOOK_SECONDS = 0.05  # checking the path costs twice as much as writing a line
_NO_FILE = -1  # as a descriptor; 0 is a valid one where standard input is closed


def is_writable(path: Path) -> bool:
    """Return whether this process may write a file there, as far as can be told without writing it."""
    if path.exists():
        return os.access(path, os.W_OK)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    return folder.is_dir() and os.access(folder, os.W_OK)


class LineFile:
    """Append whole lines with one `write(2)` each, so that a SIGKILL loses none and no two mix.

    At `rotate_bytes` the file becomes `name.1`, `name.1` becomes `name.2`, …: five are kept. The process that holds
    the lock file renames; the others see another inode at the path a moment later and open that, so what they write until
    then is in `name.1`. The folder is made on first use.
    """

    def __init__(self, path: Path, rotate_bytes: int) -> None:
        self._path, self._rotate_bytes = path, rotate_bytes
        self._look_after = rotate_bytes // 64
        self._unlooked = 0
        self._looked_at = 0.0
        self._fd = _NO_FILE
        self._inode: int
        self._is_torn = False
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._after_fork)

    def write(self, lines: bytes) -> None:
        """Append `lines`, which end with a newline."""
        with self._lock:
            if (
                self._unlooked > self._look_after
                or self._fd == _NO_FILE
                or time.monotonic() - self._looked_at > _LOOK_SECONDS
            ):
                self._follow()
                self._unlooked, self._looked_at = 0, time.monotonic()
            self._unlooked += len(lines)
            if self._is_torn:
                lines = b"\n" + lines  # a truncated line stays on its own
            written = os.write(self._fd, lines)
            self._is_torn = True
            while written < len(lines):  # a full disk or a signal cut the write short
                written += os.write(self._fd, lines[written:])
            self._is_torn = False

    def close(self) -> None:
        """Close the file; the next write opens it."""
        with self._lock:
            if self._fd != _NO_FILE:
                os.close(self._fd)
            self._fd = _NO_FILE

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def _follow(self) -> None:
        """Open the file at the path, rotating it first if it is full."""
        if self._fd != _NO_FILE:
            try:
                at_path = self._path.stat()
            except FileNotFoundError:
                at_path = None
            if at_path is not None and at_path.st_ino == self._inode:
                if not self._rotate_bytes or at_path.st_size < self._rotate_bytes:
                    return
                self._rotate()
            os.close(self._fd)
            self._fd = _NO_FILE
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        self._inode = os.fstat(self._fd).st_ino

    def _rotate(self) -> None:
        """Rotate the full file, unless another process was faster."""
        lock = os.open(f"{self._path}.lock", os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                at_path = self._path.stat()
            except FileNotFoundError:
                return
            if at_path.st_ino != self._inode:
                return
            for number in range(_KEPT - 1, 0, -1):
                older = Path(f"{self._path}.{number}")
                if older.exists():
                    older.rename(f"{self._path}.{number + 1}")
            self._path.rename(f"{self._path}.1")
        finally:
            os.close(lock)
