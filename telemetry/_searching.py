"""Search files of lines, newest first, by their bytes before anything is parsed.

A rotated file has a number after its name; the oldest has the highest. A window of time rules files out: one last
written before it, with all older ones, and a file of lines that begins after it.
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

_SLACK_NS = 60 * 10**9  # clocks of machines do not differ that much

Needle = bytes | re.Pattern[bytes]
"""What to look for in a line: a pattern, or literal bytes, which are found several times faster."""


@dataclass(frozen=True, slots=True)
class Window:
    """Two moments in Unix nanoseconds; None leaves that side open."""

    start_ns: int | None = None
    end_ns: int | None = None

    @property
    def without_end(self) -> Window:
        """Return the window with its end open."""
        return Window(self.start_ns)

    def is_before(self, moment_ns: int) -> bool:
        """Return whether the window was over at that moment."""
        return self.end_ns is not None and moment_ns > self.end_ns + _SLACK_NS

    def is_after(self, moment_ns: int) -> bool:
        """Return whether the window had not begun at that moment."""
        return self.start_ns is not None and moment_ns < self.start_ns - _SLACK_NS


EVER = Window()


def lines_in(path: Path, needles: Collection[Needle], window: Window = EVER) -> Iterator[bytes]:
    """Yield complete lines that contain one of the needles, from the rotated files, oldest first, then from `path`.

    Without needles, yield all. A line that a full disk or a kill cut short is skipped.
    """
    for file in reversed(list(files_of(path, window))):
        yield from lines_of(file, needles)


def files_of(path: Path, window: Window = EVER) -> Iterator[Path]:
    """Yield `path` and its rotated files, newest first, as far as they can overlap the window."""
    for file in _newest_first(path):
        if window.is_after(file.stat().st_mtime_ns):
            return
        if not window.is_before(_begins(file)):
            yield file


def _newest_first(path: Path) -> list[Path]:
    aside = sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda file: int(file.suffix[1:]))
    return [file for file in (path, *aside) if file.exists()]


def _begins(file: Path) -> int:
    """Return when the file's first line says it was written; 0 if it does not say, as in files of spans."""
    with file.open("rb") as lines:
        try:
            return unix_nanoseconds(datetime.fromisoformat(orjson.loads(lines.readline())["timestamp"]))
        except (ValueError, KeyError, TypeError):
            return 0


def lines_of(file: Path, needles: Collection[Needle]) -> Iterator[bytes]:
    """Yield the complete lines of one file that contain one of the needles; without needles, all of them."""
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
    """Yield where each line that contains the needle begins and ends."""
    end = 0
    while (at := _place(content, needle, end)) >= 0:
        start = content.rfind(b"\n", end, at) + 1 or end
        end = content.find(b"\n", at) + 1 or len(content)
        yield start, end


def _place(content: mmap.mmap, needle: Needle, start: int) -> int:
    """Return where the needle first occurs from `start` on, or -1."""
    if isinstance(needle, bytes):
        return content.find(needle, start)
    match = needle.search(content, start)
    return -1 if match is None else match.start()
