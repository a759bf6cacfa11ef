"""Moments and durations as callers give them, in nanoseconds: a wrong one is said, and its span is there all the same."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from telemetry import _health
from telemetry.timestamps import unix_nanoseconds


def moment_ns(moment: datetime) -> int:
    """Return a moment in Unix nanoseconds; one without a zone is taken for UTC, and what is none for now."""
    try:
        return unix_nanoseconds(moment)
    except Exception as problem:  # noqa: BLE001  # whatever somebody took for a moment
        _health.problem(problem)
    return unix_nanoseconds(moment.replace(tzinfo=UTC)) if type(moment) is datetime else time.time_ns()


def lasted_ns(milliseconds: float, *, most: int) -> int:
    """Return milliseconds as nanoseconds, of which there are at most `most`; none of what is no duration."""
    try:
        return min(max(int(milliseconds * 1_000_000), 0), most)
    except Exception as problem:  # noqa: BLE001  # no number, or none that is finite
        _health.problem(problem)
        return 0
