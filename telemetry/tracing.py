"""Tracing starts here: provider, exporters, sampling; in every process once.

`configure` is what an application calls. A provider that is already there (opentelemetry-instrument, logfire) is adopted: it
keeps its exporters, which then get our spans too, without secrets.
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TextIO, runtime_checkable

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry import _health, _otlp_encoding, logs, metrics
from telemetry._files import LineFile, is_writable
from telemetry._ids import ids
from telemetry._redacting import RedactingExporter, RedactingProcessor, redacted, without_secrets
from telemetry.lifecycle import SCOPE
from telemetry.settings import TelemetrySettings

_QUEUE = 65_536  # a burst of 20,000 spans must fit; the SDK's 2,048 loses half of it
_BATCH = 2_048
_DELAY_MS = 500
_EXPORT_SECONDS = 2  # the SDK keeps to an exporter's timeout, not to force_flush's
_FORCE_FLUSH_MS = 30_000


class BoundContext(SpanProcessor):
    """Puts the bound context (``team_id``, ``repo_id``, ``task_id``, ``run_id``) on every span that others start.

    Our own are started with it, which costs less. What a span itself declares stays, as on a line.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        scope = span.instrumentation_scope
        if scope is None or scope.name != SCOPE:
            own = span.attributes or {}
            span.set_attributes({name: value for name, value in logs.bound().items() if name not in own})


class FileExporter(SpanExporter):
    """Spans as OTLP JSON (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/), one request a line."""

    def __init__(self, path: Path, rotate_bytes: int) -> None:
        self._file = LineFile(path, rotate_bytes)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            self._file.write(_otlp_encoding.request(spans))
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._file.close()


@runtime_checkable
class Provider(Protocol):
    """A provider of spans that can be adopted: the SDK's own, or a wrapper around it as logfire's is."""

    def add_span_processor(self, span_processor: SpanProcessor) -> None: ...

    def force_flush(self, timeout_millis: int = ...) -> bool: ...


class _Tracing:
    """What this process has started; it survives a fork, as the SDK's processors do."""

    def __init__(self) -> None:
        self.settings: TelemetrySettings | None = None
        self.running = False
        self.exporters: list[RedactingExporter] = []
        self.of_spans: list[metrics.Flushed] = []
        self.of_metrics: list[metrics.Flushed] = []


_started = _Tracing()
_scope = InstrumentationScope(SCOPE)


def configure(*, stream: TextIO | None = None, service_name: str | None = None) -> TelemetrySettings:
    """Lines are written; Celery, requests and Django are instrumented; spans are exported. A second call changes nothing.

    ``stream`` also gets the lines, as ``SYNC_LOG_FORMAT`` and ``SYNC_LOG_LEVEL`` say. In the main process of ``celery
    worker`` only the lines start: its children, or the worker itself with threads, start their own tracing, because a
    provider's threads do not survive a fork (opentelemetry-python #5533).
    """
    from telemetry import celery, django, requests  # they stand on this module

    if _started.settings is not None:
        return _started.settings
    if service_name is not None:
        os.environ.setdefault("OTEL_SERVICE_NAME", service_name)
    settings = TelemetrySettings.from_environment()
    logs.configure(settings, stream=stream)
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")  # the first instrumentor decides for all
    celery.instrument()
    if not settings.disabled:
        requests.instrument(settings.propagate_to)
        if not is_worker_command():
            django.instrument()
            start(settings)
    _started.settings = settings
    for name, path in (("SYNC_LOG_FILE", settings.log_file), ("SYNC_TRACES_FILE", settings.traces_file)):
        if path is not None and not is_writable(path):
            logs.write(logging.WARNING, f"{path} cannot be written: name another place in {name} or SYNCTRACE_HOME")
    return settings


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
        exporters = _file_exporter(settings)  # where else spans go is for whoever made it to say
    else:
        present = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        present.add_span_processor(BoundContext())
        exporters = _file_exporter(settings) + _network_exporters(settings)
        trace.set_tracer_provider(present)
    for exporter in exporters:
        redacting = RedactingExporter(exporter)
        processor = BatchSpanProcessor(
            redacting, max_queue_size=_QUEUE, max_export_batch_size=_BATCH, schedule_delay_millis=_DELAY_MS
        )
        _started.exporters.append(redacting)
        _started.of_spans.append(processor)
        present.add_span_processor(processor)
    measuring = metrics.start(settings, resource)
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
    flushed: list[metrics.Flushed] = []

    def run(one: metrics.Flushed) -> None:
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


def emit(span: ReadableSpan) -> None:
    """``span``, which no tracer started, is on its way to the exporters, if it is sampled."""
    tracer = _tracer()
    if tracer is not None:
        tracer.span_processor.on_end(redacted(span))


def sampler() -> Sampler | None:
    """Who decides about sampling in this process; None when nobody is tracing."""
    tracer = _tracer()
    return None if tracer is None else tracer.sampler


def id_generator() -> IdGenerator | None:
    """Who makes ids in this process; None when nobody is tracing."""
    tracer = _tracer()
    return None if tracer is None else tracer.id_generator


def resource() -> Resource:
    """What this process is."""
    tracer = _tracer()
    return Resource.create({}) if tracer is None else tracer.resource


def scope() -> InstrumentationScope:
    """The scope of spans that no tracer starts."""
    return _scope


def is_worker_command() -> bool:
    """Whether this is the main process of ``celery worker``."""
    return "worker" in sys.argv[1:] and Path(sys.argv[0]).parent.name in ("celery", "bin") and "celery" in sys.argv[0]


def _tracer() -> Tracer | None:
    """The SDK's tracer in this process, also where the provider wraps it, as logfire's does; None when nobody is tracing."""
    tracer: object = trace.get_tracer_provider().get_tracer("telemetry")
    while not isinstance(tracer, Tracer | None):
        tracer = getattr(tracer, "tracer", None)
    return tracer


def _resource(settings: TelemetrySettings) -> Resource:
    made = Resource.create(
        {
            "service.name": settings.service_name,
            "service.instance.id": str(uuid.uuid4()),
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
    )
    return Resource(without_secrets(made.attributes), made.schema_url)


def _file_exporter(settings: TelemetrySettings) -> list[SpanExporter]:
    return [] if settings.traces_file is None else [FileExporter(settings.traces_file, settings.rotate_bytes)]


def _network_exporters(settings: TelemetrySettings) -> list[SpanExporter]:
    return [ConsoleSpanExporter() if kind == "console" else _otlp(settings) for kind in settings.traces_exporters]


def _otlp(settings: TelemetrySettings) -> SpanExporter:
    timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _EXPORT_SECONDS
    if settings.otlp_protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc  # costs 50 ms

        return Grpc(timeout=timeout)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http  # only where it is used

    return Http(timeout=timeout)
