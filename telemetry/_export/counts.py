"""What can become of a span, and the totals for each exporter: `started = exported + waiting + dropped + died`."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

REASONS = (
    "queue_full",
    "refused",
    "rejected",
    "failed",
    "unreachable",
    "spool_full",
    "disk_full",
    "unwritable",
    "damaged",
    "killed",
    "ended_elsewhere",
)
"""Why spans are dropped, in the order an account stores them; append new reasons at the end."""
_LOST_IN_MEMORY = ("killed", "unreachable", "disk_full", "unwritable")
"""Reasons for spans that a process still held when it ended; they may be found in its journal."""

MEANING: Mapping[str, str] = {
    "queue_full": "more ended at once than OTEL_BSP_MAX_QUEUE_SIZE",
    "refused": "the receiver said that sending them again would not help",
    "rejected": "the receiver took their batch without them",
    "failed": "their exporter failed, and has no spool",
    "unreachable": "the receiver was away, and there was no spool to wait in",
    "spool_full": "the spool had grown to its limit, and they were its oldest",
    "disk_full": "the disk was full for longer than the queue could hold them",
    "unwritable": "the file could not be written for longer than the queue could hold them",
    "damaged": "their file in the spool could not be read, and was set aside",
    "killed": "they had ended and were not exported when their process was killed",
    "ended_elsewhere": "their process was taken for dead, and another one had ended them by their last will",
}
"""Each reason in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What has become of the spans meant for one exporter."""

    started: int = 0
    open: int = 0
    """Started and not ended, in living processes."""
    queued: int = 0
    """Ended, and in the memory of a living process."""
    spooled: int = 0
    """On disk, until their receiver is back."""
    exported: int = 0
    died: int = 0
    """Never ended, in processes that are gone."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """By reason, with only the reasons that occurred."""
    found: int = 0
    """How many of those started had ended in a killed process, were lost with it, and were exported after all."""
    trouble: str | None = None
    """Why nothing is exported now; None while spans are exported."""
    trouble_since_ns: int = 0

    @property
    def waiting(self) -> int:
        """Return how many are still to come: open, queued or spooled."""
        return self.open + self.queued + self.spooled

    @property
    def lost(self) -> int:
        """Return how many were dropped, for any reason."""
        return sum(self.dropped.values())

    @property
    def is_exact(self) -> bool:
        """Return whether every started span is accounted for exactly once."""
        numbers = (self.open, self.queued, self.spooled, self.exported, self.died, *self.dropped.values())
        return self.started == self.exported + self.waiting + self.lost + self.died and min(numbers) >= 0

    def __add__(self, other: Count) -> Count:
        """Return the sum of two counts, with the trouble that began first."""
        troubles = [one for one in (self, other) if one.trouble is not None]
        first = min(troubles, key=lambda one: one.trouble_since_ns, default=self)
        return Count(
            started=self.started + other.started,
            open=self.open + other.open,
            queued=self.queued + other.queued,
            spooled=self.spooled + other.spooled,
            exported=self.exported + other.exported,
            died=self.died + other.died,
            dropped=added(self.dropped, other.dropped),
            found=self.found + other.found,
            trouble=first.trouble,
            trouble_since_ns=first.trouble_since_ns,
        )

    def without_found(self) -> Count:
        """Return a home's count, in which a span that one process lost and another found is a single span."""
        left, dropped = self.found, dict(self.dropped)
        for reason in _LOST_IN_MEMORY:
            gone = min(dropped.get(reason, 0), left)
            left, dropped = left - gone, added(dropped, {reason: -gone})
        return replace(self, started=self.started - self.found + left, dropped=dropped, found=left)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers by name, totals included."""
        return {
            "started": self.started,
            "exported": self.exported,
            "waiting": self.waiting,
            "open": self.open,
            "queued": self.queued,
            "spooled": self.spooled,
            "dropped": self.lost,
            "died": self.died,
            "reasons": dict(self.dropped),
            "trouble": self.trouble,
        }


def added(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Return the sums by reason, without zeros."""
    sums = {reason: first.get(reason, 0) + second.get(reason, 0) for reason in {**first, **second}}
    return {reason: number for reason, number in sums.items() if number}


def reason_of(error: OSError) -> str:
    """Return why a file cannot be written."""
    return "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "unwritable"
