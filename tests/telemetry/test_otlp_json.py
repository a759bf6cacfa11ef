"""The traces file holds what OpenTelemetry's own encoder would have written."""

from __future__ import annotations

import orjson
from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from telemetry._export import otlp_json
from telemetry._export.otlp_json_spans import spans_of
from telemetry.model import Outcome
from telemetry.reading import spans_in


def spans() -> list[ReadableSpan]:
    """Spans with everything that a span can have, and with nothing."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "test", "process.pid": 7}, schema_url="https://a.test/1"))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("scope", "1.0", schema_url="https://a.test/2", attributes={"of": "scope"})
    state, sampled = TraceState([("a", "b"), ("c", "d")]), TraceFlags(TraceFlags.SAMPLED)
    remote = SpanContext(1 << 100, 1 << 60, is_remote=True, trace_flags=sampled, trace_state=state)
    parent, link = set_span_in_context(NonRecordingSpan(remote)), Link(remote, {"n": 1})
    with tracer.start_as_current_span("full", context=parent, kind=SpanKind.CONSUMER, links=[link]) as span:
        span.set_attributes(
            {
                "text": "żółw",
                "enum": Outcome.FAILED,
                "yes": True,
                "no": False,
                "int": -(2**62),
                "zero": 0,
                "float": 1.5,
                "whole": 2.0,
                "infinite": float("-inf"),
                "nan": float("nan"),
                "bytes": b"\x00\xff",
                "list": ["a", "b"],
                "empty": [],
                "map": {"inner": {"deep": 1}, "none": None},
            }
        )
        span.add_event("happened", {"why": "so"}, timestamp=5)
        span.add_link(SpanContext(3, 4, is_remote=False))
        span.set_status(Status(StatusCode.ERROR, "it broke"))
        with tracer.start_as_current_span("child", kind=SpanKind.CLIENT) as child:
            child.set_status(Status(StatusCode.OK))
    provider.get_tracer("plain").start_span("bare").end()
    return list(kept.get_finished_spans())


def test_it_is_the_document_of_opentelemetrys_encoder() -> None:
    """Key by key, with what is at its default left out."""
    finished = spans()
    line = otlp_json.request(finished)
    assert orjson.loads(line) == orjson.loads(orjson.dumps(encode_spans(finished).to_dict()))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1


def test_spans_that_are_read_are_those_that_were_written() -> None:
    """To the last part, with what had been dropped of them; also of one that has nothing, not even a start."""
    provider = TracerProvider(
        span_limits=SpanLimits(max_span_attributes=1, max_events=1, max_links=1, max_link_attributes=1)
    )
    provider.add_span_processor(SimpleSpanProcessor(kept := InMemorySpanExporter()))
    links = [Link(SpanContext(number, number, is_remote=True), {"a": 1, "b": 2}) for number in (3, 4, 5)]
    with provider.get_tracer("full").start_as_current_span("full", links=links) as full:
        full.set_attributes({"a": 1, "b": 2})
        for number in range(3):
            full.add_event(f"event {number}", timestamp=number + 1)
    (dropping,) = kept.get_finished_spans()
    written = otlp_json.request([*spans(), dropping, ReadableSpan("bare", resource=Resource({}), end_time=2)])
    read = spans_of(written)
    assert orjson.loads(otlp_json.request(read)) == orjson.loads(written)
    full_read, bare = read[-2:]
    assert (bare.start_time, bare.end_time, bare.instrumentation_scope) == (None, 2, None)
    assert full_read.parent is None
    assert (full_read.dropped_attributes, full_read.dropped_events, full_read.dropped_links) == (1, 2, 2)
    assert [(link.context.span_id, link.context.is_remote, link.dropped_attributes) for link in full_read.links] == [
        (5, True, 1)
    ]
    assert [(event.name, event.timestamp) for event in full_read.events] == [("event 2", 3)]


def test_what_is_short_is_made_once_and_what_is_long_is_not_kept() -> None:
    """Names and numbers are those of most spans; a process that writes long texts keeps no more memory for it."""
    attributes: dict[str, AttributeValue] = {"name": "x" * 64, "number": 7, "long": "x" * 65, "took": 1.5, "yes": True}
    otlp_json._repeated.cache_clear()
    for _ in range(3):
        otlp_json.request([ReadableSpan("a", resource=Resource({}), attributes=attributes, start_time=1, end_time=2)])
    kept = otlp_json._repeated.cache_info()
    assert (kept.currsize, kept.misses, kept.hits) == (2, 2, 4)


def test_small_ids_are_as_long_as_others() -> None:
    """Of the span, its parent and what it is linked to: 32 and 16 digits."""
    own, above, linked = (SpanContext(number, number + 16, is_remote=False) for number in (1, 2, 3))
    line = otlp_json.request([ReadableSpan("a", context=own, parent=above, links=[Link(linked)], start_time=1, end_time=2)])
    ((written,),) = [scope["spans"] for scope in orjson.loads(line)["resourceSpans"][0]["scopeSpans"]]
    (link,) = written["links"]
    assert (written["traceId"], written["spanId"]) == ("0" * 31 + "1", "0" * 14 + "11")
    assert written["parentSpanId"] == "0" * 14 + "12"
    assert (link["traceId"], link["spanId"]) == ("0" * 31 + "3", "0" * 14 + "13")


def test_text_that_is_no_unicode_costs_no_span() -> None:
    """A lone surrogate, as in a file's name, becomes a question mark; everything else of the batch is as it was."""
    spoilt = ReadableSpan("a", attributes={"path": "caf\udce9"}, start_time=1, end_time=2)
    written = otlp_json.request([spoilt, ReadableSpan("b", start_time=1, end_time=2)])
    first, second = spans_in(orjson.loads(written))
    assert (first.attributes, second.name) == ({"path": "caf?"}, "b")
    assert written.endswith(b"\n")
