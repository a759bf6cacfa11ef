"""Moments and durations from callers, in nanoseconds: a wrong one is reported, and its span is still made."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from telemetry import _health
from telemetry.timestamps import unix_nanoseconds


def moment_ns(moment: datetime) -> int:
    """Return a moment in Unix nanoseconds; without a zone it is taken as UTC, and an unusable one as now."""
    try:
        return unix_nanoseconds(moment)
    except Exception as problem:  # noqa: BLE001  # any object that a caller took for a moment
        _health.problem(problem)
    return unix_nanoseconds(moment.replace(tzinfo=UTC)) if type(moment) is datetime else time.time_ns()


def lasted_ns(milliseconds: float, *, most: int) -> int:
    """Return milliseconds as nanoseconds, at most `most`; 0 for an unusable duration."""
    try:
        return min(max(int(milliseconds * 1_000_000), 0), most)
    except Exception as problem:  # noqa: BLE001  # not a number, or not a finite one
        _health.problem(problem)
        return 0
