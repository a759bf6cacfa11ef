"""Telemetry never breaks its host: its own errors are counted and swallowed, or raised where tests ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_lock = threading.Lock()
_strict = False
_swallowed = 0
_passing: set[type[Exception]] = set()


def swallowed() -> int:
    """How many errors of telemetry's own this process has swallowed."""
    return _swallowed


def let_pass(error: type[Exception]) -> None:
    """An ``error`` that comes up inside telemetry is its host's, such as a time limit: it is raised."""
    _passing.add(error)


def problem(error: Exception) -> None:
    """``error`` is counted, or raised where errors are strict or it is not ours."""
    global _swallowed  # one count a process
    if _strict or isinstance(error, tuple(_passing)):
        raise error
    with _lock:
        _swallowed += 1


def pass_on(error: Exception) -> None:
    """Raise `error` again if it is the host's and only struck inside telemetry."""
    if isinstance(error, tuple(_passing)):
        raise error


def guarded(function: Callable[P, T]) -> Callable[P, T | None]:
    """Return `function` with its errors counted instead of raised; it then returns None."""

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> T | None:
        try:
            return function(*args, **options)
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
            problem(error)
        return None

    return call


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
