"""Keep a page of JSON in a file that several processes change in turn; a kill or a full disk leaves it whole."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SIZE = 4096  # one page of memory: a `write(2)` of it happens whole or not at all, even on a kill


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file at `path` inside the block; without `wait`, yield False if another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


def read(path: Path) -> dict[str, Any]:
    """Return what the page holds; nothing if it is missing or cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace what the page holds in place, which works even on a full disk once the page exists."""
    text = json.dumps(content, separators=(",", ":")).encode()
    page = os.open(path, os.O_WRONLY | os.O_CREAT, 0o640)
    try:
        os.pwrite(page, text.ljust(_SIZE - 1) + b"\n", 0)
    finally:
        os.close(page)
