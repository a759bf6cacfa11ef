"""Spans leave without secrets, and those that hold none leave as they are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

from telemetry._export import otlp_json
from telemetry._export.redacting import RedactingExporter

TOKEN = "ghp_" + "a" * 36


def exported(*spans: ReadableSpan) -> list[ReadableSpan]:
    """What comes out behind the redaction."""
    kept = InMemorySpanExporter()
    assert RedactingExporter(kept).export(spans) is SpanExportResult.SUCCESS
    return list(kept.get_finished_spans())


def test_a_clean_span_is_not_copied() -> None:
    """Nearly all spans are clean, and a copy of each would cost more than looking at it."""
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with provider.get_tracer("test").start_as_current_span("GET", attributes={"url": "https://a.test/b", "n": 1}) as span:
        span.add_event("retried", {"after": "1 s"})
    (finished,) = kept.get_finished_spans()
    assert exported(finished)[0] is finished


def test_a_secret_is_taken_out_wherever_it_stands() -> None:
    """Name, attributes, status, events and links; what surrounds it stays."""
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    link = Link(SpanContext(1, 2, is_remote=True), {"why": f"token={TOKEN}"})
    with provider.get_tracer("test").start_as_current_span(f"GET {TOKEN}", links=[link]) as span:
        span.set_attributes({"headers": (f"Authorization: Bearer {TOKEN}",), "n": 1})
        span.add_event("said", {"text": f"it is {TOKEN}"})
        span.set_status(Status(StatusCode.ERROR, f"bad {TOKEN}"))
    (clean,) = exported(*kept.get_finished_spans())
    assert TOKEN not in clean.to_json()
    assert clean.name == "GET [redacted]"
    assert (clean.attributes or {})["n"] == 1
    assert clean.status.description == "bad [redacted]"


def test_large_spans_leave_in_requests_that_receivers_take() -> None:
    """Three errors of 3 MB made one request of 25 MB, which nobody took; each value is bounded, and each request."""
    requests: list[list[ReadableSpan]] = []

    class Counting(InMemorySpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            requests.append(list(spans))
            return SpanExportResult.SUCCESS

    large = [ReadableSpan(str(n), attributes={"text": "ab " * 1_000_000, "more": "cd " * 1_000_000}) for n in range(300)]
    small = [ReadableSpan(str(n), attributes={"n": n}) for n in range(300, 600)]
    RedactingExporter(Counting()).export([*large, *small])
    assert [span.name for request in requests for span in request] == [str(n) for n in range(600)]
    assert 3 < len(requests) < 12
    for request in requests:
        assert len(otlp_json.request(request)) < 4 * 1024 * 1024


def test_an_exporter_that_raises_has_not_taken_its_spans() -> None:
    """They count as those of one that says it failed: a flush that lost them is no success."""

    class Broken(InMemorySpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            raise ValueError("it cannot encode this")

    exporter = RedactingExporter(Broken())
    with pytest.raises(ValueError, match="encode"):
        exporter.export([ReadableSpan("a"), ReadableSpan("b")])
    assert exporter.failed == 2
