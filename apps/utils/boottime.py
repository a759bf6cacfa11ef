"""A clock that keeps running while this machine sleeps or this process is stopped, as leases do."""

from __future__ import annotations

import time


def boottime() -> float:
    """Return seconds since some fixed moment; unlike `time.monotonic` on Linux, it includes time spent suspended."""
    return time.clock_gettime(_CLOCK)


_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS has no CLOCK_BOOTTIME
