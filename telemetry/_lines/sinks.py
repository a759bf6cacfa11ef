"""Where lines go: files, streams, a test's memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, Protocol, TextIO

import orjson
from structlog.dev import ConsoleRenderer

from telemetry._boundary import visible, visible_json
from telemetry._export.line_files import LineFile

Line = dict[str, Any]

_BLOCKS = ("stack", "exception")
_HIDDEN = frozenset({"span_id", "trace_flags"})
_TAKEN = {name: f"field_{name}" for name in ("exc_info", *_BLOCKS)}
"""Keys that structlog's renderer takes for something else than a field: it would print a traceback of its own."""


class Sink(Protocol):
    """A destination for lines from a level on."""

    level: int

    def write(self, lines: Sequence[Line]) -> None:
        """Write all of `lines`."""


class FileSink:
    """JSON lines in a file, of every level."""

    def __init__(self, file: LineFile, level: int = logging.DEBUG) -> None:
        self.level, self._file = level, file

    def write(self, lines: Sequence[Line]) -> None:
        """Append the lines by one write."""
        document = _json(lines[0]) if len(lines) == 1 else b"".join(map(_json, lines))
        # for terminals that show the file, and readers that split it at any line end
        if not document.isascii() or b"\x7f" in document:
            document = visible_json(document.decode()).encode()
        self._file.write(document)


class JsonSink:
    """JSON lines on a stream, which may be a terminal: control characters are escaped, with the same meaning to readers."""

    def __init__(self, stream: TextIO, level: int) -> None:
        self.level, self._stream = level, stream

    def write(self, lines: Sequence[Line]) -> None:
        """Write the lines and flush."""
        try:
            self._stream.write(visible_json(b"".join(map(_json, lines)).decode()))
        except UnicodeEncodeError:  # the stream's encoding has not all characters
            self._stream.write("".join(f"{json.dumps(line)}\n" for line in lines))
        self._stream.flush()


class ConsoleSink:
    """Text for people on a stream: time, level, event and its fields, and the first digits of the trace id.

    Text of others is shown so that it cannot affect the terminal, and only lines of ours begin at the margin: a
    traceback is indented.
    """

    def __init__(self, stream: TextIO, level: int) -> None:
        self.level, self._stream = level, stream
        self._render = ConsoleRenderer(colors=stream.isatty(), pad_event_to=26, sort_keys=False)

    def write(self, lines: Sequence[Line]) -> None:
        """Write the lines as text and flush."""
        shown = "".join(f"{self._as_text(line)}\n" for line in lines)
        try:
            self._stream.write(shown)
        except UnicodeEncodeError:  # the stream's encoding has not all characters
            encoding = self._stream.encoding or "ascii"
            self._stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()

    def _as_text(self, line: Line) -> str:
        blocks = {name: line[name] for name in _BLOCKS if isinstance(line.get(name), str)}
        shown = {
            visible(_TAKEN.get(name, name)): _shown(value)
            for name, value in line.items()
            if name not in _HIDDEN and name not in blocks
        }
        shown["timestamp"] = line["timestamp"][11:23]
        if "trace_id" in shown:
            shown["trace_id"] = shown["trace_id"][:8]
        return "\n".join([self._render(None, line["level"], shown), *map(_indented, blocks.values())])


class Captured:
    """Lines in memory, as a file's reader would get them."""

    level = logging.DEBUG

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def write(self, lines: Sequence[Line]) -> None:
        """Keep the lines."""
        self.lines += [orjson.loads(_json(line)) for line in lines]


def _json(line: Line) -> bytes:
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _shown(value: Any) -> Any:
    """Return a value on one line, safe for a terminal."""
    if isinstance(value, str):
        return visible(value)
    return visible(repr(value)) if isinstance(value, dict | list) else value


def _indented(block: str) -> str:
    return "\n".join(f"  {visible(line)}" for line in block.rstrip("\n").split("\n"))
