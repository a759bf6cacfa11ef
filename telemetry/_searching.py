"""Search files of lines, newest first: bytes are looked through before anything is parsed.

A file that is set aside has a number behind its name, and the oldest has the highest. A window of time bounds what is looked
through: a file that was last written before it, with all that are older, and one of lines that begins after it.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from telemetry.timestamps import unix_nanoseconds

_SLACK_NS = 60 * 10**9  # machines' clocks are not that far apart

Needle = bytes | re.Pattern[bytes]
"""What is looked for in a line: bytes as they stand, which are found several times faster, or a pattern."""


@dataclass(frozen=True, slots=True)
class Window:
    """Two moments in Unix nanoseconds; None is open."""

    start_ns: int | None = None
    end_ns: int | None = None

    @property
    def without_end(self) -> Window:
        """The window with its end open."""
        return Window(self.start_ns)

    def is_before(self, moment_ns: int) -> bool:
        """Return whether all of it was over at that moment."""
        return self.end_ns is not None and moment_ns > self.end_ns + _SLACK_NS

    def is_after(self, moment_ns: int) -> bool:
        """Return whether none of it had begun at that moment."""
        return self.start_ns is not None and moment_ns < self.start_ns - _SLACK_NS


EVER = Window()


def lines_in(path: Path, needles: Collection[Needle], window: Window = EVER) -> Iterator[bytes]:
    """Yield whole lines of the files set aside, oldest first, then of `path`: those in which one of the needles is found.

    Without needles, all of them. A line that a full disk or a kill cut short is left out.
    """
    for file in reversed(list(files_of(path, window))):
        yield from lines_of(file, needles)


def files_of(path: Path, window: Window = EVER) -> Iterator[Path]:
    """Yield `path` and the files set aside from it, newest first, as far as they can have something of the window."""
    for file in _newest_first(path):
        if window.is_after(file.stat().st_mtime_ns):
            return
        if not window.is_before(_begins(file)):
            yield file


def _newest_first(path: Path) -> list[Path]:
    aside = sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda file: int(file.suffix[1:]))
    return [file for file in (path, *aside) if file.exists()]


def _begins(file: Path) -> int:
    """Return when the file's first line was written, as it says itself; 0 where it does not, as in files of spans."""
    with file.open("rb") as lines:
        try:
            return unix_nanoseconds(datetime.fromisoformat(orjson.loads(lines.readline())["timestamp"]))
        except (ValueError, KeyError, TypeError):
            return 0


def lines_of(file: Path, needles: Collection[Needle]) -> Iterator[bytes]:
    """Yield the whole lines of one file in which one of the needles is found; without needles, all of them."""
    with file.open("rb") as lines:
        if not needles:
            yield from (line for line in lines if line.endswith(b"}\n"))
            return
        try:
            content = mmap.mmap(lines.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # it is empty
            return
        with content:
            places = sorted({place for needle in needles for place in _places(content, needle)})
            yield from (line for start, end in places if (line := content[start:end]).endswith(b"}\n"))


def _places(content: mmap.mmap, needle: Needle) -> Iterator[tuple[int, int]]:
    """Yield where the lines begin and end in which the needle is found."""
    end = 0
    while (at := _place(content, needle, end)) >= 0:
        start = content.rfind(b"\n", end, at) + 1 or end
        end = content.find(b"\n", at) + 1 or len(content)
        yield start, end


def _place(content: mmap.mmap, needle: Needle, start: int) -> int:
    """Return where the needle is found first, from `start` on; -1 if nowhere."""
    if isinstance(needle, bytes):
        return content.find(needle, start)
    match = needle.search(content, start)
    return -1 if match is None else match.start()
