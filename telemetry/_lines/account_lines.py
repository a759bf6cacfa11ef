"""Write lines on what became of this process's spans: when trouble begins or ends, and at the process's end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping

from telemetry import _health
from telemetry._export.counts import Count
from telemetry._lines import writing
from telemetry._lines.own_events import Account
from telemetry.model import Level

_AGAIN_SECONDS = 60.0


class AccountLines:
    """Report a change at once, and further changes within a minute once it is over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[object, ...]] = {}
        self._ended: dict[str, Count] = {}
        self._told_at = float("-inf")

    def tell(self, counts: Mapping[str, Count], *, is_last: bool = False) -> None:
        """Write a line for each exporter with news or, at the end, for all."""
        try:
            with self._lock:
                changed = {name: count for name, count in counts.items() if self._is_new(name, count, is_last)}
                now = self._clock()
                if not changed or (not is_last and now < self._told_at + _AGAIN_SECONDS):
                    return
                self._known |= {name: _state(count) for name, count in changed.items()}
                if is_last:
                    self._ended |= changed
                else:
                    self._told_at = now
            writing.write_declared([_entry(name, count) for name, count in changed.items()])
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
            _health.aside(error)

    def _is_new(self, name: str, count: Count, is_last: bool) -> bool:
        if is_last:
            return bool(count.started) and self._ended.get(name) != count
        return self._known.get(name, _state(Count())) != _state(count)


def _state(count: Count) -> tuple[object, ...]:
    """Return the part of a count whose changes are reported."""
    return count.trouble, count.lost, count.died


def _entry(name: str, count: Count) -> writing.Entry:
    level = Level.WARNING if count.lost or count.died or count.trouble else Level.INFO
    values = {
        "exporter": name,
        "started": count.started,
        "exported": count.exported,
        "waiting": count.waiting,
        "open": count.open,
        "spooled": count.spooled,
        "dropped": count.lost,
        "died": count.died,
        "reasons": " ".join(f"{reason}={number}" for reason, number in count.dropped.items()) or None,
        "trouble": count.trouble,
    }
    return level, Account.__event__.name, values
