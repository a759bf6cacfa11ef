"""What we use of others that they have not promised: each use fails here first when they change it.

A private name that `telemetry` imports must be listed. What it relies on beside names is tested where it matters: that
an exporter of OTLP makes its requests through the session, or the stub, that it was given (`test_spool`); that
Celery is handling a task's error as it tells of it, and marks what replaces a task (`test_celery`); that
instrumentation-requests writes its headers right after our hook (`test_processes`); that Django closes a response
(`test_web`); that a reader of metrics is handed them by `_receive_metrics` (`test_metrics_boundary`).
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider, _Span

import telemetry

PRIVATE = {
    "opentelemetry.context._SUPPRESS_INSTRUMENTATION_KEY": "exporting is no work to trace (`_export.obituaries`)",
    "opentelemetry.sdk.trace._Span": "the class of the spans that an SDK tracer starts (`_export.listening`)",
    "opentelemetry.metrics._internal._ProxyMeterProvider": "nobody has set a provider of metrics yet (`_export.meters`)",
}
"""Private names that are imported, and what they say."""


def imported(path: Path) -> set[str]:
    """The dotted names that a module imports from others."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if not name.startswith(("telemetry", "__future__"))}


def test_every_private_name_that_is_imported_is_listed() -> None:
    """So that none is used without somebody having thought of it."""
    modules = Path(telemetry.__file__).parent.rglob("*.py")
    names = set().union(*map(imported, modules))
    assert {name for name in names if any(part.startswith("_") for part in name.split("."))} == set(PRIVATE)


@pytest.mark.parametrize("name", PRIVATE)
def test_a_listed_name_is_there(name: str) -> None:
    """Under the name that we import."""
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


STAND_INS = """
from opentelemetry import metrics, trace
from opentelemetry.metrics._internal import _ProxyMeterProvider
assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
assert isinstance(metrics.get_meter_provider(), _ProxyMeterProvider)
"""


def test_the_api_has_stand_ins_until_somebody_sets_a_provider() -> None:
    """By which we know that nobody has: setting one over another's is refused with a warning."""
    subprocess.run([sys.executable, "-c", STAND_INS], check=True, timeout=60)


@pytest.mark.parametrize("attribute", ["_name", "_attributes", "_status", "_events", "_links", "_context", "_end_time"])
def test_a_span_of_the_sdk_is_kept_in_these_attributes(attribute: str) -> None:
    """`OpenSpan` fills them; `RedactingProcessor` cleans them, in spans whose exporters are not ours to wrap."""
    assert hasattr(ReadableSpan(name="x"), attribute)


def test_an_sdk_tracer_starts_spans_of_one_class_whose_class_may_change() -> None:
    """So that they tell the journal what they learn."""

    class Another(_Span):
        pass

    span = TracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("x")
    assert type(span) is _Span
    span.__class__ = Another
    span.set_attribute("a", 1)
    span.end()


class Listening(SpanProcessor):
    """Notes what it hears of a span."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        self.heard.append("start")

    def _on_ending(self, span: Span) -> None:
        self.heard.append("ending")

    def on_end(self, span: ReadableSpan) -> None:
        self.heard.append("end")


def test_a_processor_hears_of_a_span_just_before_it_has_ended() -> None:
    """By the SDK's name for the specification's OnEnding, where `RedactingProcessor` does its work."""
    listening, provider = Listening(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(listening)
    provider.get_tracer("x").start_span("x").end()
    assert listening.heard == ["start", "ending", "end"]


def test_who_reads_loads_nothing_that_writes() -> None:
    """A command that reads files starts at once: neither OpenTelemetry nor structlog, Celery or an HTTP client is needed."""
    show = "import sys, telemetry.reading, telemetry.task_attributes, telemetry; telemetry.visible('a'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.split()
    assert {"opentelemetry", "structlog", "celery", "requests", "http.client"}.isdisjoint(loaded)


def test_every_public_name_is_found_where_it_is() -> None:
    """Names are imported as they are used, so nothing else would miss one."""
    assert [name for name in telemetry.__all__ if getattr(telemetry, name, None) is None] == []
    assert [name for name in telemetry.__all__ if name not in vars(telemetry)] == []  # each is looked for once
    with pytest.raises(AttributeError, match="'telemetry' has no attribute 'obseve'"):
        telemetry.obseve  # type: ignore[attr-defined]  # noqa: B018  # that is the point
