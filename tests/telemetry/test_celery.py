"""A real prefork worker of a project that has none of our apps: its spans, its lines, and nothing lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from telemetry.reading import Span, draw, orphans_of, read_lines, read_spans
from tests.telemetry.bakery import Bakery, Broker, wait_until

SEND = """
import bakery
from celery import chain, chord, group
from telemetry import bind, flush, span
app = bakery.app
with bind(team_id=7), span("send"):
    bakery.bake.delay("rye", failures=2)
    bakery.auto.delay()
    bakery.bound.delay()
    bakery.last.delay()
    bakery.burn.delay()
    bakery.odd.delay()
    bakery.expected.delay()
with span("swap"):
    bakery.swap.delay()
bakery.hang.delay()
with span("canvas"):
    chain(bakery.add.s(1), bakery.add.s(2)).delay()
    chord(group(bakery.add.s(1), bakery.add.s(2)), bakery.add.s()).delay()
bakery.bound.delay()
for finds in (False, True):
    bakery.tick.delay(finds)
app.send_task("no.such.task.here", queue="nowhere")
with span("after"):
    pass
flush()
"""
RUNS = 20


@pytest.fixture(scope="module")
def bakery(embedded_servers: Broker, tmp_path_factory: pytest.TempPathFactory) -> Bakery:
    """Everything was sent and run, children were replaced after four tasks, and the worker has stopped."""
    project = Bakery(
        tmp_path_factory.mktemp("bakery"),
        embedded_servers,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",  # nothing listens: no exit may wait for it
    )
    command = ["-m", "celery", "-A", "bakery", "worker", "-c", "2", "--max-tasks-per-child", "4", "-l", "INFO"]
    with project.running(*command, out="worker"):
        project.run(SEND)
        wait_until(lambda: _runs(project) >= RUNS)
    return project


@pytest.fixture(scope="module")
def home(bakery: Bakery) -> Path:
    """Where its spans and lines are."""
    return bakery.home


def _runs(project: Bakery) -> int:
    path = project.home / "traces.jsonl"
    return sum(span.name.startswith("run/") for span in read_spans(path)) if path.exists() else 0


@pytest.fixture(scope="module")
def spans(home: Path) -> list[Span]:
    """Every span of the worker and the sender."""
    return read_spans(home / "traces.jsonl")


def kinds_of(path: Path) -> dict[str, str]:
    """The kind of each span, by its name."""
    requests = [json.loads(line) for line in path.read_text().splitlines()]
    return {
        span["name"]: SpanMessage.SpanKind.Name(span["kind"])
        for request in requests
        for group in request["resourceSpans"]
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    }


@pytest.mark.slow
def test_every_task_of_a_child_that_exits_has_its_span(spans: list[Span]) -> None:
    """All are there, though children exit after four tasks and the collector is not there."""
    assert sum(span.name.startswith("run/") for span in spans) == RUNS
    assert orphans_of(spans) == []


def test_retried_attempts_are_numbered_linked_siblings(spans: list[Span]) -> None:
    """Three attempts hang under one parent; each but the first is linked to the one before; failed ones are marked."""
    attempts = sorted((span for span in spans if span.name == "run/bake"), key=lambda span: span.start_ns)
    assert [span.attributes["celery.attempt"] for span in attempts] == [1, 2, 3]
    assert len({span.parent_id for span in attempts}) == 1
    assert [span.links for span in attempts] == [
        (),
        ((attempts[0].trace_id, attempts[0].span_id),),
        ((attempts[1].trace_id, attempts[1].span_id),),
    ]
    assert [span.status for span in attempts] == ["ERROR", "ERROR", "OK"]
    inside = [span for span in spans for attempt in attempts if span.parent_id == attempt.span_id and span.outcome]
    assert sorted(str(span.outcome) for span in inside) == ["completed", "retrying", "retrying"]


def test_a_message_whose_task_stands_elsewhere_says_where_and_has_nothing_below_it(spans: list[Span]) -> None:
    """So that a collector may leave it out of a page without making an orphan."""
    sent = {span.span_id: span for span in spans if "celery.run.parent_id" in span.attributes}
    (again, once_more) = [span for span in sent.values() if span.name == "apply_async/bake"]
    (parent,) = {span.parent_id for span in spans if span.name == "run/bake"}
    assert {again.attributes["celery.run.parent_id"], once_more.attributes["celery.run.parent_id"]} == {parent}
    assert {span.parent_id for span in spans} & sent.keys() == set()


def test_autoretry_keeps_one_trace_and_one_parent(spans: list[Span]) -> None:
    """Celery's own retries are siblings too."""
    first, second = sorted((span for span in spans if span.name == "run/auto"), key=lambda span: span.start_ns)
    assert (first.trace_id, first.parent_id) == (second.trace_id, second.parent_id)
    assert (first.status, second.status) == ("ERROR", "OK")


def test_chain_group_and_chord_keep_one_trace(spans: list[Span]) -> None:
    """All five runs are in the trace of the span that sent the canvas."""
    (canvas,) = [span for span in spans if span.name == "canvas"]
    assert sum(span.name == "run/add" and span.trace_id == canvas.trace_id for span in spans) == 5


def test_bound_context_crosses_delay_and_is_gone_in_the_next_task(home: Path, spans: list[Span]) -> None:
    """What the sender had bound is on the task's lines and spans, and not on those of a task sent without it."""
    lines = [line for line in read_lines(home / "logs.jsonl") if line["event"] == "bakery.rang" and line["times"] == 2]
    assert sorted(line.get("team_id", 0) for line in lines) == [0, 7]
    assert all(line["task_id"] for line in lines)
    assert sorted(int(str(span.attributes.get("team_id", 0))) for span in spans if span.name == "run/bound") == [0, 7]


def test_what_is_to_follow_an_attempt_s_span_knows_when_that_ended(home: Path, spans: list[Span]) -> None:
    """It is called once, outside the attempt's span, with what is bound for the attempt."""
    (last,) = [span for span in spans if span.name == "run/last"]
    (after,) = [line for line in read_lines(home / "logs.jsonl") if line["event"] == "after"]
    assert after["ended_ns"] == last.end_ns
    assert (after["task_id"], "trace_id" in after) == (last.attributes["task_id"], False)


def test_a_failed_task_is_an_error(spans: list[Span]) -> None:
    """Its consumer span says so."""
    (burnt,) = [span for span in spans if span.name == "run/burn"]
    assert (burnt.status, burnt.attributes["celery.state"]) == ("ERROR", "FAILURE")
    assert burnt.attributes["error.type"] == "RuntimeError"


def test_an_error_that_cannot_be_pickled_keeps_its_name(spans: list[Span]) -> None:
    """Celery hands on a stand-in for it; the span has the error."""
    (odd,) = [span for span in spans if span.name == "run/odd"]
    assert (odd.status, odd.status_message) == ("ERROR", "left top")
    assert odd.attributes["error.type"] == "Unpicklable"


def test_an_error_that_its_task_declares_is_only_named(spans: list[Span]) -> None:
    """As Celery logs it as news and not as an error."""
    (expected,) = [span for span in spans if span.name == "run/expected"]
    assert (expected.status, expected.attributes["error.type"]) == ("UNSET", "KeyError")


def test_a_task_that_replaces_itself_is_no_retry(spans: list[Span]) -> None:
    """What replaces it is an attempt 1 below it, though Celery gives it the same id."""
    (swap,) = [span for span in spans if span.name == "run/swap"]
    (add,) = [span for span in spans if span.name == "run/add" and span.trace_id == swap.trace_id]
    (sent,) = [span for span in spans if span.span_id == add.parent_id]
    assert (sent.name, sent.parent_id) == ("apply_async/add", swap.span_id)
    assert (add.attributes["celery.attempt"], add.links) == (1, ())
    assert add.attributes["messaging.message.id"] == swap.attributes["messaging.message.id"]
    assert (swap.attributes["celery.state"], swap.status) == ("IGNORED", "UNSET")


def test_messages_are_described_as_opentelemetry_has_it(home: Path, spans: list[Span]) -> None:
    """The broker, the queue, the operation, and the message's id, which is the same where it is sent and consumed."""
    (run,) = [span for span in spans if span.name == "run/burn"]
    (sent,) = [span for span in spans if span.span_id == run.parent_id]
    keys = ("messaging.system", "messaging.operation.name", "messaging.operation.type", "messaging.destination.name")
    assert [sent.attributes[key] for key in keys] == ["redis", "apply_async", "send", "celery"]
    assert [run.attributes[key] for key in keys] == ["redis", "run", "process", "celery"]
    assert run.attributes["messaging.message.id"] == sent.attributes["messaging.message.id"]
    assert str(run.attributes["celery.worker"]).startswith("celery@")
    kinds = kinds_of(home / "traces.jsonl")
    assert (kinds["run/burn"], kinds["apply_async/burn"]) == ("SPAN_KIND_CONSUMER", "SPAN_KIND_PRODUCER")
    ours = {key for span in spans for key in span.attributes if key.startswith("messaging.")}
    assert ours == {*keys, "messaging.message.id"}


def test_queue_wait_is_on_the_consumer_span(spans: list[Span]) -> None:
    """It is never negative, and a planned delay is not in it."""
    sent = {span.span_id: span for span in spans if span.name.startswith("apply_async/")}
    runs = [span for span in spans if span.name.startswith("run/")]
    waits = {run.span_id: float(str(run.attributes["celery.queue.wait_ms"])) for run in runs}
    assert len(waits) == RUNS
    known = [run for run in runs if run.parent_id in sent and run.attributes["celery.attempt"] == 1]
    assert len(known) > RUNS // 2
    for run in known:  # in milliseconds, it is over when the span starts
        assert 0 <= waits[run.span_id] <= (run.start_ns - sent[str(run.parent_id)].start_ns) / 1e6 + 1
    assert min(waits.values()) >= 0


def test_a_name_that_nobody_here_knows_leaves_no_span_open(spans: list[Span]) -> None:
    """The span that follows is no child of the producer's."""
    (after,) = [span for span in spans if span.name == "after"]
    assert after.parent_id is None
    assert any(span.name == "apply_async/no.such.task.here" for span in spans)


def test_lines_have_the_ids_of_their_spans(home: Path, spans: list[Span]) -> None:
    """Every line with ids finds its span in the file."""
    ids = {span.span_id for span in spans}
    lines = [line for line in read_lines(home / "logs.jsonl") if "span_id" in line]
    assert lines
    assert {line["span_id"] for line in lines} <= ids, draw(spans)


def test_a_quiet_task_has_no_spans_but_what_it_sends_has(bakery: Bakery, spans: list[Span]) -> None:
    """Its message and its run are not traced; what it sends hangs under the root that it is addressed to."""
    assert [span.name for span in spans if "tick" in span.name] == []
    canvas = {span.trace_id for span in spans if span.name in ("canvas", "swap")}
    sent = [span for span in spans if span.name.endswith("/add") and span.trace_id not in canvas]
    assert sorted(span.name for span in sent) == ["apply_async/add", "run/add"]
    assert len({(span.trace_id, span.parent_id) for span in sent}) == 1


def test_celery_says_of_a_quiet_task_only_in_the_file_that_it_ran(bakery: Bakery, home: Path) -> None:
    """The stream at INFO has the other tasks' lines; the file has all."""
    about = [line for line in read_lines(home / "logs.jsonl") if "Task tick[" in line["event"]]
    assert [line["level"] for line in about] == ["debug"] * 4
    assert "Task tick[" not in bakery.printed("worker")
    assert "Task bound[" in bakery.printed("worker")


def test_a_child_that_is_ended_in_the_middle_of_a_task_loses_no_span(spans: list[Span]) -> None:
    """A hard time limit ends the child; the operation and its task's run died of it."""
    (run,) = [span for span in spans if span.name == "run/hang"]
    (bake,) = [span for span in spans if span.parent_id == run.span_id]
    assert (bake.name, bake.outcome, run.outcome, run.status) == ("bakery.bake", "died", "died", "ERROR")
    assert [span.attributes["died.cause"] for span in (bake, run)] == ["time_limit"] * 2
    assert [span.attributes["died.limit_sec"] for span in (bake, run)] == [1, 1]
