"""Read spans and lines back: from files of ours or of a collector, from Jaeger's API, from memory; always the same types.

Code that shows what happened takes a `Source`, wherever it was recorded::

    def explain(source: Source, task_id: str) -> str:
        spans = source.find_spans(task_id=task_id)
        return draw(source.trace(spans[0].trace_id), "order")

    explain(Files(traces="var/traces.jsonl", lines="var/logs.jsonl"), task_id)
    explain(Jaeger("http://localhost:16686", service="shop"), task_id)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, cast

import orjson

from telemetry import _journals
from telemetry._decoding import Attribute, MissingKeyError, Span, SpanEvent, Values, records_in, requests_in, spans_in
from telemetry._following import SpanFollower, latest_line
from telemetry._jaeger import JaegerClient, JaegerError
from telemetry._searching import EVER, Window, files_of, lines_in, lines_of
from telemetry._trees import Node, draw, in_order, orphans_of, roots_of
from telemetry._wanted import Wanted, exactly, in_lines, in_spans, matcher, texts_of

__all__ = [
    "Attribute",
    "Files",
    "Jaeger",
    "JaegerError",
    "Memory",
    "MissingKeyError",
    "Node",
    "Source",
    "Span",
    "SpanEvent",
    "SpanFollower",
    "Values",
    "Wanted",
    "draw",
    "open_spans",
    "orphans_of",
    "read_collected",
    "read_lines",
    "read_spans",
    "roots_of",
    "spans_in",
]


class Source(Protocol):
    """Anything that spans and lines can be found in."""

    def find_spans(self, **wanted: Wanted) -> list[Span]:
        """Return the spans with these attributes, ids or name, each once, in the order they started."""
        ...

    def find_lines(self, **wanted: Wanted) -> list[dict[str, Any]]:
        """Return the lines with these fields, in the order they were written."""
        ...

    def newest_line(self, **wanted: Wanted) -> dict[str, Any] | None:
        """Return the last line with these fields; None if there is none."""
        return next(reversed(self.find_lines(**wanted)), None)

    def trace(self, trace_id: str) -> list[Span]:
        """Return a trace's spans, each once, in the order they started; none if the trace is unknown."""
        return self.find_spans(trace_id=trace_id)


class Memory(Source):
    """Spans and lines in memory."""

    def __init__(self, spans: Iterable[Span] = (), lines: Iterable[dict[str, Any]] = ()) -> None:
        self._spans, self._lines = list(spans), list(lines)

    def find_spans(self, **wanted: Wanted) -> list[Span]:
        """Return the spans with these attributes, ids or name, each once, in the order they started."""
        spans = self._spans
        for own in ("name", "trace_id", "span_id"):
            if own in wanted:
                values = texts_of(wanted.pop(own))
                spans = [span for span in spans if getattr(span, own) in values]
        if wanted:
            is_wanted = matcher(wanted)
            spans = [span for span in spans if is_wanted(span.attributes)]
        return in_order(spans)

    def find_lines(self, **wanted: Wanted) -> list[dict[str, Any]]:
        """Return the lines with these fields, in the order they were written."""
        is_wanted = matcher(wanted)
        return [line for line in self._lines if is_wanted(line)]


class Files(Source):
    """A file of spans (OTLP JSON) and a file of lines, each with its rotated files; without a file there are none.

    With the home's `journal` folder, spans that are still open or not yet in the file are included.
    """

    def __init__(
        self, *, traces: str | Path | None = None, lines: str | Path | None = None, journal: str | Path | None = None
    ) -> None:
        self.traces, self.lines, self.journal = traces, lines, journal
        self._window = EVER

    def within(self, start_ns: int, end_ns: int | None = None) -> Files:
        """Return the same files, limited to those that can overlap this time.

        Both are in Unix nanoseconds. The end limits only lines: a span may be exported days later.
        """
        narrowed = Files(traces=self.traces, lines=self.lines, journal=self.journal)
        narrowed._window = Window(start_ns, end_ns)  # of exactly this class
        return narrowed

    def find_spans(self, **wanted: Wanted) -> list[Span]:
        """Return the spans with these attributes, ids or name, each once, in the order they started."""
        kept = [] if self.journal is None else _journals.spans_in(Path(self.journal))  # before the file, to miss none
        if self.traces is not None:
            kept += _spans_in(lines_in(Path(self.traces), in_spans(wanted), self._window.without_end))
        return Memory(kept).find_spans(**wanted)

    def parts_of(self, trace_id: str) -> Iterator[list[Span]]:
        """Yield a trace's spans as they are read, so that nobody has to wait; if one comes twice, the later counts.

        First come those that no exporter has yet and those exported last, which enclose others; then all.
        """
        if self.journal is not None:
            yield Memory(_journals.spans_in(Path(self.journal))).trace(trace_id)
        if self.traces is not None:
            lines = lines_in(Path(self.traces), in_spans({"trace_id": trace_id}), self._window.without_end)
            for line in chain([latest_line(Path(self.traces), trace_id)], lines):
                yield [span for span in _spans_in([line]) if span.trace_id == trace_id]

    def follow(self) -> SpanFollower:
        """Return a follower that reports which spans are new here from now on."""
        return SpanFollower(traces=self.traces, journal=self.journal)

    def find_lines(self, **wanted: Wanted) -> list[dict[str, Any]]:
        """Return the lines with these fields, by their time."""
        if self.lines is None:
            return []
        return _by_time(lines_in(Path(self.lines), in_lines(wanted), self._window), wanted)

    def newest_line(self, **wanted: Wanted) -> dict[str, Any] | None:
        """Return the last line with these fields, from the newest file that has one; None if none has."""
        if self.lines is None:
            return None
        needles = in_lines(wanted)
        newest = (_by_time(lines_of(file, needles), wanted) for file in files_of(Path(self.lines), self._window))
        return next((found[-1] for found in newest if found), None)


class Jaeger(Source):
    """One service's spans in Jaeger, read through its API; Jaeger keeps no lines.

    A search covers the last `hours`; a trace is found by its id, however old. Failures raise `JaegerError`.
    """

    def __init__(self, url: str, *, service: str, hours: float = 168) -> None:
        self._client = JaegerClient(url, service=service, hours=hours)

    def find_spans(self, **wanted: Wanted) -> list[Span]:
        """Return the spans with these attributes, ids or name, each once, in the order they started."""
        if "trace_id" in wanted:
            trace_ids = set(texts_of(wanted["trace_id"]))
        else:
            tags = {key: list(texts_of(value)) for key, value in wanted.items() if key not in ("name", "span_id")}
            trace_ids = self._client.search(tags)
        return Memory(span for one in sorted(trace_ids) for span in self._client.trace(one)).find_spans(**wanted)

    def find_lines(self, **_wanted: Wanted) -> list[dict[str, Any]]:
        """Return no lines."""
        return []


def open_spans(journal: str | Path) -> list[Span]:
    """Return the spans open now in any process of a home, in the order they started.

    `journal` is the folder of that name in the home. A span is included from its start on; its `end_ns` is now.
    """
    return in_order(span for span in _journals.spans_in(Path(journal)) if span.is_open)


def read_spans(path: str | Path, *, containing: Collection[str] = ()) -> list[Span]:
    """Return the spans of an OTLP JSON file (ours, or a collector's) and of its rotated files.

    With `containing`, return only those exported together with one whose JSON contains one of these texts, such as a
    trace id, so that the rest need not be parsed.
    """
    return list(_spans_in(lines_in(Path(path), exactly(containing))))


def read_lines(path: str | Path, *, containing: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the JSON lines of a log file and of its rotated files, oldest first.

    With `containing`, return only those whose text contains one of these.
    """
    return list(_parsed(lines_in(Path(path), exactly(containing))))


def read_collected(path: str | Path) -> list[list[dict[str, Any]]]:
    """Return the records of a collector's log file as the lines they were, one list for each line of the file.

    A record has everything of the application's own line except `trace_flags`; the order of fields is not kept.
    """
    return [[record for request in requests_in(line) for record in records_in(request)] for line in lines_in(Path(path), ())]


def _spans_in(lines: Iterable[bytes]) -> Iterator[Span]:
    for line in lines:
        for request in requests_in(line):
            yield from spans_in(request)


def _by_time(lines: Iterable[bytes], wanted: Mapping[str, Wanted]) -> list[dict[str, Any]]:
    found = Memory(lines=_parsed(lines)).find_lines(**wanted)
    return sorted(found, key=lambda line: str(line.get("timestamp", "")))


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the lines, except one that a full disk cut short after an inner brace."""
    for line in lines:
        with suppress(orjson.JSONDecodeError):
            yield Values(cast("dict[str, Any]", orjson.loads(line)))
