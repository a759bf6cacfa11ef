"""Read spans and lines back: from files of ours or of a collector, from Jaeger's API, from memory; always the same types.

Code that shows what happened takes a `Source` and need not care where it was written down::

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
    """Where spans and lines can be found, whoever keeps them."""

    def find_spans(self, **wanted: Wanted) -> list[Span]:
        """Return the spans with these attributes, ids or name, each once, in the order they started."""
        ...

    def find_lines(self, **wanted: Wanted) -> list[dict[str, Any]]:
        """Return the lines with these fields, in the order they were written."""
        ...

    def newest_line(self, **wanted: Wanted) -> dict[str, Any] | None:
        """Return the line with these fields that was written last; None if there is none."""
        return next(reversed(self.find_lines(**wanted)), None)

    def trace(self, trace_id: str) -> list[Span]:
        """Return a trace's spans, each once, in the order they started; none for a trace that is not known."""
        return self.find_spans(trace_id=trace_id)


class Memory(Source):
    """Spans and lines that are at hand."""

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
    """A file of spans (OTLP JSON) and one of lines, with those set aside from each; what has no file is empty.

    With the folder `journal` of the same home there are also the spans that are open now, or not yet in the file.
    """

    def __init__(
        self, *, traces: str | Path | None = None, lines: str | Path | None = None, journal: str | Path | None = None
    ) -> None:
        self.traces, self.lines, self.journal = traces, lines, journal
        self._window = EVER

    def within(self, start_ns: int, end_ns: int | None = None) -> Files:
        """Return the same files, of which only those are looked through that can have something of this time.

        In Unix nanoseconds, and for lines alone does the end count: a span may be exported days later.
        """
        narrowed = Files(traces=self.traces, lines=self.lines, journal=self.journal)
        narrowed._window = Window(start_ns, end_ns)  # of this very class
        return narrowed

    def find_spans(self, **wanted: Wanted) -> list[Span]:
        """Return the spans with these attributes, ids or name, each once, in the order they started."""
        kept = [] if self.journal is None else _journals.spans_in(Path(self.journal))  # before the file, to miss none
        if self.traces is not None:
            kept += _spans_in(lines_in(Path(self.traces), in_spans(wanted), self._window.without_end))
        return Memory(kept).find_spans(**wanted)

    def parts_of(self, trace_id: str) -> Iterator[list[Span]]:
        """Yield a trace's spans as they are read, so that nobody need wait; of one that comes twice the later counts.

        First those that no exporter has yet and those that were exported last, since others are in them; then all.
        """
        if self.journal is not None:
            yield Memory(_journals.spans_in(Path(self.journal))).trace(trace_id)
        if self.traces is not None:
            lines = lines_in(Path(self.traces), in_spans({"trace_id": trace_id}), self._window.without_end)
            for line in chain([latest_line(Path(self.traces), trace_id)], lines):
                yield [span for span in _spans_in([line]) if span.trace_id == trace_id]

    def follow(self) -> SpanFollower:
        """Return what tells which spans are new here from now on."""
        return SpanFollower(traces=self.traces, journal=self.journal)

    def find_lines(self, **wanted: Wanted) -> list[dict[str, Any]]:
        """Return the lines with these fields, by their time."""
        if self.lines is None:
            return []
        return _by_time(lines_in(Path(self.lines), in_lines(wanted), self._window), wanted)

    def newest_line(self, **wanted: Wanted) -> dict[str, Any] | None:
        """Return the line with these fields that was written last, of the newest file that has one; None if none has."""
        if self.lines is None:
            return None
        needles = in_lines(wanted)
        newest = (_by_time(lines_of(file, needles), wanted) for file in files_of(Path(self.lines), self._window))
        return next((found[-1] for found in newest if found), None)


class Jaeger(Source):
    """The spans that Jaeger keeps of one service, asked for by its API; it keeps no lines.

    A search sees the last `hours`; a trace is found by its id however old. What cannot be had is a `JaegerError`.
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
    """Return the spans that are open now in any process of a home, in the order they started.

    `journal` is the folder of that name in the home. A span is there from its start on; `end_ns` is now.
    """
    return in_order(span for span in _journals.spans_in(Path(journal)) if span.is_open)


def read_spans(path: str | Path, *, containing: Collection[str] = ()) -> list[Span]:
    """Return the spans of an OTLP JSON file (ours, or a collector's), and of those that were set aside from it.

    With `containing`, only those exported together with one whose JSON has one of these texts, such as a trace's id:
    what is not wanted need not be parsed.
    """
    return list(_spans_in(lines_in(Path(path), exactly(containing))))


def read_lines(path: str | Path, *, containing: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the JSON lines of a log file, and of those that were set aside from it, oldest first.

    With `containing`, only those whose text has one of these.
    """
    return list(_parsed(lines_in(Path(path), exactly(containing))))


def read_collected(path: str | Path) -> list[list[dict[str, Any]]]:
    """Return what a collector wrote to its log file: for each line of the file its records, as the lines that they were.

    A record has what the application's own line has, except `trace_flags`; the order of its fields is not kept.
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
    """Yield the lines, but for one that a full disk cut behind an inner brace."""
    for line in lines:
        with suppress(orjson.JSONDecodeError):
            yield Values(cast("dict[str, Any]", orjson.loads(line)))
