"""How many processes the kernel has killed because this process's control group ran out of memory.

It counts them for their own group, whichever limit was reached, including the machine's
(https://docs.kernel.org/admin-guide/cgroup-v2.html, `memory.events.local`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

_RECENT_SECONDS = 30.0
"""A kill counted more than twice this long ago does not explain a process found dead now."""


class MemoryKills:
    """The kills that no dead process has been matched with yet."""

    def __init__(self, *, root: Path = Path("/"), clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._before = self._now = self._count()
        self._read_at = clock()

    def cover(self, killed: int) -> bool:
        """Return whether so many processes, found dead now, were all killed for memory.

        With fewer recent kills, it is unknown which of the processes they hit.
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
        """Return the number that the kernel has counted so far, or 0 if it does not say."""
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
