"""Spans leave without secrets, and those that hold none leave as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

import telemetry
from telemetry._export import otlp_json
from telemetry._export.redacting import RedactingExporter, RedactingProcessor

TOKEN = "ghp_" + "a" * 36


def exported(*spans: ReadableSpan) -> list[ReadableSpan]:
    """What comes out behind the redaction."""
    kept = InMemorySpanExporter()
    exporter = RedactingExporter(kept)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    assert (exporter.taken, exporter.failed) == (len(spans), 0)
    return list(kept.get_finished_spans())


def test_a_clean_span_is_not_copied() -> None:
    """Nearly all spans are clean, and a copy of each would cost more than looking at it."""
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with provider.get_tracer("test").start_as_current_span("GET", attributes={"url": "https://a.test/b", "n": 1}) as span:
        span.add_event("retried", {"after": "1 s"})
    (finished,) = kept.get_finished_spans()
    assert exported(finished)[0] is finished


@pytest.mark.parametrize("has_flushed", [True, False])
def test_who_flushes_hears_whether_it_was_done(has_flushed: bool) -> None:
    """In the time that is given, or half a minute, as the SDK has it."""
    given: list[int] = []

    class Flushing(InMemorySpanExporter):
        def force_flush(self, timeout_millis: int = 0) -> bool:
            given.append(timeout_millis)
            return has_flushed

    exporter = RedactingExporter(Flushing())
    assert [exporter.force_flush(500), exporter.force_flush()] == [has_flushed] * 2
    assert given == [500, 30_000]


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

    large = [ReadableSpan(str(n), attributes={"text": "ab " * 1_000_000, "more": "cd " * 1_000_000}) for n in range(100)]
    small = [ReadableSpan(str(n), attributes={"n": n}) for n in range(100, 400)]
    RedactingExporter(Counting()).export([*large, *small])
    assert [span.name for request in requests for span in request] == [str(n) for n in range(400)]
    assert 1 < len(requests) < 5
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
    assert (exporter.taken, exporter.failed) == (0, 2)


def test_a_request_that_fails_costs_no_other_its_spans() -> None:
    """Its own spans count as failed, the others are sent, and whoever called hears of it."""
    sent: list[str] = []

    class Second(InMemorySpanExporter):
        """Refuses its second request."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            sent.extend(span.name for span in spans)
            if "first of the second" in sent and "third" not in sent:
                raise ValueError("it cannot encode this")
            return SpanExportResult.SUCCESS

    large = {f"a{n}": "x" * 16_000 for n in range(60)}
    names = ["a", "b", "c", "first of the second", "d", "e", "third"]
    exporter = RedactingExporter(Second())
    with pytest.raises(ValueError, match="encode"):
        exporter.export([ReadableSpan(name, attributes=large) for name in names])
    assert sent == names
    assert exporter.failed == 3


def test_a_span_larger_than_any_receiver_takes_is_shrunk() -> None:
    """It keeps its attributes, cut short, and its last events; what it lost is counted."""
    stack = {"exception.stacktrace": "x" * 16_000}
    span = ReadableSpan(
        "large",
        attributes={"n": 1, **{f"a{n}": "y" * 16_000 for n in range(100)}, "deep": {"a": ["z" * 16_000] * 4}},
        events=[Event(str(number), stack, number) for number in range(500)],
        links=[Link(SpanContext(1, 2, is_remote=False), {"why": "w" * 16_000})] * 3,
        status=Status(StatusCode.ERROR, "s" * 16_000),
        start_time=1,
        end_time=2,
    )
    small, large = exported(ReadableSpan("small", attributes={"n": 2}), span)
    assert (small.attributes, large.name) == ({"n": 2}, "large")
    assert len(otlp_json.request([large])) < 2 * 1024 * 1024
    attributes = large.attributes or {}
    assert attributes["n"] == 1
    assert "characters left out" in str(attributes["a99"])
    assert large.events[-1].name == "499"
    assert 0 < len(large.events) == 500 - large.dropped_events
    assert len(large.links) == 3
    assert large.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    "parts",
    [
        {"name": f"GET {TOKEN}"},
        {"status": Status(StatusCode.ERROR, f"bad {TOKEN}")},
        {"attributes": {"a": f"it is {TOKEN}"}},
        {"attributes": {TOKEN: "a"}},
        {"events": [Event("fine"), Event(f"said {TOKEN}")]},
        {"events": [Event("fine"), Event("said", {"a": TOKEN})]},
        {"links": [Link(SpanContext(1, 2, is_remote=True)), Link(SpanContext(1, 3, is_remote=True), {"a": TOKEN})]},
    ],
    ids=lambda parts: next(iter(parts)),
)
def test_one_secret_is_enough_for_a_copy(parts: dict[str, Any]) -> None:
    """Wherever it stands alone; the span itself stays as it was."""
    span = ReadableSpan(**{"name": "GET", **parts})
    (clean,) = exported(span)
    assert TOKEN not in clean.to_json()
    assert "[redacted]" in clean.to_json()
    assert TOKEN in span.to_json()


def test_what_a_span_has_lost_before_stays_counted() -> None:
    """Also where it is copied because of a secret."""
    provider = TracerProvider(span_limits=SpanLimits(max_attributes=2, max_events=1, max_links=1))
    kept = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with provider.get_tracer("test").start_as_current_span("GET") as span:
        for number in range(3):
            span.set_attribute(f"n{number}", TOKEN)
            span.add_event(f"event {number}", {"a": 1, "b": 2, "c": TOKEN})
            span.add_link(SpanContext(1, number + 1, is_remote=False), {"a": 1, "b": 2, "c": TOKEN})
    before, after = kept.get_finished_spans()[0], exported(*kept.get_finished_spans())[0]
    assert TOKEN not in after.to_json()
    assert dropped(before) == dropped(after) == (1, 2, 2, 1, 1)


def dropped(span: ReadableSpan) -> tuple[int, ...]:
    """Return how many attributes, events, links, and attributes of the last event and link a span has lost."""
    return (
        span.dropped_attributes,
        span.dropped_events,
        span.dropped_links,
        span.events[-1].dropped_attributes,
        span.links[-1].dropped_attributes,
    )


def test_resources_and_scopes_leave_without_secrets() -> None:
    """Made once for all spans of one provider: receivers group by them."""
    resource = Resource({"process.command_line": "serve --password hunter2", "password": "hunter2", "n": 1})
    scope = InstrumentationScope("shop", "1", attributes={"url": "https://ann:hunter2@host/"})
    spans = [ReadableSpan("a", resource=resource, instrumentation_scope=scope) for _ in range(2)]
    first, second = exported(*spans)
    assert first.resource is second.resource
    assert first.instrumentation_scope is second.instrumentation_scope
    assert "hunter2" not in otlp_json.request([first, second]).decode()
    assert (first.resource.attributes["n"], first.resource.attributes["password"]) == (1, "[redacted]")


ODD_TEXTS = ["caf\udce9", TOKEN, "x" * 3_000_000, 5, 1.5, None, b"a", pytest.param(object(), id="an object")]


@pytest.mark.parametrize("odd", ODD_TEXTS, ids=lambda odd: str(odd)[:9])
def test_what_should_be_a_text_spoils_neither_its_span_nor_the_request(odd: Any) -> None:
    """Names, versions, schemas, descriptions: whatever instrumentations give is written, bounded and without secrets."""
    moments: dict[str, Any] = {"start_time": 1, "end_time": 2}
    context, ok = SpanContext(1, 2, is_remote=False), {"ok": 1}
    status = Status(StatusCode.ERROR)
    status._description = odd
    spans = [
        ReadableSpan(odd, context, attributes=ok, **moments),
        ReadableSpan("event", context, attributes=ok, events=[Event(odd, timestamp=1)], **moments),
        ReadableSpan("status", context, attributes=ok, status=status, **moments),
        ReadableSpan("scope", context, attributes=ok, instrumentation_scope=InstrumentationScope(odd), **moments),
        ReadableSpan("version", context, attributes=ok, instrumentation_scope=InstrumentationScope("x", odd), **moments),
        ReadableSpan("schema", context, attributes=ok, instrumentation_scope=InstrumentationScope("x", "1", odd), **moments),
        ReadableSpan("resource", context, attributes=ok, resource=Resource({}, odd), **moments),
    ]
    left = exported(*spans)
    assert [span.attributes for span in left] == [ok] * len(spans)
    for document in (encode_spans(left).SerializeToString(), otlp_json.request(left)):
        assert len(document) < len(spans) * 20_000
        assert TOKEN.encode() not in document


def test_what_every_request_says_again_has_an_end() -> None:
    """Of the attributes of a resource and of a scope as many are kept as fit, and how many are left out is said."""
    many = {f"k{number}": "y" * 16_000 for number in range(200)}
    span = ReadableSpan("a", resource=Resource(many), instrumentation_scope=InstrumentationScope("x", attributes=many))
    (left,) = exported(span)
    assert left.instrumentation_scope is not None
    for attributes in (left.resource.attributes, left.instrumentation_scope.attributes):
        assert (len(attributes or {}), (attributes or {})["attributes_left_out"]) == (5, 196)


def test_numbers_that_are_none_stay_numbers() -> None:
    """A span that holds some is clean."""
    span = ReadableSpan("a", attributes={"n": float("nan"), "all": (1.0, float("nan"), float("inf"))})
    assert exported(span)[0] is span


def test_a_span_that_cannot_be_looked_at_leaves_empty() -> None:
    """With its ids and times, beside all others; it is counted as an error of ours."""

    class Hostile(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise RuntimeError("no")

        def __iter__(self) -> Iterator[str]:
            raise RuntimeError("no")

        def __len__(self) -> int:
            return 1

    context = SpanContext(1, 2, is_remote=False)
    before = telemetry.swallowed()
    odd, fine = exported(ReadableSpan("odd", context, attributes=Hostile(), start_time=1, end_time=2), ReadableSpan("fine"))
    assert (odd.name, odd.context, odd.start_time, odd.end_time, fine.name) == ("[unprintable span]", context, 1, 2, "fine")
    assert telemetry.swallowed() == before + 1


END = 1_800_000_000_000_000_000


@pytest.mark.parametrize(
    "moment",
    ["soon", pytest.param(object(), id="an object"), -5, 2**63, 2**70, float("nan"), float("inf"), -1.5, 1e40],
    ids=str,
)
def test_a_wrong_moment_spoils_no_request(moment: Any) -> None:
    """Nor does a wrong kind: every exporter can write the span, with the moment that it has otherwise."""
    context = SpanContext(1, 2, is_remote=False)
    spans = [
        ReadableSpan("start", context, start_time=moment, end_time=END),
        ReadableSpan("end", context, start_time=END, end_time=moment),
        ReadableSpan("both", context, start_time=moment, end_time=moment),
        ReadableSpan("event", context, start_time=1, end_time=END, events=[_event_at(moment)]),
        ReadableSpan("kind", context, kind=moment, start_time=END, end_time=END),
        ReadableSpan("fine", context, start_time=END, end_time=END),
    ]
    left = exported(*spans)
    assert encode_spans(left).resource_spans
    assert otlp_json.request(left)
    assert [span.name for span in left] == ["start", "end", "both", "event", "kind", "fine"]
    assert [left[0].start_time, left[1].end_time, left[3].events[0].timestamp] == [END] * 3
    assert left[4].kind is SpanKind.INTERNAL
    assert left[5] is spans[5]


def test_a_moment_in_nanoseconds_may_be_no_whole_number() -> None:
    """As `time.time() * 1e9` is none."""
    span = ReadableSpan("span", start_time=1.5e18, end_time=1.6e18, events=[_event_at(1.55e18)])  # type: ignore[arg-type]  # so
    (left,) = exported(span)
    assert [left.start_time, left.end_time, left.events[0].timestamp] == [15 * 10**17, 16 * 10**17, 155 * 10**16]
    assert {type(left.start_time), type(left.end_time), type(left.events[0].timestamp)} == {int}


def test_an_adopted_providers_spans_have_moments() -> None:
    """Before its exporters see them."""
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    provider.add_span_processor(RedactingProcessor())
    provider.get_tracer("test").start_span("GET", start_time=1.5e18).end(1.6e18)  # type: ignore[arg-type]  # so
    assert encode_spans(kept.get_finished_spans()).resource_spans


def _event_at(moment: Any) -> Event:
    event = Event("said", {}, 1)
    vars(event)["_timestamp"] = moment
    return event


def test_an_adopted_providers_spans_are_cleaned_before_its_exporters() -> None:
    """All their parts, the resource as well."""
    provider, kept = TracerProvider(resource=Resource({"token": "hunter2"})), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    provider.add_span_processor(RedactingProcessor())
    with provider.get_tracer("test").start_as_current_span(f"GET {TOKEN}") as span:
        span.set_attribute("password", "hunter2")
        span.record_exception(ValueError(TOKEN))
    (clean,) = kept.get_finished_spans()
    assert TOKEN not in clean.to_json()
    assert "hunter2" not in clean.to_json()
