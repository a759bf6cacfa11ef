"""What a span has as it starts, and what it learns, is in its journal as it is: nothing is left out or exchanged."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanLimits, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from telemetry import _journals
from telemetry._export.journal import Journal
from telemetry._export.listening import Telling, listen
from telemetry._export.marks import Mark
from telemetry._export.steps import Step, left_line, line_of, started

SAMPLED = TraceFlags(TraceFlags.SAMPLED)
REMOTE = SpanContext(1 << 100, 1 << 60, is_remote=True, trace_flags=SAMPLED)
LINKED = SpanContext(3, 4, is_remote=True, trace_flags=SAMPLED)


@pytest.fixture
def tracer(tmp_path: Path) -> Tracer:
    """A tracer of somebody else's, whose spans are in a journal."""
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(Journal(tmp_path, most_waiting=9))
    return provider.get_tracer("theirs", "1.0", schema_url="https://a.test/2", attributes={"of": "scope"})


def _entry(folder: Path) -> _journals.Entry:
    """The only span in the only journal of a folder."""
    (path,) = _journals.files_in(folder)
    journal = _journals.read(path.read_bytes())
    assert journal is not None
    (entry,) = journal.entries.values()
    return entry


def test_what_a_span_starts_with_is_there(tracer: Tracer, tmp_path: Path) -> None:
    """Where it is from, whose child it is, and what it is linked to."""
    parent = set_span_in_context(NonRecordingSpan(REMOTE))
    links = [Link(LINKED, {"n": 1})]
    span = tracer.start_span("s", context=parent, kind=SpanKind.CONSUMER, links=links, start_time=5, attributes={"a": 1})
    entry = _entry(tmp_path)
    assert (entry.name, entry.start_ns, entry.attributes) == ("s", 5, {"a": 1})
    assert (entry.trace_id, entry.parent_id, entry.parent_is_remote) == (f"{1 << 100:032x}", f"{1 << 60:016x}", True)
    assert (entry.kind, entry.scope) == (SpanKind.CONSUMER.value, ["theirs", "1.0", "https://a.test/2", {"of": "scope"}])
    assert entry.links == [[f"{3:032x}", f"{4:016x}", True, {"n": 1}]]
    span.end()


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (None, None),
        (InstrumentationScope("telemetry"), None),
        (InstrumentationScope("theirs"), ["theirs", "", "", {}]),
        (InstrumentationScope("theirs", "1", "https://a.test/2"), ["theirs", "1", "https://a.test/2", {}]),
    ],
    ids=["none", "ours", "a name", "all"],
)
def test_the_usual_is_left_out_of_the_line(scope: InstrumentationScope | None, said: list[object] | None) -> None:
    """Of a span inside its process, opened here; it is what a reader takes for granted."""
    own, above = (SpanContext(1, number, is_remote=False, trace_flags=SAMPLED) for number in (2, 3))
    step = started(ReadableSpan("s", context=own, parent=above, instrumentation_scope=scope, start_time=5), own)
    assert step.pop("at") > 0
    expected: Step = {"id": f"{2:016x}", "trace": f"{1:032x}", "name": "s", "start": 5, "flags": 1, "a": {}}
    assert step == {**expected, "parent": f"{3:016x}", **({} if said is None else {"scope": said})}


def test_a_span_that_is_written_whole_has_its_events_and_its_state() -> None:
    """As a reserved root, which was never open here."""
    own = SpanContext(1, 2, is_remote=False, trace_flags=SAMPLED, trace_state=TraceState([("a", "b")]))
    step = started(ReadableSpan("s", context=own, events=[Event("happened", {"why": "so"}, timestamp=5)], start_time=1), own)
    assert (step["events"], step["state"]) == ([["happened", 5, {"why": "so"}]], "a=b")


def test_what_a_span_learns_is_there_before_it_ends(tracer: Tracer, tmp_path: Path) -> None:
    """And the span has learned it, too."""
    span = tracer.start_span("s")
    assert isinstance(span, Span)
    span.set_attribute("a", 1)
    span.set_attributes({"b": 2, "c": 3})
    span.add_event("happened", {"why": "so"}, timestamp=5)
    span.add_link(LINKED, {"n": 1})
    span.add_link(SpanContext(0, 0, is_remote=False))
    span.update_name("renamed")
    span.set_status(Status(StatusCode.ERROR, "it broke"))
    entry = _entry(tmp_path)
    assert (entry.name, entry.attributes) == ("renamed", {"a": 1, "b": 2, "c": 3})
    assert entry.events == [["happened", 5, {"why": "so"}]]
    assert entry.links == [[f"{3:032x}", f"{4:016x}", True, {"n": 1}]]
    assert entry.status == (StatusCode.ERROR.value, "it broke")
    assert (span.name, dict(span.attributes or {})) == ("renamed", {"a": 1, "b": 2, "c": 3})
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "it broke")
    assert ([event.name for event in span.events], [link.context for link in span.links]) == (["happened"], [LINKED])
    span.end()


class _Told:
    """A journal that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, Step]] = []

    def learned(self, span_id: int, step: Step) -> None:
        self.steps.append((span_id, step))


def test_a_status_that_says_nothing_is_not_told() -> None:
    """Instrumentations set it at every end; one that says something stays, whatever is set later."""
    journal = _Told()
    span = TracerProvider(shutdown_on_exit=False).get_tracer("theirs").start_span("s")
    assert isinstance(span, Span)
    listen(span, journal)
    span.set_status(Status(StatusCode.UNSET))
    assert journal.steps == []
    span.set_status(Status(StatusCode.ERROR, "it broke"))
    span.set_status(Status(StatusCode.UNSET))
    assert {tuple(step["status"]) for _, step in journal.steps} == {(StatusCode.ERROR.value, "it broke")}


def test_a_span_that_has_ended_tells_nothing_more() -> None:
    """Nor does one that is not the SDK's own, and says nothing of itself."""
    journal = _Told()
    span = TracerProvider(shutdown_on_exit=False).get_tracer("theirs").start_span("s")
    assert isinstance(span, Span)
    listen(span, journal)
    span.add_event("first", timestamp=5)
    span.end()
    span.add_event("late", timestamp=6)
    span.set_attribute("late", 1)
    assert journal.steps == [(span.get_span_context().span_id, {"events": [["first", 5, {}]]})]
    listen(ReadableSpan("read"), journal)
    assert len(journal.steps) == 1


def test_a_span_that_tells_by_itself_learns_whom_to_tell() -> None:
    """As ours do."""

    class Ours(Telling, ReadableSpan):
        pass

    journal, ours = _Told(), Ours("ours")
    listen(ours, journal)
    assert ours.journal is journal


def test_a_span_that_may_keep_no_event_tells_of_none() -> None:
    """OTEL_SPAN_EVENT_COUNT_LIMIT=0 breaks nothing."""
    journal = _Told()
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_events=0))
    span = provider.get_tracer("theirs").start_span("s")
    assert isinstance(span, Span)
    listen(span, journal)
    span.add_event("happened")
    assert (list(span.events), journal.steps) == ([], [])
    span.end()


def test_a_line_keeps_what_json_has_no_word_for() -> None:
    """Numbers that are none, and text that is no Unicode: one line, which its reader takes."""
    for value in (math.nan, "caf\udce9", None):
        line = line_of({"id": "1", "a": {"odd": value}})
        assert line.endswith(b"}\n")
        assert line.count(b"\n") == 1
    assert line_of({"id": "1", "a": {"odd": math.nan}}) == b'{"id": "1", "a": {"odd": NaN}}\n'
    assert line_of({"id": "1"}) == b'{"id":"1"}\n'


def test_a_name_that_nobody_has_looked_at_is_clean_in_the_line() -> None:
    """As every part of a span that another instrumentation has made."""
    own = SpanContext(1, 2, is_remote=False, trace_flags=SAMPLED)
    step = started(ReadableSpan("GET ghp_" + "a" * 36, context=own, attributes={"password": "hunter2"}), own)
    assert (step["name"], step["a"]) == ("GET [redacted]", {"password": "[redacted]"})


@pytest.mark.parametrize("is_counted", [True, False])
def test_an_exporter_that_is_done_with_spans_says_which_and_who_counts_them(is_counted: bool) -> None:
    """Whoever reads that asks whether they are counted; a span that all are done with is not there."""
    asked: list[tuple[str, str, int]] = []

    def ask(*mark: object) -> bool:
        asked.append(mark)  # type: ignore[arg-type]  # which is what is asserted
        return is_counted

    contexts = [SpanContext(1, number, is_remote=False, trace_flags=SAMPLED) for number in (2, 3, 4)]
    first, second, third = (f"{number:016x}" for number in (2, 3, 4))
    steps = [{**started(ReadableSpan("s", context=own, start_time=5), own), "end": 6} for own in contexts]
    lines = [line_of({"journal": 1, "exporters": ["file", "otlp"]}), *map(line_of, steps)]
    lines += [left_line("file", [first, second], None, at=1 << 62), left_line("otlp", [first, third], Mark("me", 7))]
    journal = _journals.read(b"".join(lines), is_counted=ask)
    assert journal is not None
    assert asked == [("otlp", "me", 7)]
    assert journal.last_ns == 1 << 62
    left = {span_id: entry.left for span_id, entry in journal.entries.items()}
    counted = {second: {"file"}, third: {"otlp"}}
    assert left == (counted if is_counted else {first: {"file"}, second: {"file"}, third: set()})
