"""Times of day within sentences: text for terminals and programs; for pages, marked, to be written in the reader's zone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_MARK = secrets.token_hex(8)
"""Another in each process: no title and no error that a sentence quotes can hold it."""
_MARKED = re.compile(f"{_MARK}(.*?){_MARK}")
_marks: ContextVar[bool] = ContextVar("marks", default=False)


def time_of_day(at: datetime) -> str:
    """Return the time of day, UTC: `14:07:12Z`; within `times_marked`, the moment between marks."""
    utc = at.astimezone(UTC)
    return f"{_MARK}{utc:%Y-%m-%dT%H:%M:%SZ}{_MARK}" if _marks.get() else f"{utc:%H:%M:%S}Z"


@contextmanager
def times_marked() -> Iterator[None]:
    """Let `time_of_day` mark its times, in the block, for `text_and_times`."""
    token = _marks.set(True)
    try:
        yield
    finally:
        _marks.reset(token)


def text_and_times(sentence: str) -> Iterator[str | datetime]:
    """Yield a sentence in pieces: its text, and the moments that were marked in it; a time that others wrote is text."""
    for at, piece in enumerate(_MARKED.split(sentence)):
        yield datetime.fromisoformat(piece) if at % 2 else piece
