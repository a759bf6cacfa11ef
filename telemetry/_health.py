"""Telemetry never breaks its host: its own errors are swallowed, counted and reported, or raised for tests."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import ParamSpec, TypeVar

from telemetry.redaction import redact

P = ParamSpec("P")
T = TypeVar("T")

_SAY_AGAIN_SECONDS = 60.0
_MOST_KINDS = 64
_KIND_LENGTH = 100
_LOOKED_AT, _SAID = 4096, 1024  # characters of an error on stderr; what is cut off is redacted first

Reporter = Callable[[Exception, int], bool]
"""Reports an error and how many have been swallowed so far; returns whether there was anywhere to report it."""


class _Health:
    """This process's."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.strict = False
        self.swallowed = 0
        self.passing: tuple[type[Exception], ...] = ()
        self.reporter: Reporter | None = None
        self.said_at: dict[str, float] = {}
        self.reporting = threading.local()

    def after_fork(self) -> None:
        """Replace a lock that another thread of the parent may have held."""
        self.lock = threading.Lock()


_health = _Health()
os.register_at_fork(after_in_child=_health.after_fork)


def swallowed() -> int:
    """Return how many of telemetry's own errors this process has swallowed."""
    return _health.swallowed


def let_pass(error: type[Exception]) -> None:
    """Let every error of the class `error` pass through telemetry: it belongs to the host, such as a time limit."""
    _health.passing = (*_health.passing, error)


def report_to(reporter: Reporter) -> None:
    """Let `reporter` report what is swallowed."""
    _health.reporter = reporter


def problem(error: Exception, *, about: str = "") -> None:
    """Swallow `error`, count it and report it, at most once a minute for each kind; raise it where errors are strict.

    `about` separates kinds that share an error, such as a line that a full disk keeps out of its file.
    """
    if _health.strict or issubclass(type(error), _health.passing):
        raise error
    if getattr(_health.reporting, "active", False):
        _say_on_stderr(error)  # it was caused by reporting another one
        return
    kind = f"{about}{_class_of(error)}: {_text_of(error)[:_KIND_LENGTH]}"  # others' code, so not under the lock
    with _health.lock:
        _health.swallowed += 1
        count, is_due = _health.swallowed, _is_due(kind)
    if is_due:
        _report(error, count)


def aside(error: Exception) -> None:
    """Swallow `error` like `problem`, on a thread of ours where nobody would see it raised."""
    with suppress(Exception):  # errors are strict; the thread goes on all the same
        problem(error)


def pass_on(error: Exception) -> None:
    """Raise `error` again if it belongs to the host and only struck inside telemetry."""
    if issubclass(type(error), _health.passing):  # what the error itself says of its class may raise
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
    """Return whether telemetry's own errors are raised."""
    return _health.strict


@contextmanager
def strict() -> Iterator[None]:
    """Raise telemetry's own errors inside, as the test kit does."""
    before, _health.strict = _health.strict, True
    try:
        yield
    finally:
        _health.strict = before


def _is_due(kind: str) -> bool:
    """Return whether this kind of error was not reported within the last minute."""
    now = time.monotonic()
    if len(_health.said_at) >= _MOST_KINDS:
        _health.said_at = {kind: at for kind, at in _health.said_at.items() if now < at + _SAY_AGAIN_SECONDS}
    if kind in _health.said_at and now < _health.said_at[kind] + _SAY_AGAIN_SECONDS:
        return False
    if len(_health.said_at) >= _MOST_KINDS:
        return False
    _health.said_at[kind] = now
    return True


def _report(error: Exception, count: int) -> None:
    """Report it as a line, or on stderr where there are no lines or where writing this one fails too."""
    is_said = False
    _health.reporting.active = True
    try:
        if _health.reporter is not None:
            is_said = _health.reporter(error, count)
    except Exception as another:  # noqa: BLE001  # it is still reported
        pass_on(another)
    finally:
        _health.reporting.active = False
    if not is_said:
        _say_on_stderr(error)


def _say_on_stderr(error: Exception) -> None:
    try:
        said = redact(_text_of(error)[:_LOOKED_AT])[:_SAID]
        sys.stderr.write(f"telemetry: {_class_of(error)}: {said!r}\n")
    except Exception as closed:  # noqa: BLE001  # nowhere is left to say it
        pass_on(closed)


def _class_of(error: Exception) -> str:
    try:
        return ascii(redact(type(error).__name__[:_KIND_LENGTH]))[1:-1]
    except Exception as another:  # noqa: BLE001  # somebody's class of classes
        pass_on(another)
        return "Exception"


def _text_of(error: Exception) -> str:
    try:
        return str.__str__(str(error))
    except Exception as another:  # noqa: BLE001  # somebody's __str__
        pass_on(another)
        return "its str() failed"
