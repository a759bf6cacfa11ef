"""Ids as lines, files and journals write them; cached, because each is written several times."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=64)
def trace_digits(trace_id: int) -> str:
    """Return a trace's id as 32 hexadecimal digits."""
    return f"{trace_id:032x}"


@lru_cache(maxsize=1024)
def span_digits(span_id: int) -> str:
    """Return a span's id as 16 hexadecimal digits."""
    return f"{span_id:016x}"
