"""Follow the spans of some traces live: read only what is new, and report a span again once it has changed.

A span is in its process's journal from its start until an exporter has taken it, and in the file from then on. So both
are watched: the small journals are read whenever one of them changes, and of the file only the bytes that were added.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from telemetry import _journals
from telemetry._decoding import Span, requests_in, spans_in

_Mark = tuple[bool, str, int, int]


class Tail:
    """Read what is appended to a file of lines from now on, across rotations."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: list[_Opened] = []
        self._follow(from_the_end=True)

    def new_lines(self) -> list[bytes]:
        """Return new complete lines, oldest first."""
        left_behind = self._files[:-1]  # a writer may use the old file for a moment after the new one has begun
        self._follow()
        lines = [line for file in self._files for line in file.new_lines()]
        for file in left_behind:
            file.close()
            self._files.remove(file)
        return lines

    def close(self) -> None:
        """Close the files."""
        while self._files:
            self._files.pop().close()

    def _follow(self, *, from_the_end: bool = False) -> None:
        """Open the file at the path unless it is open, preceded by any that were begun and rotated meanwhile."""
        known = {file.inode for file in self._files}
        newer: list[_Opened] = []
        for path in (self._path, *(Path(f"{self._path}.{number}") for number in range(1, 10))):
            try:
                opened = _Opened(path.open("rb"))
            except OSError:
                break
            if opened.inode in known:
                opened.close()
                break
            newer.append(opened)
            if not known:
                break
        if from_the_end:
            for file in newer:
                file.skip()
        self._files += reversed(newer)


def latest_line(path: Path, text: str) -> bytes:
    """Return the last line that has any text in a file, or else in the last rotated one; empty if there is none."""
    for each in (path, Path(f"{path}.1")):
        with (
            suppress(OSError, ValueError),  # it is missing or empty
            each.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            if (at := content.rfind(text.encode())) >= 0:
                return content[content.rfind(b"\n", 0, at) + 1 : content.find(b"\n", at) + 1 or len(content)]
    return b""


class _Opened:
    """A file of lines that is read as it grows."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rest = b""
        self.inode = os.fstat(file.fileno()).st_ino

    def skip(self) -> None:
        """Skip what is there, but not the rest of an unfinished line."""
        self._file.seek(0, os.SEEK_END)

    def new_lines(self) -> list[bytes]:
        """Return the complete lines since the last call."""
        if os.fstat(self._file.fileno()).st_size <= self._file.tell():
            return []
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return lines

    def close(self) -> None:
        self._file.close()


class SpanFollower:
    """Return spans of traces that are new in a home's files, or have changed."""

    def __init__(
        self, *, traces: str | Path | None = None, journal: str | Path | None = None, deaths_seconds: float = 3.0
    ) -> None:
        """Begin now: spans already exported are not reported.

        Journals are also read every so many seconds without a change, because no file says that a process has died.
        """
        self._deaths_seconds = deaths_seconds
        self._tail = None if traces is None else Tail(Path(traces))
        self._journal = None if journal is None else Path(journal)
        self._stamp: object = None
        self._read_at = 0.0
        self._told: dict[str, _Mark] = {}
        """What was last reported of the spans in journals."""

    def new(self, trace_ids: Collection[str]) -> list[Span]:
        """Return what is new since the last call; for a trace not asked for before, what no exporter has taken yet."""
        known = self._told
        told = self._changed(trace_ids)  # before the file, to miss none
        return told + [span for span in self._exported(trace_ids) if known.get(span.span_id) != _mark(span)]

    def close(self) -> None:
        """Close the files."""
        if self._tail is not None:
            self._tail.close()

    def _changed(self, trace_ids: Collection[str]) -> list[Span]:
        stamp = (self._stamp_of_journals(), frozenset(trace_ids))
        if stamp == self._stamp and time.monotonic() - self._read_at < self._deaths_seconds:
            return []
        self._stamp, self._read_at = stamp, time.monotonic()
        waiting = [span for span in self._waiting() if span.trace_id in trace_ids]
        known, self._told = self._told, {span.span_id: _mark(span) for span in waiting}
        return [span for span in waiting if known.get(span.span_id) != self._told[span.span_id]]

    def _waiting(self) -> list[Span]:
        return [] if self._journal is None else _journals.spans_in(self._journal)

    def _stamp_of_journals(self) -> object:
        found = []
        for path in () if self._journal is None else _journals.files_in(self._journal):
            with suppress(OSError):  # its process has just ended
                stat = path.stat()
                found.append((path.name, stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return found

    def _exported(self, trace_ids: Collection[str]) -> Iterator[Span]:
        wanted = [trace_id.encode() for trace_id in trace_ids]
        for line in () if self._tail is None else self._tail.new_lines():
            if any(trace_id in line for trace_id in wanted):
                for request in requests_in(line):
                    yield from (span for span in spans_in(request) if span.trace_id in trace_ids)


def _mark(span: Span) -> _Mark:
    """Return what tells a span from its earlier state: its process adds to it until it has ended."""
    return span.is_open, span.status, len(span.attributes), len(span.events)
