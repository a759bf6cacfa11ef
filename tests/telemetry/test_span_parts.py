"""What spans are made of: ids, flags, limits, a provider that begins late, and what they say of how they ended."""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, ParentBasedTraceIdRatio, Sampler
from opentelemetry.trace import NonRecordingSpan, NoOpTracerProvider, SpanContext, StatusCode, TraceFlags
from opentelemetry.util._once import Once

import telemetry
from telemetry import _health
from telemetry._deaths import Death
from telemetry._spans import emitter, library_span, limits, own
from telemetry._spans.exception_events import exception_attributes
from telemetry._spans.ids import ProcessIds, ids
from telemetry._spans.late_provider import LateProvider
from telemetry._spans.limits import Limits, limits_of, within
from telemetry._spans.source import keeps_sampled
from telemetry._spans.traceparent import span_context, traceparent_of
from telemetry.settings import TelemetrySettings

EVERY = {"attributes": 128, "events": 128, "links": 128, "event_attributes": 128, "link_attributes": 128}


class Counting(IdGenerator):
    """Ids in order, which are not random."""

    def __init__(self) -> None:
        self.last = 0

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    def generate_trace_id(self) -> int:
        return self.generate_span_id()

    def is_trace_id_random(self) -> bool:
        return False


@pytest.fixture
def provided() -> Iterator[Any]:
    """Makes a provider the process's own until the test ends, as only a new process could do by the public way."""
    before, once = trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE

    def provide(provider: trace.TracerProvider) -> None:
        trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = None, Once()
        trace.set_tracer_provider(provider)

    yield provide
    trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = before, once


def test_ids_of_a_seed_are_the_same_again_until_there_is_none() -> None:
    """As wide as they may be; then the generator goes on."""
    made, expected = ProcessIds(), random.Random(7)  # noqa: S311  # ids, not secrets
    made.use(Counting())
    for _ in range(2):
        made.seed(7)
        for _ in range(8):
            found = (made.generate_trace_id(), made.generate_span_id())
            assert found == (expected.getrandbits(128), expected.getrandbits(64))
        assert made.is_trace_id_random()
        expected.seed(7)
    made.seed(None)
    assert (made.generate_trace_id(), made.generate_span_id(), made.is_trace_id_random()) == (1, 2, False)
    assert ProcessIds().is_trace_id_random()


def test_an_id_is_never_nought(monkeypatch: pytest.MonkeyPatch) -> None:
    """That would be no id."""
    made = ProcessIds()
    monkeypatch.setattr(made, "_seeded", SimpleNamespace(getrandbits=lambda _bits: 0))
    assert (made.generate_trace_id(), made.generate_span_id()) == (1, 1)


@pytest.mark.parametrize(("generator", "flags"), [(None, 3), (Counting(), 1)], ids=["random", "counted"])
def test_a_reserved_root_is_sampled_and_says_whether_its_id_is_random(
    generator: IdGenerator | None, flags: int, provided: Any
) -> None:
    """It is one of this process's own, whoever emits it; so are spans at the top of a trace."""
    provided(TracerProvider(id_generator=generator, shutdown_on_exit=False))
    reserved = emitter.reserve("run")
    started = emitter.start("top", attributes={}).get_span_context()
    assert [(each.is_valid, each.is_remote, each.trace_flags) for each in (reserved, started)] == [(True, False, flags)] * 2


def test_where_nobody_traces_a_root_is_reserved_and_nothing_is_kept(provided: Any) -> None:
    """Another process may emit it."""
    provided(NoOpTracerProvider())
    reserved = emitter.reserve("run")
    assert (reserved.is_valid, reserved.is_remote, reserved.trace_flags) == (True, False, TraceFlags(3))
    assert emitter.reserve("run").trace_id != reserved.trace_id
    assert emitter.prepare("asked", attributes={}) is None
    assert not emitter.start("asked", attributes={}).is_recording()
    root = emitter.start_reserved("run", context=reserved, attributes={}, links=[], start_ns=1)
    assert (root.get_span_context(), root.is_recording()) == (reserved, False)
    emitter.hand_over(InMemorySpanExporter())  # type: ignore[arg-type]  # nobody looks at it


def test_a_prepared_span_is_heard_of_when_it_begins(provided: Any) -> None:
    """It has its ids before; one that ended elsewhere is handed to the same processors."""
    exporter, heard = InMemorySpanExporter(), list[str]()
    provider = TracerProvider(shutdown_on_exit=False)

    class Hearing(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            heard.append(span.name)

    for processor in (Hearing(), SimpleSpanProcessor(exporter)):
        provider.add_span_processor(processor)
    provided(provider)
    prepared: Any = emitter.prepare("later", attributes={"n": 1}, start_ns=5)
    assert (heard, prepared.get_span_context().is_valid) == ([], True)
    prepared.begin()
    prepared.end(9)
    assert heard == ["later"]
    (ended,) = exporter.get_finished_spans()
    assert (ended.start_time, ended.end_time) == (5, 9)
    emitter.hand_over(ended)
    assert exporter.get_finished_spans() == (ended, ended)


def test_a_span_that_has_ended_changes_no_more(provided: Any) -> None:
    """Nor does it end twice; OK is final, and UNSET changes nothing."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provided(provider)
    span = emitter.start("ours", attributes={})
    span.set_status(StatusCode.ERROR, "no")
    span.set_status(StatusCode.UNSET)
    span.end(7)
    span.set_status(StatusCode.OK)
    span.set_attribute("late", 1)
    span.add_event("late")
    span.add_link(SpanContext(1, 1, is_remote=True))
    span.update_name("late")
    span.end(8)
    (ended,) = exporter.get_finished_spans()
    assert (ended.name, ended.status.status_code, ended.status.description) == ("ours", StatusCode.ERROR, "no")
    assert (dict(ended.attributes or {}), ended.events, ended.links, ended.end_time) == ({}, (), (), 7)


def test_a_span_tells_its_journal_what_it_learns(provided: Any) -> None:
    """As it does, and up to when it is about to end."""
    provided(TracerProvider(shutdown_on_exit=False))
    span: Any = emitter.start("ours", attributes={"n": 1})
    told: list[tuple[int, dict[str, Any]]] = []
    span.journal = SimpleNamespace(learned=lambda span_id, step: told.append((span_id, step)))
    span.set_attribute("a", "b")
    span.update_name("renamed")
    span.set_status(StatusCode.ERROR, "no")
    span.conclude()
    span.set_attribute("last", 1)
    assert {span_id for span_id, _ in told} == {span.get_span_context().span_id}
    assert [step for _, step in told][:2] == [{"a": {"a": "b"}}, {"name": "renamed"}]
    assert [list(step) for _, step in told] == [["a"], ["name"], ["status"]]
    span.end()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (SpanLimits(max_span_attributes=2), {"b": "long", "c": "long"}),
        (SpanLimits(max_span_attributes=3), {"a": "long", "b": "long", "c": "long"}),
        (SpanLimits(max_span_attribute_length=2), {"a": "lo", "b": "lo", "c": "lo"}),
    ],
    ids=["fewer", "as many", "shorter"],
)
def test_a_limit_holds_without_another(given: SpanLimits, kept: dict[str, str], provided: Any) -> None:
    """Of a span's attributes the newest are kept, each as far as it goes, and what was dropped is counted."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False, span_limits=given)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provided(provider)
    emitter.start("ours", attributes=dict.fromkeys("abc", "long")).end()
    (ended,) = exporter.get_finished_spans()
    assert (dict(ended.attributes or {}), ended.dropped_attributes) == (kept, 3 - len(kept))


def test_limits_that_are_no_numbers_are_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """And said once as a problem of ours; without a limit, as many as there are."""
    problems: list[BaseException] = []
    monkeypatch.setattr(_health, "problem", problems.append)
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    monkeypatch.setattr(limits._Known, "given", object())
    usual: Any = limits_of(SimpleNamespace(_span_limits="unknown"))  # type: ignore[arg-type]  # of an SDK to come
    assert usual == Limits(**EVERY, length=None, event_length=None)
    assert len(problems) == 1
    monkeypatch.delenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT")
    unlimited = SimpleNamespace(_span_limits=SpanLimits(max_span_attributes=SpanLimits.UNSET, max_events=3))
    found = limits_of(unlimited)  # type: ignore[arg-type]  # that alone is asked for
    assert (found.attributes > 10**9, found.events, found.links) == (True, 3, 128)


def test_a_value_is_cut_wherever_its_text_is() -> None:
    """In lists and mappings, too; what is no text stays."""
    values = {"a": "long", "b": ["long", 7], "c": {"d": "long"}, "e": 12345}
    cut = {"a": "lo", "b": ("lo", 7), "c": {"d": "lo"}, "e": 12345}
    assert within(values, most=9, length=2) == cut
    assert within(values, most=2, length=None) == {"c": {"d": "long"}, "e": 12345}


def test_an_exception_says_whether_it_has_left() -> None:
    """As the conventions write it."""
    assert exception_attributes(ValueError("no"))["exception.escaped"] == "False"
    assert exception_attributes(ValueError("no"), escaped=True)["exception.escaped"] == "True"
    assert exception_attributes(KeyError("no"))["exception.type"] == "KeyError"
    assert exception_attributes(_Odd("no"))["exception.type"] == f"{__name__}._Odd"


class _Odd(Exception):  # noqa: N818  # a name is all it is for
    pass


def test_a_traceparent_names_a_span_of_another_process() -> None:
    """With all its digits."""
    named = "00-" + "0" * 31 + "a-" + "0" * 15 + "b-01"
    context = span_context(named)
    assert (context.trace_id, context.span_id, context.is_remote, int(context.trace_flags)) == (10, 11, True, 1)
    assert traceparent_of(context) == named


class _Own(ParentBased):
    """Somebody's own sampler, which may decide as it likes."""


@pytest.mark.parametrize(
    ("sampler", "is_known"),
    [
        (ParentBased(ALWAYS_OFF), True),
        (ParentBasedTraceIdRatio(0.5), True),
        (ParentBased(ALWAYS_ON, local_parent_sampled=ALWAYS_OFF), False),
        (ALWAYS_ON, False),
        (_Own(ALWAYS_ON), False),
    ],
    ids=["by its parent", "a share", "otherwise below", "not by its parent", "somebody's own"],
)
def test_only_a_sampler_that_goes_by_the_parent_is_not_asked(sampler: Sampler, is_known: bool) -> None:
    """Of a child whose parent is sampled in this process."""
    assert keeps_sampled(sampler) == is_known


def test_a_library_s_span_says_how_it_ended(captrace: Any) -> None:
    """Well, with an error, with something that is none, or with its process."""
    kinds = trace.SpanKind
    spans = [library_span.start(f"s{n}", scope="t", kind=kinds.CLIENT, attributes={"n": n, "x": None}) for n in range(4)]
    spans[0].succeeded()
    spans[1].failed(LookupError("no"))
    spans[2].failed_with("503")
    spans[3].died(Death("signal", signal="SIGKILL"))
    for each in spans:
        each.end(10**18)
    found = captrace.spans
    assert [(each.status, each.status_message) for each in found] == [
        ("OK", ""),
        ("ERROR", "no"),
        ("ERROR", ""),
        ("ERROR", "the process was killed by SIGKILL"),
    ]
    assert [each.attributes.get("error.type") for each in found] == [None, "LookupError", "503", "died"]
    assert found[3].outcome == "died"
    assert [event.name for event in found[1].events] == ["exception"]
    assert [(each.attributes["n"], "x" in each.attributes, each.end_ns) for each in found] == [
        (n, False, 10**18) for n in range(4)
    ]


def test_a_library_s_span_that_cannot_start_is_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its library goes on."""

    def broken(_name: str) -> Any:
        raise RuntimeError("nobody may see this")

    monkeypatch.setattr(trace, "get_tracer", broken)
    span = library_span.start("s", scope="t", kind=trace.SpanKind.CLIENT, attributes={})
    with span.active():
        assert isinstance(span.span, NonRecordingSpan)
    span.end()


class Recorded(SpanProcessor):
    """Counts what it is asked to do."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.flushed: list[int] = []
        self.is_shut = False

    def on_end(self, span: Any) -> None:
        self.ended.append(span.name)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self.flushed.append(timeout_millis)
        return False

    def shutdown(self) -> None:
        self.is_shut = True


def test_a_provider_begins_with_the_first_span() -> None:
    """Once; tracers and processors that were there before are its own, and so are later ones."""
    made: list[TracerProvider] = []

    def make() -> TracerProvider:
        made.append(TracerProvider(shutdown_on_exit=False, resource=Resource({"n": len(made)})))
        return made[-1]

    late, early, later = LateProvider(make), Recorded(), Recorded()
    tracer = late.get_tracer("t", "1", "url")
    late.add_span_processor(early)
    assert (late.get_tracer("t", "1", "url"), late.get_tracer("t", "2", "url")) == (tracer, late.get_tracer("t", "2", "url"))
    assert late.get_tracer("t", "1", "url", {"a": 1}) is not tracer
    assert (made, late.force_flush(5)) == ([], True)
    late.shutdown()
    tracer.start_span("first").end()
    late.add_span_processor(later)
    with tracer.start_as_current_span("second"):
        pass
    assert (len(made), early.ended, later.ended) == (1, ["first", "second"], ["second"])
    assert (late.force_flush(5), len(early.flushed)) == (False, 1)
    assert late.resource.attributes["n"] == 0
    late.shutdown()
    assert early.is_shut


def test_where_no_provider_can_be_made_nothing_is_recorded() -> None:
    """And nothing raised into whoever starts a span; one that can be made later is."""
    before, wrong = telemetry.swallowed(), [ValueError("no sampler of that name")]

    def make() -> TracerProvider:
        if wrong:
            raise wrong.pop()
        return TracerProvider(shutdown_on_exit=False)

    tracer = LateProvider(make).get_tracer("t")
    with tracer.start_as_current_span("first") as first:
        assert not first.is_recording()
    assert telemetry.swallowed() == before + 1
    assert tracer.start_span("second").is_recording()


def test_a_forked_child_has_a_provider_of_its_own() -> None:
    """With the parent's tracers and processors, also where that was just making one; a parent's provider goes on."""
    late = LateProvider(lambda: TracerProvider(shutdown_on_exit=False, resource=Resource({"pid": os.getpid()})))
    early, later, tracer = Recorded(), Recorded(), late.get_tracer("t")
    late.add_span_processor(early)
    assert late.resource.attributes["pid"] == os.getpid()
    late.add_span_processor(later)
    tracer.start_span("parent's").end()
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with late._lock:
            is_held.set()
            is_over.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(30)
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            if late._lock.acquire(timeout=5):
                span: Any = tracer.start_span("child's")
                span.end()
                os.write(writing, f"{span.resource.attributes['pid']} {early.ended} {later.ended}".encode())
        finally:
            os._exit(0)
    is_over.set()
    holder.join()
    os.close(writing)
    os.waitpid(child, 0)
    heard = ["parent's", "child's"]
    assert os.read(reading, 999).decode() == f"{child} {heard} {heard}"
    os.close(reading)
    assert (late.resource.attributes["pid"], early.ended, later.ended) == (os.getpid(), heard[:1], heard[:1])


@pytest.mark.parametrize(
    ("variables", "name", "expected"),
    [
        ({}, "shop", {"service.name": "shop"}),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "a=b,host.name=theirs"},
            "shop",
            {"service.name": "shop", "a": "b", "host.name": "theirs"},
        ),
        ({"OTEL_SERVICE_NAME": "oven"}, "", {"service.name": "oven"}),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs"}, "shop", {"service.name": "shop"}),
        ({}, "", {"service.name": f"unknown_service:{Path(sys.executable).name}"}),
    ],
)
def test_a_resource_says_what_the_process_is(
    variables: dict[str, str], name: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its service, host and process; what the environment says goes before what we find."""
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    found = own.resource(TelemetrySettings(service_name=name, resource=(("deployment", "local"),))).attributes
    known = {"host.name": socket.gethostname(), "process.pid": os.getpid(), "deployment": "local"} | expected
    assert {key: found[key] for key in known} == known


def test_our_own_provider_hands_each_span_to_every_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, with ids that the environment chooses."""
    used: list[IdGenerator] = []
    registered = SimpleNamespace(load=lambda: Counting)
    monkeypatch.setenv("OTEL_PYTHON_ID_GENERATOR", " counting ")
    monkeypatch.setattr(own, "entry_points", lambda *, group, name: [registered] if name == "counting" else [])
    monkeypatch.setattr(ids, "use", used.append)
    processors = [Recorded(), Recorded()]
    made = own.make_provider(TelemetrySettings(service_name="shop"), processors)
    made.get_tracer("t").start_span("ours").end()
    assert [each.ended for each in processors] == [["ours"], ["ours"]]
    assert [type(each) for each in used] == [Counting]
    assert made.resource.attributes["service.name"] == "shop"
    assert isinstance(made.id_generator, ProcessIds)
    monkeypatch.delenv("OTEL_PYTHON_ID_GENERATOR")
    own.make_provider(TelemetrySettings(service_name="shop"), [])
    assert len(used) == 1


def test_a_sampler_that_a_package_registers_is_made_with_its_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK knows its own by name."""
    made: list[str | None] = []

    def make(argument: str | None) -> Any:
        made.append(argument)
        return ALWAYS_OFF

    theirs = SimpleNamespace(value="theirs.sampling:make", load=lambda: make)
    sdks = SimpleNamespace(value="opentelemetry.sdk.trace.sampling:make", load=lambda: pytest.fail("the SDK makes it"))
    registered = {"theirs": [sdks, theirs], "always_on": [sdks]}
    monkeypatch.setattr(own, "entry_points", lambda *, group, name: registered[name] if "sampler" in group else [])
    for name, argument, sampler in ((" theirs ", "0.5", ALWAYS_OFF), ("always_on", "", None), ("", "", None)):
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
        assert own._sampler() is sampler
    assert made == ["0.5"]
