"""Somebody was here first: their provider is adopted, their instrumentation completed, their exporters get no secret."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from telemetry.reading import read_lines, read_spans
from tests.telemetry.bakery import Bakery, Broker, wait_until
from tests.telemetry.canary import CANARY
from tests.telemetry.otlp import receiver
from tests.telemetry.test_processes import run

INSTRUMENT = ("-c", "from opentelemetry.instrumentation.auto_instrumentation import run; run()")
"""The program opentelemetry-instrument, which runs the program that its arguments name."""

SEND = """
import bakery, telemetry
from django.test import Client
telemetry.configure()
with telemetry.span("send"):
    bakery.bake.delay("rye", failures=2)
    bakery.leak.delay(*bakery.SECRETS)
assert Client().get("/order/oat", {"loaf": "oat"}).status_code == 200
telemetry.flush()
"""

TASK_ENDED = re.compile(r"Task \w+\[.*\] (retry|succeeded|raised)")  # as Celery's own lines say it


@dataclass(frozen=True)
class Instrumented:
    """What their exporter sent, and what is in our file."""

    spans: list[Span]
    metrics: set[str]
    received: bytes
    home: Path

    def named(self, name: str) -> list[Span]:
        """The spans with this name, in the order they started."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.start_time_unix_nano)


def _tasks_ended(lines: Path) -> int:
    return sum(bool(TASK_ENDED.match(line["event"])) for line in read_lines(lines))


@pytest.fixture(scope="module")
def instrumented(embedded_servers: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instrumented]:
    """A prefork worker and a sender, both started through opentelemetry-instrument with the SDK's own configurator."""
    folder = tmp_path_factory.mktemp("instrumented")
    distribution = folder / "configurator-1.dist-info"  # what opentelemetry-distro registers
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: configurator\nVersion: 1\n")
    (distribution / "entry_points.txt").write_text(
        "[opentelemetry_configurator]\nconfigurator = opentelemetry.sdk._configuration:_OTelSDKConfigurator\n"
    )
    with receiver() as collector:
        project = Bakery(
            folder,
            embedded_servers,
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_BSP_SCHEDULE_DELAY="60000",  # what their exporter gets, it gets as a process ends
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        )
        worker = (sys.executable, "-m", "celery", "-A", "bakery", "worker", "-c", "1")
        with project.running(*INSTRUMENT, *worker, out="worker"):
            project.run(SEND, through=(*INSTRUMENT, sys.executable))
            wait_until(lambda: _tasks_ended(project.home / "logs.jsonl") >= 5)
        metrics = {metric.name for _, metric in collector.metrics()}
        yield Instrumented(collector.spans(), metrics, collector.received(), project.home)


@pytest.mark.slow
def test_their_exporter_gets_every_span_once(instrumented: Instrumented) -> None:
    """Of every message and run, of their instrumentation and of ours; children that exit lose none."""
    assert set(Counter(span.span_id for span in instrumented.spans).values()) == {1}
    names = Counter(span.name for span in instrumented.spans)
    assert (names["run/bake"], names["apply_async/bake"], names["GET order/<slug:of>"]) == (4, 4, 1)
    assert (names["run/leak"], names["apply_async/leak"], names["GET"], names["send"]) == (1, 1, 1, 1)


def test_attempts_are_siblings_there_too(instrumented: Instrumented) -> None:
    """Celery was instrumented before us."""
    (send,) = instrumented.named("send")
    attempts = [span for span in instrumented.named("run/bake") if span.trace_id == send.trace_id]
    assert len({attempt.parent_span_id for attempt in attempts}) == 1
    assert [[link.span_id for link in attempt.links] for attempt in attempts] == [
        [],
        [attempts[0].span_id],
        [attempts[1].span_id],
    ]


def test_their_exporter_gets_no_secret(instrumented: Instrumented) -> None:
    """Names, attributes, events, links and statuses are clean before it sees them."""
    assert CANARY.encode() not in instrumented.received
    (run,) = instrumented.named("run/leak")
    assert "Authorization: [redacted]" in run.status.message


def test_their_metrics_have_ours(instrumented: Instrumented) -> None:
    """Their provider of metrics, too, is flushed as the child ends."""
    assert "bakery.bake.duration" in instrumented.metrics


def test_our_file_has_the_same_spans(instrumented: Instrumented) -> None:
    """So that whoever reads it misses nothing."""
    file = sorted(span.span_id for span in read_spans(instrumented.home / "traces.jsonl"))
    assert file == sorted(span.span_id.hex() for span in instrumented.spans)


WRAPPED = """
import json, os
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult


class Append(SpanExporter):
    def export(self, spans):
        with open("theirs", "a") as file:
            for span in spans:
                file.write(json.dumps(json.loads(span.to_json())) + "\\n")
        return SpanExportResult.SUCCESS


class Tracer(trace.Tracer):
    def __init__(self, tracer):
        self.tracer = tracer

    def start_span(self, *args, **options):
        return self.tracer.start_span(*args, **options)

    def start_as_current_span(self, *args, **options):
        return self.tracer.start_as_current_span(*args, **options)


class Provider(trace.TracerProvider):  # as logfire's, it is no SDK provider but has one
    def __init__(self):
        self.provider = TracerProvider(resource=Resource.create({"service.name": "theirs"}))

    def get_tracer(self, *args, **options):
        return Tracer(self.provider.get_tracer(*args, **options))

    def add_span_processor(self, processor):
        self.provider.add_span_processor(processor)

    def force_flush(self, timeout_millis=30000):
        return self.provider.force_flush(timeout_millis)


provider = Provider()
provider.add_span_processor(BatchSpanProcessor(Append(), schedule_delay_millis=60_000))
trace.set_tracer_provider(provider)
RequestsInstrumentor().instrument()
CeleryInstrumentor().instrument()

import bakery, requests, telemetry
root = telemetry.Root.reserve(bakery.Bake)
with telemetry.bind(team_id=7), root.active():
    try:
        bakery.leak(*bakery.SECRETS)
    except RuntimeError:
        pass
with root.finish(bakery.Bake(loaf=bakery.SECRETS[0])) as baking:
    baking.completed(bakery.Baked(crumbs=1))
assert telemetry.flush()
if os.fork() == 0:
    with telemetry.span("in a child"):
        pass
    os._exit(0 if telemetry.flush() else 1)
assert os.wait()[1] == 0
"""


API_ONLY = """
from opentelemetry import trace


class Span(trace.NonRecordingSpan):
    def given(self, *args, **options):
        handed_over.append(repr((args, options)))

    set_attribute = set_attributes = set_status = add_event = record_exception = update_name = given


class Tracer(trace.Tracer):
    def start_span(self, name, context=None, **options):
        started.append(name)
        handed_over.append(repr(options))
        return Span(trace.SpanContext(len(started), 1, is_remote=False))

    def start_as_current_span(self, name, *args, **options):
        return trace.use_span(self.start_span(name))


class Provider(trace.TracerProvider):  # as ddtrace's, it knows nothing of the SDK
    def get_tracer(self, *args, **options):
        return Tracer()


started, handed_over = [], []
provider = Provider()
trace.set_tracer_provider(provider)

import bakery
from django.test import Client
assert trace.get_tracer_provider() is provider
with bakery.observe(bakery.Bake(loaf="rye")) as baking:
    bakery.emit(bakery.Rang(times=1))
    baking.completed(bakery.Baked(crumbs=1))
assert Client().get("/order/oat", {"loaf": "oat"}).status_code == 200
assert bakery.telemetry.flush()
assert bakery.telemetry.swallowed() == 0
assert started == ["bakery.bake", "GET", "apply_async/bake"], started
assert Client(raise_request_exception=False).get("/leak", {"access_token": bakery.SECRETS[0]}).status_code == 500
assert "'bakery.outcome': 'completed'" in "".join(handed_over)  # what is known at the end, too
assert bakery.SECRETS[0] not in "".join(handed_over)
assert "redacted" in "".join(handed_over)
"""


def test_a_provider_that_has_nothing_of_the_sdk_goes_on_working(embedded_servers: Broker, tmp_path: Path) -> None:
    """It starts every span of ours, and lines have the ids that it gives them; nothing is said of overriding it.

    Nobody stands between us and its exporters, so no secret is handed over.
    """
    project = Bakery(tmp_path, embedded_servers)
    printed = project.run(API_ONLY)
    (rang,) = [json.loads(line) for line in printed.splitlines() if '"bakery.rang"' in line]
    assert rang["trace_id"] == f"{1:032x}"
    assert "Overriding" not in printed


def test_a_provider_that_only_wraps_the_sdks_is_adopted_too(embedded_servers: Broker, tmp_path: Path) -> None:
    """Its exporter gets our spans, those of reserved roots and of forked children once, under its resource, clean."""
    project = Bakery(tmp_path, embedded_servers)
    project.run(WRAPPED)
    text = (tmp_path / "theirs").read_text()
    spans: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    assert CANARY not in text
    assert set(Counter(span["context"]["span_id"] for span in spans).values()) == {1}
    assert {span["resource"]["attributes"]["service.name"] for span in spans} == {"theirs"}
    tops = [span["name"] for span in spans if span["parent_id"] is None]
    assert sorted(tops) == ["bakery.bake", "in a child"]
    (get,) = [span for span in spans if span["name"] == "GET"]
    assert get["attributes"]["team_id"] == 7


THEIRS = """
import time
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider


class Slow(SpanProcessor):
    def force_flush(self, timeout_millis=30000):
        time.sleep(min(0.3, timeout_millis / 1000))
        return timeout_millis >= 300


provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(Slow())
trace.set_tracer_provider(provider)
"""


@pytest.mark.slow
def test_their_exporter_has_as_long_as_whoever_flushes_waits(tmp_path: Path) -> None:
    """Two seconds unless somebody says otherwise; whoever waits no longer is told that not all is exported."""
    code = "sell()\nassert telemetry.flush()\nbegan = time.monotonic()\nassert not telemetry.flush(0.05)\n"
    run(f"{code}assert time.monotonic() - began < 0.25", tmp_path, before=THEIRS)


RESTING = """
from threading import enumerate as threads
from telemetry._spans import provider
sell()
assert "telemetry-file" in [each.name for each in threads()]
provider.rest()
assert "telemetry-file" not in [each.name for each in threads()]
sell()
assert telemetry.flush()
"""


@pytest.mark.parametrize("before", ["", THEIRS], ids=["ours", "theirs"])
@pytest.mark.slow
def test_no_thread_of_ours_exports_while_a_worker_forks(tmp_path: Path, before: str) -> None:
    """Whoever made the provider; what had ended is exported before, and what follows begins it again."""
    run(RESTING, tmp_path, before=before)
    assert [span.name for span in read_spans(tmp_path / "traces.jsonl")] == ["shop.sale"] * 2


@pytest.mark.slow
def test_where_else_spans_go_is_for_whoever_made_the_provider_to_say(tmp_path: Path) -> None:
    """The exporter that the variables name is theirs to add; our file has the spans."""
    with receiver() as collector:
        names = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        run("sell(); assert telemetry.flush()", tmp_path / "adopted", before=THEIRS, **names)
        assert collector.spans() == []
        run("sell(); assert telemetry.flush()", tmp_path / "ours", **names)
        assert [span.name for span in collector.spans()] == ["shop.sale"]
    for name in ("adopted", "ours"):
        assert [span.name for span in read_spans(tmp_path / name / "traces.jsonl")] == ["shop.sale"]
