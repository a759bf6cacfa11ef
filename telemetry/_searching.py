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


def lines_in(path: Path, patterns: Collection[re.Pattern[bytes]], window: Window = EVER) -> Iterator[bytes]:
    """Yield whole lines of the files set aside, oldest first, then of `path`: those in which one of the patterns is found.

    Without patterns, all of them. A line that a full disk or a kill cut short is left out.
    """
    chosen: list[Path] = []
    for file in _newest_first(path):
        if window.is_after(file.stat().st_mtime_ns):
            break
        if not window.is_before(_begins(file)):
            chosen.append(file)
    for file in reversed(chosen):
        yield from _found(file, patterns)


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


def _found(file: Path, patterns: Collection[re.Pattern[bytes]]) -> Iterator[bytes]:
    with file.open("rb") as lines:
        if not patterns:
            yield from (line for line in lines if line.endswith(b"}\n"))
            return
        try:
            content = mmap.mmap(lines.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # it is empty
            return
        with content:
            places = sorted({place for pattern in patterns for place in _places(content, pattern)})
            yield from (line for start, end in places if (line := content[start:end]).endswith(b"}\n"))


def _places(content: mmap.mmap, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Yield where the lines begin and end in which the pattern is found."""
    end = 0
    while (match := pattern.search(content, end)) is not None:
        start = content.rfind(b"\n", end, match.start()) + 1 or end
        end = content.find(b"\n", match.end() - 1) + 1 or len(content)
        yield start, end
