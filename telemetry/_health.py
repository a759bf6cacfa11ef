"""Telemetry never breaks its host: its own errors are counted and swallowed, or raised where tests ask for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_strict = False
_swallowed = 0


def swallowed() -> int:
    """How many errors of telemetry's own this process has swallowed."""
    return _swallowed


def problem(error: Exception) -> None:
    """``error`` is counted, or raised where errors are strict."""
    global _swallowed  # one count a process
    if _strict:
        raise error
    with _lock:
        _swallowed += 1


def is_strict() -> bool:
    """Whether telemetry's own errors are raised."""
    return _strict


@contextmanager
def strict() -> Iterator[None]:
    """Inside, telemetry's own errors are raised; the test kit uses it."""
    global _strict  # one setting a process
    before, _strict = _strict, True
    try:
        yield
    finally:
        _strict = before
