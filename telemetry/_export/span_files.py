"""Spans in a file of OTLP JSON, one request a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan

from telemetry._boundary import visible_json
from telemetry._export import otlp_json
from telemetry._export.line_files import LineFile

_LINE_ENDS = tuple(end.encode() for end in "\x85\u2028\u2029")
"""Unicode's line ends, which JSON does not escape: a reader that splits at any line end would split a request."""


class SpanFile:
    """Write spans as OTLP JSON (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/), one request a line."""

    def __init__(self, path: Path, rotate_bytes: int) -> None:
        self._file = LineFile(path, rotate_bytes)

    def write(self, spans: Sequence[ReadableSpan]) -> None:
        """Append one line with these spans, or raise OSError if the file cannot be written."""
        request = otlp_json.request(spans)
        if any(end in request for end in _LINE_ENDS):
            request = visible_json(request.decode()).encode()
        self._file.write(request)

    def close(self) -> None:
        """Close the file; the next write opens it."""
        self._file.close()
