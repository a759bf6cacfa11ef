"""How long an exporter that is away is left alone: a time that doubles, and differs from process to process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from telemetry._export.sending import Answer

_FIRST_WAIT = 0.25


class BackOff:
    """Remembers whether an exporter is away, and when it is tried again: after `longest` seconds at most.

    An exporter may itself ask for a longer time. `spread` returns a number between two others, by chance.
    """

    def __init__(
        self,
        longest: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._longest, self._clock, self._spread = longest, clock, spread
        self._failures, self._due_at = 0, 0.0
        self.trouble: str | None = None
        """Why nothing is exported now, or None while the exporter is there."""

    @property
    def is_away(self) -> bool:
        """Return whether the exporter's last answer was that it is away."""
        return self.trouble is not None

    @property
    def is_due(self) -> bool:
        """Return whether the exporter may be tried now."""
        return self._clock() >= self._due_at

    def note(self, answer: Answer) -> None:
        """Remember what came of the last try."""
        self.trouble = answer.reason if answer.is_away else None
        if self.trouble is None:
            self._failures, self._due_at = 0, 0.0
            return
        self._failures += 1
        wait = min(_FIRST_WAIT * 2 ** min(self._failures - 1, 16), self._longest) * self._spread(0.8, 1.2)
        self._due_at = self._clock() + max(wait, answer.after_seconds or 0.0)

    def wait(self, seconds: float) -> None:
        """Leave the exporter alone for so long from now."""
        self._due_at = self._clock() + seconds
