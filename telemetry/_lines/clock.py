"""What time it is, as lines write it."""

from __future__ import annotations

import time


class _Last:
    """The second that was written last, and its text: most lines share theirs with the one before."""

    second: tuple[int, str] = (-1, "")


def iso_now() -> str:
    """Write this moment as `iso_microseconds` does, in half the time."""
    second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    known, text = _Last.second
    if second != known:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _Last.second = second, text
    return f"{text}.{nanoseconds // 1_000:06d}Z"
