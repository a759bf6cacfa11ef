"""Where lines go: files, streams, a test's memory; each as it shows them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol, TextIO

import orjson
from structlog.dev import ConsoleRenderer

from telemetry._export.line_files import LineFile

Line = dict[str, Any]


class Sink(Protocol):
    """Where lines go."""

    level: int

    def write(self, lines: Sequence[Line]) -> None: ...


class FileSink:
    """JSON lines in a file, every level."""

    def __init__(self, file: LineFile, level: int = logging.DEBUG) -> None:
        self.level, self._file = level, file

    def write(self, lines: Sequence[Line]) -> None:
        self._file.write(b"".join(map(_json, lines)))


class JsonSink:
    """JSON lines on a stream, from ``level``."""

    def __init__(self, stream: TextIO, level: int) -> None:
        self.level, self._stream = level, stream

    def write(self, lines: Sequence[Line]) -> None:
        self._stream.write(b"".join(map(_json, lines)).decode())
        self._stream.flush()


class ConsoleSink:
    """Text for people on a stream, from ``level``: time, level, event and its fields, the trace's first digits."""

    def __init__(self, stream: TextIO, level: int) -> None:
        self.level, self._stream = level, stream
        self._render = ConsoleRenderer(colors=stream.isatty(), pad_event_to=26, sort_keys=False)

    def write(self, lines: Sequence[Line]) -> None:
        self._stream.write("".join(f"{self._as_text(line)}\n" for line in lines))
        self._stream.flush()

    def _as_text(self, line: Line) -> str:
        shown = {name: value for name, value in line.items() if name not in ("span_id", "trace_flags")}
        shown["timestamp"] = line["timestamp"][11:23]
        if "trace_id" in shown:
            shown["trace_id"] = shown["trace_id"][:8]
        return self._render(None, line["level"], shown)


class Captured:
    """A sink that keeps its lines in memory, as parsed from what a file would hold."""

    level = logging.DEBUG

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def write(self, lines: Sequence[Line]) -> None:
        self.lines += [orjson.loads(_json(line)) for line in lines]


def _json(line: Line) -> bytes:
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer over 64 bits, a lone surrogate
        plain = {name: str(value).encode("utf-8", "replace").decode() for name, value in line.items()}
        return orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE)
