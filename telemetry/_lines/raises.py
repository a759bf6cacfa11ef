"""Track whether a traceback is already on a line: once for each sink and each raise of an error."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from telemetry._boundary import record_of, traceback_in


def mark_written(error: BaseException, sink: Any) -> None:
    """Note that `sink` has the error's present traceback."""
    record_of(error).written[id(sink)] = traceback_in(error)


def is_told(error: BaseException) -> bool:
    """Return whether any sink already has a line about the error."""
    return bool(record_of(error).written)


def is_written(error: BaseException, sink: Any) -> bool:
    """Return whether `sink` has the traceback of this raise, or of a part of its way up to here."""
    written = record_of(error).written
    return id(sink) in written and _only_went_up(written[id(sink)], traceback_in(error))


def _only_went_up(before: TracebackType | None, now: TracebackType | None) -> bool:
    """Return whether the error, since its traceback was `before`, has only propagated to callers.

    Each frame that an error leaves precedes the one it called; an error raised again has a frame there that did not
    call the next one.
    """
    passed: list[TracebackType] = []
    while now is not None and now is not before:
        passed.append(now)
        now = now.tb_next
    if now is not before:
        return False
    called = before
    for each in reversed(passed):
        if called is None or each.tb_frame is not called.tb_frame.f_back:
            return False
        called = each
    return True
