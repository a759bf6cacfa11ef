"""Times of day in sentences: plain for terminals and programs, marked for pages, which show the reader's zone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_MARK = secrets.token_hex(8)
"""Random in each process, so that no title or error quoted in a sentence can contain it."""
_MARKED = re.compile(f"{_MARK}(.*?){_MARK}")
_marks: ContextVar[bool] = ContextVar("marks", default=False)


def time_of_day(at: datetime) -> str:
    """Return the time of day in UTC, `14:07:12Z`; within `times_marked`, the moment between marks."""
    utc = at.astimezone(UTC)
    return f"{_MARK}{utc:%Y-%m-%dT%H:%M:%SZ}{_MARK}" if _marks.get() else f"{utc:%H:%M:%S}Z"


@contextmanager
def times_marked() -> Iterator[None]:
    """Make `time_of_day` mark its times inside the block, for `text_and_times`."""
    token = _marks.set(True)
    try:
        yield
    finally:
        _marks.reset(token)


def text_and_times(sentence: str) -> Iterator[str | datetime]:
    """Yield a sentence in pieces, its text and its marked moments; a time that others wrote is text."""
    for at, piece in enumerate(_MARKED.split(sentence)):
        yield datetime.fromisoformat(piece) if at % 2 else piece
