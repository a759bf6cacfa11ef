"""Collect what can be seen at one moment: the application's files, Jaeger, the collector's files, and the rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from telemetry._decoding import requests_in
from telemetry.reading import Span, read_collected, read_lines, read_spans
from tests.e2e_smoke.application import Application, Run
from tests.e2e_smoke.check_copies import is_left_out, line_key, span_key
from tests.e2e_smoke.jaeger import Jaeger
from tests.e2e_smoke.stack import Stack

Line = Mapping[str, Any]

SETTLE_SECONDS: Final = 60.0
"""How long spans and lines may take to arrive; exporters, queues and the reader of lines each add a delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`spans` and `lines` are what the application wrote, the other fields hold the copies of these elsewhere."""

    runs: Sequence[Run]
    stats: Mapping[str, Any]
    spans: Sequence[Span]
    lines: Sequence[Line]
    in_jaeger: Sequence[Span]
    exported: Sequence[Span]
    """The collector's traces.jsonl."""
    collected: Sequence[Sequence[Line]]
    """The records in each line of the collector's logs.jsonl."""

    event_names: Sequence[tuple[str, str]]
    """The text and the EventName of each of the collector's records; an empty EventName means none."""

    @property
    def shown(self) -> list[Span]:
        """The spans that Jaeger is to have."""
        return [span for span in self.spans if not is_left_out(span)]

    @property
    def whole(self) -> list[Span]:
        """The spans that Jaeger has, and those that are left out on the way to it."""
        return [*self.in_jaeger, *(span for span in self.spans if is_left_out(span))]

    @property
    def records(self) -> list[Line]:
        """All records in the collector's lines."""
        return [record for records in self.collected for record in records]


def simulator_stats(stack: Stack) -> dict[str, Any]:
    """Return the statistics of the simulated GitHub."""
    return dict(requests.get(f"{stack.simulator}/_simulator/stats", timeout=30).json())


def gather(stack: Stack, application: Application, *, with_lines: bool = True) -> Evidence:
    """Return what the application has written, and its copies as soon as they are complete or after `SETTLE_SECONDS`.

    Without `with_lines` the collector's copy of the lines is not waited for.
    """
    runs, stats, written = application.runs(), simulator_stats(stack), stack.written()
    lines, spans = read_lines(written / "logs.jsonl"), read_spans(written / "traces.jsonl")
    span_ids = set(map(span_key, spans))
    of_lines = {(line["trace_id"], line["span_id"]) for line in lines if "trace_id" in line}  # some have not ended yet
    left_out = {span_key(span) for span in spans if is_left_out(span)}
    line_ids = set(map(line_key, lines)) if with_lines else set()
    jaeger = Jaeger(stack.jaeger)
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        files = stack.collected()
        exported, collected = read_spans(files / "traces.jsonl"), read_collected(files / "logs.jsonl")
        in_jaeger = jaeger.traces([*(span.trace_id for span in spans), *(trace_id for trace_id, _ in of_lines)])
        arrived = (
            (span_ids | of_lines) - left_out <= set(map(span_key, in_jaeger))
            and span_ids <= set(map(span_key, exported))
            and line_ids <= {line_key(line) for records in collected for line in records}
        )
        if arrived or time.monotonic() > deadline:
            return Evidence(
                runs=runs,
                stats=stats,
                spans=spans,
                lines=lines,
                in_jaeger=in_jaeger,
                exported=exported,
                collected=collected,
                event_names=_event_names(files / "logs.jsonl"),
            )
        time.sleep(0.5)


def _event_names(path: Path) -> list[tuple[str, str]]:
    return [
        (str(record.get("body", {}).get("stringValue", "")), str(record.get("eventName", "")))
        for line in path.read_bytes().splitlines()
        for request in requests_in(line)  # two where the collector was killed before it wrote the line's end
        for group in request["resourceLogs"]
        for scope in group["scopeLogs"]
        for record in scope["logRecords"]
    ]
