"""Where each process of the worker is at work, told by the processes themselves through a named pipe.

What is written to a pipe outlives its writer, so the last word of a process that was killed names the place where it died.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import psutil

Place = Literal["request", "write", "analysis", "dispatch", "flush", "sweep", "fork", "task", "idle"]
PLACES: Final[tuple[Place, ...]] = get_args(Place)
MEANINGS: Final[dict[Place, str]] = {
    "request": "waiting for GitHub's answer",
    "write": "storing a page",
    "analysis": "in a phase's work: analysis or weekly metrics",
    "dispatch": "starting, advancing or ending a run, or sending its next steps",
    "flush": "writing a run's last line, and exporting its root span",
    "sweep": "looking for what stands still or may begin, and not yet at one of these",
    "fork": "being forked, until ready for a task",
    "task": "elsewhere in a task",
    "idle": "between tasks",
}

_PIPE_BYTES = 1024 * 1024
_READ_BYTES = 65_536


class Teller:
    """A process's side: it tells of each change of its place."""

    def __init__(self, pipe: Path) -> None:
        self._pipe = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        self._within: list[Place] = []

    @contextmanager
    def within(self, place: Place) -> Iterator[None]:
        """Be at `place` in the block."""
        self.enter(place)
        try:
            yield
        finally:
            self.leave()

    @property
    def place(self) -> Place:
        """Where this process is."""
        return self._within[-1] if self._within else "idle"

    def enter(self, place: Place) -> None:
        """Be at `place`, until `leave` returns to where this process was before."""
        self._within.append(place)
        self._tell()

    def leave(self) -> None:
        """Return to where this process was before."""
        if self._within:
            self._within.pop()
        self._tell()

    def begin_as_child(self) -> None:
        """Be a process that was forked just now."""
        self._within = []
        self.enter("fork")

    def _tell(self) -> None:
        with suppress(OSError):  # nobody listens any more, or not fast enough: the worker must not notice
            os.write(self._pipe, f"{os.getpid()} {self.place}\n".encode())


@dataclass(frozen=True, slots=True)
class Struck:
    """A process to which something was done, the place that was waited for, and where it was at that moment."""

    pid: int
    awaited: Place
    place: Place


def is_gone(pid: int) -> bool:
    """Return whether the process has ended, be it that nobody has asked for its exit code yet."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class Watch:
    """The listener's side: where every process is, and a way to strike one at a place."""

    def __init__(self, pipe: Path) -> None:
        """Make the pipe, which must exist before any process tells."""
        self.pipe = pipe
        os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # O_RDWR: it does not end with its last writer
        if sys.platform == "linux":
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._rest = b""
        self._at: dict[int, tuple[Place, float]] = {}
        self._lasted: defaultdict[Place, list[float]] = defaultdict(list)

    def close(self) -> None:
        """Listen no more."""
        os.close(self._pipe)

    def listen(self, seconds: float = 0.0) -> None:
        """Take in what was told, waiting up to so long for something."""
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        while ready:
            try:
                told = os.read(self._pipe, _READ_BYTES)
            except BlockingIOError:
                return
            *lines, self._rest = (self._rest + told).split(b"\n")
            for line in lines:
                self._take_in(line.decode())

    def at(self, pid: int) -> Place:
        """Return where the process is, as far as it was taken in."""
        return self._at.get(pid, ("idle", 0.0))[0]

    def usual_seconds(self, place: Place) -> float:
        """Return how long a process usually is at `place`."""
        return statistics.median(self._lasted[place]) if self._lasted[place] else 0.0

    def strike(
        self,
        places: Collection[Place],
        *,
        among: Callable[[], Collection[int]],
        act: Callable[[Place, int], None],
        chance: random.Random,
        within: float,
    ) -> Struck | None:
        """Wait for one of the processes `among` to be at one of `places`, the first that is visited, and `act` on it there.

        A random part of the usual stay passes first. Return which process it was and where it was at that moment, or None if
        nobody came to any of the places in time. `act` is given the place that was waited for, and the process.
        """
        deadline = time.monotonic() + within
        self.listen()
        while True:
            there: list[tuple[Place, int]] = [
                (place, pid) for pid, (place, _) in sorted(self._at.items()) if place in places
            ]
            if there:
                meant = among()
                there = [(place, pid) for place, pid in there if pid in meant]
            if there:
                place, pid = chance.choice(there)
                time.sleep(chance.uniform(0.0, self.usual_seconds(place)))
                self.listen()
                before = self.at(pid)
                act(place, pid)
                self.listen()
                return Struck(pid, place, self.at(pid) if is_gone(pid) else before)
            if (left := deadline - time.monotonic()) <= 0:
                return None
            self.listen(left)

    def forget(self, pid: int) -> None:
        """Forget a process that has ended."""
        self._at.pop(pid, None)

    def _take_in(self, line: str) -> None:
        number, _, name = line.partition(" ")
        place: Place = next(each for each in PLACES if each == name)
        now, before = time.monotonic(), self._at.get(int(number))
        if before is not None:
            self._lasted[before[0]].append(now - before[1])
        self._at[int(number)] = (place, now)
