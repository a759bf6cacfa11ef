"""What time it is, as lines write it."""

from __future__ import annotations

import time
from functools import lru_cache


def iso_now() -> str:
    """Write this moment as `iso_microseconds` does, in half the time."""
    second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(second)}.{nanoseconds // 1_000:06d}Z"


@lru_cache(maxsize=2)  # most lines share theirs with the one before
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
