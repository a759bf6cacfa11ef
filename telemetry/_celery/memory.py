"""How many processes the kernel has killed because this process's control group ran out of memory.

It counts them for the group that they are in, whoever's limit it was, the machine's own included
(https://docs.kernel.org/admin-guide/cgroup-v2.html, `memory.events.local`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

_RECENT_SECONDS = 30.0
"""A kill that was counted longer ago than twice that is not of a process that is found dead now."""


class MemoryKills:
    """The kills that nobody has been found dead of yet."""

    def __init__(self, *, root: Path = Path("/"), clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._before = self._now = self._count()
        self._read_at = clock()

    def cover(self, killed: int) -> bool:
        """Return whether so many processes, found dead now, were all killed for memory.

        If there were fewer such kills of late, nobody knows which of them it was.
        """
        counted = self._count()
        if killed:
            is_covered = counted - self._before >= killed
            self._before = self._now = counted
            self._read_at = self._clock()
            return is_covered
        if self._clock() >= self._read_at + _RECENT_SECONDS:
            self._before, self._now, self._read_at = self._now, counted, self._clock()
        return False

    def _count(self) -> int:
        """Return the number that the kernel has counted so far; 0 where it says none."""
        try:
            for line in (self._root / "proc/self/cgroup").read_text().splitlines():
                number, controllers, path = line.split(":", 2)
                names: tuple[str, ...]
                if number == "0":
                    folder, names = "sys/fs/cgroup", ("memory.events.local", "memory.events")
                elif "memory" in controllers.split(","):
                    folder, names = "sys/fs/cgroup/memory", ("memory.oom_control",)
                else:
                    continue
                for name in names:
                    file = self._root / folder / path.lstrip("/") / name
                    if file.exists():
                        counts = dict(count.split() for count in file.read_text().splitlines())
                        return int(counts.get("oom_kill", 0))
        except (OSError, ValueError):
            pass
        return 0
