"""Our spans keep every promise of the process's own provider: its sampler, ids, resource, limits and processors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags
from opentelemetry.util._once import Once

from telemetry import _journals
from telemetry._export.journal import Journal
from telemetry._spans import emitter
from telemetry._spans.open_span import OpenSpan


class Said(Sampler):
    """Decides as it is told, and adds an attribute."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def should_sample(self, parent_context: Any, trace_id: int, name: str, *more: Any, **_: Any) -> SamplingResult:
        attributes = dict(more[1])
        self.asked.append((name, attributes))
        return SamplingResult(self.decision, {**attributes, "sampler": "said"})

    def get_description(self) -> str:
        return "said"


class Started(SpanProcessor):
    """Sets an attribute on what starts, as processors of others do."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        assert span.is_recording()
        span.set_attribute("started", span.name)


def provided(provider: trace.TracerProvider) -> None:
    """Make `provider` the process's own, as only a new process could do by the public way."""
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = Once()
    trace.set_tracer_provider(provider)


@pytest.fixture(autouse=True)
def _own_provider() -> Iterator[None]:
    """Leave other tests the provider that they have."""
    before, once = trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE
    yield
    trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = before, once


def exported(*processors: SpanProcessor, **options: Any) -> InMemorySpanExporter:
    """Return the exporter of a new provider of the process."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False, **options)
    for processor in (*processors, SimpleSpanProcessor(exporter)):
        provider.add_span_processor(processor)
    provided(provider)
    return exporter


def test_a_span_is_like_one_of_the_sdk() -> None:
    """Same parent, kind, flags, resource and scope; only what started it differs."""
    exporter = exported(resource=Resource.create({"service.name": "shop"}))
    tracer = trace.get_tracer("another")
    with tracer.start_as_current_span("above") as above:
        tracer.start_span("theirs", attributes={"n": 1}).end()
        emitter.start("ours", attributes={"n": 1}).end()
    theirs, ours, _ = exporter.get_finished_spans()
    assert ours.context is not None
    assert theirs.context is not None
    assert ours.context.trace_id == theirs.context.trace_id
    assert ours.context.span_id != theirs.context.span_id
    assert ours.context.trace_flags == theirs.context.trace_flags
    assert (ours.parent, ours.kind, ours.attributes, ours.resource) == (
        above.get_span_context(),
        theirs.kind,
        theirs.attributes,
        theirs.resource,
    )
    assert ours.instrumentation_scope is not None
    assert ours.instrumentation_scope.name == "telemetry"
    assert 0 < (ours.start_time or 0) <= (ours.end_time or 0)


@pytest.mark.parametrize("decision", Decision)
def test_the_sampler_decides_and_may_add_attributes(decision: Decision) -> None:
    """What is dropped is no span, and its children have ids all the same; what is only recorded is not exported."""
    sampler = Said(decision)
    exporter = exported(Started(), sampler=sampler)
    span = emitter.start("asked", attributes={"n": 1})
    span.end()
    assert sampler.asked == [("asked", {"n": 1})]
    assert span.get_span_context().is_valid
    assert span.get_span_context().trace_flags.sampled == (decision is Decision.RECORD_AND_SAMPLE)
    found = [dict(one.attributes or {}) for one in exporter.get_finished_spans()]
    assert found == ([{"n": 1, "sampler": "said", "started": "asked"}] if decision is Decision.RECORD_AND_SAMPLE else [])


def test_a_child_of_what_was_not_sampled_is_not_sampled() -> None:
    """By the parent's flags, local or remote."""
    exporter = exported(sampler=ParentBased(ALWAYS_OFF))
    remote = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with trace.use_span(emitter.start("root", attributes={})):
        dropped = emitter.start("dropped", attributes={})
        assert not dropped.is_recording()
        dropped.end()
    with trace.use_span(NonRecordingSpan(remote)):
        emitter.start("kept", attributes={}).end()
    assert [one.name for one in exporter.get_finished_spans()] == ["kept"]


def test_a_sampler_that_drops_what_is_below_a_sampled_span_of_this_process_does() -> None:
    """Though it goes by the parent, and keeps what is below a sampled span of another process."""
    exporter = exported(sampler=ParentBased(ALWAYS_ON, local_parent_sampled=ALWAYS_OFF))
    remote = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    for above in (emitter.start("root", attributes={}), NonRecordingSpan(remote)):
        with trace.use_span(above, end_on_exit=True):
            emitter.start(f"below {above.get_span_context().is_remote}", attributes={}).end()
    assert [one.name for one in exporter.get_finished_spans()] == ["root", "below True"]


class Quiet(ParentBased):
    """Goes by the parent, but for what is called noise."""

    def should_sample(self, parent_context: Any, trace_id: int, name: str, *more: Any, **named: Any) -> SamplingResult:
        asked = (parent_context, trace_id, name, *more)
        return SamplingResult(Decision.DROP) if name == "noise" else super().should_sample(*asked, **named)


def test_a_sampler_of_somebodys_own_is_asked_of_each_child() -> None:
    """It may drop one whose parent is kept."""
    exporter = exported(sampler=Quiet(ALWAYS_ON))
    with trace.use_span(emitter.start("root", attributes={}), end_on_exit=True):
        for name in ("noise", "kept"):
            emitter.start(name, attributes={}).end()
    assert [one.name for one in exporter.get_finished_spans()] == ["kept", "root"]


@pytest.mark.parametrize(
    ("sampler", "is_asked"),
    [
        (ParentBased(ALWAYS_ON), False),
        (ParentBased(ALWAYS_OFF), False),
        (ParentBasedTraceIdRatio(0.5), False),
        (ParentBased(ALWAYS_ON, local_parent_sampled=ALWAYS_OFF), True),
        (Quiet(ALWAYS_ON), True),
        (ALWAYS_ON, True),
        (TraceIdRatioBased(0.5), True),
    ],
    ids=lambda value: value.get_description() if isinstance(value, Sampler) else "",
)
def test_a_sampler_is_asked_of_a_child_unless_its_answer_is_known(sampler: Sampler, is_asked: bool) -> None:
    """Of a child of a sampled span of this process; asking costs as much as the rest of a span."""
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provided(provider)
    source = emitter._source()
    assert source is not None
    asked: list[str] = []

    class Listening(Sampler):
        def should_sample(self, parent_context: Any, trace_id: int, name: str, *more: Any, **_: Any) -> SamplingResult:
            asked.append(name)
            return SamplingResult(Decision.DROP)

        def get_description(self) -> str:
            return "listening"

    source.sampler = Listening()
    above = SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with trace.use_span(NonRecordingSpan(above)):
        emitter.start("child", attributes={}).end()
    assert asked == ["child"] * is_asked


def test_a_reserved_root_is_sampled_as_its_children_will_be() -> None:
    """At half, 100 roots and their children agree, and some are kept and some not."""
    exporter = exported(sampler=ParentBased(TraceIdRatioBased(0.5)))
    for _ in range(100):
        context = emitter.reserve("run")
        with trace.use_span(NonRecordingSpan(context)):
            emitter.start("child", attributes={}).end()
        emitter.start_reserved("run", context=context, attributes={}, links=(), start_ns=1).end(2)
    traces: dict[int, set[str]] = {}
    for one in exporter.get_finished_spans():
        assert one.context is not None
        traces.setdefault(one.context.trace_id, set()).add(one.name)
    assert 20 < len(traces) < 80
    assert all(names == {"run", "child"} for names in traces.values())


def test_the_providers_ids_are_used() -> None:
    """Those of X-Ray, or of a test's seed."""

    class Counted(RandomIdGenerator):
        def generate_span_id(self) -> int:
            return 17

        def generate_trace_id(self) -> int:
            return 34

    exporter = exported(id_generator=Counted())
    emitter.start("counted", attributes={}).end()
    (one,) = exporter.get_finished_spans()
    assert one.context is not None
    assert (one.context.trace_id, one.context.span_id) == (34, 17)
    assert emitter.reserve("run").trace_id == 34


def test_a_provider_that_is_not_the_sdks_starts_our_spans_itself() -> None:
    """As ddtrace's does, which knows the API alone."""
    started: list[tuple[str, dict[str, Any]]] = []

    class TheirTracer(trace.Tracer):
        def start_span(self, name: str, *_: Any, attributes: Any = None, **more: Any) -> trace.Span:
            started.append((name, dict(attributes)))
            return NonRecordingSpan(SpanContext(1, 2, is_remote=False))

        def start_as_current_span(self, *_: Any, **more: Any) -> Any:
            raise NotImplementedError

    class TheirProvider(trace.TracerProvider):
        def get_tracer(self, *_: Any, **more: Any) -> trace.Tracer:
            return TheirTracer()

    provided(TheirProvider())
    assert emitter.start("theirs", attributes={"n": 1}).get_span_context().span_id == 2
    assert started == [("theirs", {"n": 1})]
    reserved = emitter.reserve("run")
    assert (reserved.is_valid, reserved.is_remote, reserved.trace_flags) == (True, False, 3)
    assert emitter.prepare("theirs", attributes={}) is None


@pytest.mark.parametrize(("is_random", "flags"), [(True, 3), (False, 1)])
def test_flags_say_whether_a_trace_s_id_is_random(is_random: bool, flags: int) -> None:
    """As the provider's ids are, of roots and of reserved ones; all are of this process."""

    class Ids(RandomIdGenerator):
        def is_trace_id_random(self) -> bool:
            return is_random

    exported(id_generator=Ids())
    root, reserved = emitter.start("root", attributes={}), emitter.reserve("run")
    with trace.use_span(root):
        child = emitter.start("child", attributes={})
    for context in (root.get_span_context(), child.get_span_context(), reserved):
        assert (context.trace_flags, context.is_remote) == (flags, False)


def test_a_span_that_has_ended_elsewhere_is_exported_here() -> None:
    """As it is."""
    exporter = exported()
    span = ReadableSpan("elsewhere", SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(1)))
    emitter.hand_over(span)
    assert exporter.get_finished_spans() == (span,)


def test_a_prepared_span_is_unheard_of_until_it_begins() -> None:
    """It has its ids, its parent and its start before."""
    exporter = exported(Started())
    above = SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with trace.use_span(NonRecordingSpan(above)):
        span = emitter.prepare("later", attributes={"n": 1}, start_ns=5)
    assert isinstance(span, OpenSpan)
    assert (span.get_span_context().trace_id, dict(span.attributes or {})) == (7, {"n": 1})
    span.begin()
    span.end(9)
    (one,) = exporter.get_finished_spans()
    assert (one.parent, one.start_time, one.end_time) == (above, 5, 9)
    assert dict(one.attributes or {}) == {"n": 1, "started": "later"}


def test_an_ended_span_does_not_change() -> None:
    """It is with the exporters, perhaps on another thread."""
    exporter = exported()
    span = emitter.start("done", attributes={"n": 1})
    span.set_status(StatusCode.OK)
    span.set_status(Status(StatusCode.ERROR, "late"))
    span.end(5)
    span.end(9)
    span.set_attribute("n", 2)
    span.set_attributes({"m": 2})
    span.add_event("late")
    span.add_link(SpanContext(1, 2, is_remote=False))
    span.update_name("other")
    (one,) = exporter.get_finished_spans()
    assert (one.name, one.end_time, one.attributes, one.events, one.links) == ("done", 5, {"n": 1}, (), ())
    assert one.status.status_code is StatusCode.OK
    assert not span.is_recording()


def test_whatever_the_api_offers_reaches_the_exporter() -> None:
    """Code inside a block may use the current span as OpenTelemetry's documentation has it."""
    exporter = exported()
    linked = SpanContext(3, 4, is_remote=False)
    span = emitter.start("block", attributes={}, links=[Link(linked)])
    with trace.use_span(span, end_on_exit=True):
        current = trace.get_current_span()
        current.update_name("renamed")
        current.add_event("moment", {"n": 1}, 7)
        current.add_link(SpanContext(5, 6, is_remote=False), {"why": "batch"})
        current.add_link(SpanContext(0, 6, is_remote=False))  # which leads nowhere
        current.record_exception(ValueError("bad"), {"attempt": 3})
    (one,) = exporter.get_finished_spans()
    assert one.name == "renamed"
    assert [event.name for event in one.events] == ["moment", "exception"]
    raised = one.events[1].attributes or {}
    assert (raised["exception.type"], raised["attempt"]) == ("ValueError", 3)
    assert [link.context.span_id for link in one.links] == [4, 6]


def test_what_an_open_span_learns_is_in_the_journal(tmp_path: Path) -> None:
    """At once, as it is exported later."""
    journal = Journal(tmp_path, most_waiting=9)
    exported(journal)
    span = emitter.start("block", attributes={})
    span.add_event("moment", {"n": 1}, 7)
    span.add_link(SpanContext(5, 6, is_remote=False), {"why": "batch"})
    (file,) = _journals.files_in(tmp_path)
    found = _journals.read(file.read_bytes())
    assert found is not None
    (entry,) = found.entries.values()
    assert entry.events == [["moment", 7, {"n": 1}]]
    assert entry.links == [[f"{5:032x}", f"{6:016x}", False, {"why": "batch"}]]
    span.end()


def names(spans: Sequence[ReadableSpan]) -> list[str]:
    """Return the spans' names."""
    return [one.name for one in spans]


def test_a_new_provider_is_noticed() -> None:
    """The known tracer is that of the provider that is there now."""
    first = exported()
    emitter.start("first", attributes={}).end()
    second = exported()
    emitter.start("second", attributes={}).end()
    assert (names(first.get_finished_spans()), names(second.get_finished_spans())) == (["first"], ["second"])


SMALL = SpanLimits(
    max_span_attributes=3, max_events=2, max_links=1, max_event_attributes=1, max_link_attributes=1, max_attribute_length=5
)
VARIABLES = {
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "1",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "1",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "1",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5",
}


@pytest.mark.parametrize("variables", [{}, VARIABLES, {**VARIABLES, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7"}])
def test_a_span_holds_as_much_as_one_of_the_sdk(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the provider was told, or the environment says: attributes, events, links and characters."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    exporter = exported(**({} if variables else {"span_limits": SMALL}))
    links = [Link(SpanContext(9, 1, is_remote=False), {"a": "long enough", "b": 1})]
    for span in (
        trace.get_tracer("another").start_span("theirs", attributes={"first": 0}, links=links),
        emitter.start("ours", attributes={"first": 0}, links=links),
    ):
        for number in range(5):
            span.set_attribute(f"n{number}", ["long enough", number])
            span.add_event(f"event {number}", {"a": "long enough", "b": number}, timestamp=number)
            span.add_link(SpanContext(number + 1, 1, is_remote=False), {"a": "long enough", "b": number})
        span.end()
    theirs, ours = (vars_of(span) for span in exporter.get_finished_spans())
    assert ours == theirs
    assert theirs["dropped"] == (3, 3, 5)
    assert [dropped for *_, dropped in theirs["events"] + theirs["links"]] == [1, 1, 1]


def vars_of(span: ReadableSpan) -> dict[str, Any]:
    """Return what a span holds."""
    return {
        "attributes": dict(span.attributes or {}),
        "events": [
            (event.name, dict(event.attributes or {}), event.timestamp, event.dropped_attributes) for event in span.events
        ],
        "links": [(link.context.trace_id, dict(link.attributes or {}), link.dropped_attributes) for link in span.links],
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
    }


def test_a_resource_leaves_without_its_secrets() -> None:
    """A detector of resources may have found the arguments of the process."""
    exporter = exported(resource=Resource({"process.command_args": ("serve", "--password", "hunter2"), "n": 1}))
    emitter.start("ours", attributes={}).end()
    (ours,) = exporter.get_finished_spans()
    assert dict(ours.resource.attributes) == {"process.command_args": ("serve", "--password", "[redacted]"), "n": 1}
