"""Errors on their way out: what they say, and where they come from."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

from telemetry import _health
from telemetry._boundary.objects import class_name, words
from telemetry._boundary.texts import text

_RECORD = "_telemetry_record"
_traceback_in = BaseException.__dict__["__traceback__"].__get__


class ErrorRecord:
    """What telemetry keeps with an error: its traceback as text, and which sinks have it.

    An error is pickled on its way to another process; its record is not, for no traceback can be.
    """

    def __init__(self) -> None:
        self.written: dict[int, TracebackType | None] = {}
        """By sink, the traceback that the error had when a line with it was written there."""
        self.rendered: tuple[tuple[Any, ...], str] | None = None

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        return object, ()


def record_of(error: BaseException) -> ErrorRecord:
    """Return what is kept with `error`; nothing is with one that lets nobody keep it."""
    try:
        kept = error.__dict__.get(_RECORD)
        if not isinstance(kept, ErrorRecord):
            kept = error.__dict__[_RECORD] = ErrorRecord()
    except Exception as problem:  # noqa: BLE001  # somebody's class of errors
        _health.pass_on(problem)
        return ErrorRecord()
    return kept


def traceback_in(error: BaseException) -> TracebackType | None:
    """Return the traceback that `error` has now, also where its class has an attribute of that name."""
    found: TracebackType | None = _traceback_in(error)
    return found


def message_of(error: BaseException) -> str:
    """Return what an error says, also where its `__str__` fails."""
    return words(error)


def traceback_of(error: BaseException) -> str:
    """Return an error with its traceback and its causes; the same text for its span and for its line."""
    try:
        record = record_of(error)
        state = (error.__traceback__, error.__cause__, error.__context__, len(getattr(error, "__notes__", ())))
        if record.rendered is None or any(was is not now for was, now in zip(record.rendered[0], state, strict=True)):
            record.rendered = state, text("".join(traceback.format_exception(error)))
        return record.rendered[1]
    except Exception as problem:  # noqa: BLE001  # somebody's class of errors
        _health.pass_on(problem)
        return text(f"{_frames(error)}{class_name(error)}: {message_of(error)}\n")


def _frames(error: BaseException) -> str:
    try:
        return "".join(traceback.format_tb(traceback_in(error)))
    except Exception as problem:  # noqa: BLE001  # somebody's loader of sources
        _health.pass_on(problem)
        return ""
