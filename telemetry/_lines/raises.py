"""Whether a traceback stands on a line already: once for each sink and each time that an error is raised."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from telemetry._boundary import record_of, traceback_in


def mark_written(error: BaseException, sink: Any) -> None:
    """Note that `sink` has the traceback that the error has now."""
    record_of(error).written[id(sink)] = traceback_in(error)


def is_told(error: BaseException) -> bool:
    """Return whether a line has told of the error already, wherever that went."""
    return bool(record_of(error).written)


def is_written(error: BaseException, sink: Any) -> bool:
    """Return whether `sink` has the traceback of this very raise, or of a part of its way up to here."""
    written = record_of(error).written
    return id(sink) in written and _only_went_up(written[id(sink)], traceback_in(error))


def _only_went_up(before: TracebackType | None, now: TracebackType | None) -> bool:
    """Return whether the error, since its traceback was `before`, has only passed from called to caller.

    Each frame that an error leaves stands before the one it called; an error raised again has a frame there that called
    nothing of what follows.
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
