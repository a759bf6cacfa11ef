"""The process's provider of spans: its own, or one that is already there (opentelemetry-instrument, logfire), adopted.

An adopted provider keeps its exporters, which then get our spans too, without secrets.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
import uuid
from typing import Protocol, runtime_checkable

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from telemetry import _health
from telemetry._boundary import clean_attributes
from telemetry._export import meters
from telemetry._export.exporters import file_exporters, network_exporters
from telemetry._export.redacting import RedactingExporter, RedactingProcessor
from telemetry._lines.context import bound
from telemetry._spans.emitter import SCOPE
from telemetry._spans.ids import ids
from telemetry.settings import TelemetrySettings

_QUEUE = 65_536  # a burst of 20,000 spans must fit; the SDK's 2,048 loses half of it
_BATCH = 2_048
_DELAY_MS = 500
_FORCE_FLUSH_MS = 30_000


class BoundContext(SpanProcessor):
    """Puts the bound context (``team_id``, ``repo_id``, ``task_id``, ``run_id``) on every span that others start.

    Our own are started with it, which costs less. What a span itself declares stays, as on a line.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        scope = span.instrumentation_scope
        if scope is None or scope.name != SCOPE:
            own = span.attributes or {}
            span.set_attributes({name: value for name, value in bound().items() if name not in own})


@runtime_checkable
class Provider(Protocol):
    """A provider of spans that can be adopted: the SDK's own, or a wrapper around it as logfire's is."""

    def add_span_processor(self, span_processor: SpanProcessor) -> None: ...

    def force_flush(self, timeout_millis: int = ...) -> bool: ...


class _Tracing:
    """What this process has started; it survives a fork, as the SDK's processors do."""

    def __init__(self) -> None:
        self.running = False
        self.exporters: list[RedactingExporter] = []
        self.of_spans: list[meters.Flushed] = []
        self.of_metrics: list[meters.Flushed] = []


_started = _Tracing()


def start(settings: TelemetrySettings | None = None) -> None:
    """This process has a provider of spans, and of metrics if it is asked for: those that were there, or its own."""
    settings = settings or TelemetrySettings.from_environment()
    if settings.disabled or _started.running:
        return
    _started.running = True
    resource = _resource(settings)
    present = trace.get_tracer_provider()
    if isinstance(present, Provider):
        present.add_span_processor(BoundContext())
        present.add_span_processor(RedactingProcessor())
        _started.of_spans.append(present)
        exporters = file_exporters(settings)  # where else spans go is for whoever made it to say
    else:
        present = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        present.add_span_processor(BoundContext())
        exporters = file_exporters(settings) + network_exporters(settings)
        trace.set_tracer_provider(present)
    for exporter in exporters:
        redacting = RedactingExporter(exporter)
        processor = BatchSpanProcessor(
            redacting, max_queue_size=_QUEUE, max_export_batch_size=_BATCH, schedule_delay_millis=_DELAY_MS
        )
        _started.exporters.append(redacting)
        _started.of_spans.append(processor)
        present.add_span_processor(processor)
    measuring = meters.start(settings, resource)
    if measuring is not None:
        _started.of_metrics.append(measuring)
    atexit.register(flush)


def flush(deadline_seconds: float = 2.0) -> bool:
    """Whether every span ended so far was taken by every exporter within the deadline; it never takes longer.

    Metrics are flushed too, and do not count: a span that has left has left.
    """
    if not _started.running:
        return False
    failed_before = sum(exporter.failed for exporter in _started.exporters)
    flushed: list[meters.Flushed] = []

    def run(one: meters.Flushed) -> None:
        try:
            if one.force_flush(_FORCE_FLUSH_MS) is not False:  # logfire's says None
                flushed.append(one)
        except Exception as error:  # noqa: BLE001  # somebody's exporter; telemetry never breaks its host
            _health.problem(error)

    everything = _started.of_spans + _started.of_metrics
    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in everything]
    deadline = time.monotonic() + deadline_seconds
    for thread in threads:
        try:
            thread.start()
        except RuntimeError:  # Python 3.12 starts none once the interpreter is ending
            thread.run()
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, deadline - time.monotonic()))
    failed = sum(exporter.failed for exporter in _started.exporters)
    return all(one in flushed for one in _started.of_spans) and failed == failed_before


def _resource(settings: TelemetrySettings) -> Resource:
    made = Resource.create(
        {
            "service.name": settings.service_name,
            "service.instance.id": str(uuid.uuid4()),
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
    )
    return Resource(clean_attributes(made.attributes), made.schema_url)
