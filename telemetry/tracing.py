"""Tracing starts here: provider, exporters, sampling; in every process once, and in a forked child anew.

`configure` is what an application calls. A provider that is already there (opentelemetry-instrument, logfire) is adopted.
"""

from __future__ import annotations

import atexit
import os
import socket
import sys
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import orjson
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry import logs
from telemetry._files import LineFile
from telemetry._redacting import RedactingExporter
from telemetry.settings import TelemetrySettings

_QUEUE = 65_536  # a burst of 20,000 spans must fit; the SDK's 2,048 loses half of it
_BATCH = 2_048
_DELAY_MS = 500
_EXPORT_SECONDS = 2  # the SDK keeps to an exporter's timeout, not to force_flush's
_FORCE_FLUSH_MS = 30_000


class BoundContext(SpanProcessor):
    """Puts the bound context (``team_id``, ``repo_id``, ``task_id``, ``run_id``) on every span that starts.

    What the span itself declares stays, as on a line.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        context = logs.bound()
        if context:
            own = span.attributes or {}
            span.set_attributes({name: value for name, value in context.items() if name not in own})


class FileExporter(SpanExporter):
    """Spans as OTLP JSON (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/), one request a line."""

    def __init__(self, path: Path, rotate_bytes: int) -> None:
        self._file = LineFile(path, rotate_bytes)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            self._file.write(orjson.dumps(encode_spans(spans).to_dict(), option=orjson.OPT_APPEND_NEWLINE))
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._file.close()


class _Tracing:
    """What this process has started; a forked child has nothing."""

    def __init__(self) -> None:
        self.provider: TracerProvider | None = None
        self.processors: list[SpanProcessor] = []
        self.exporters: list[RedactingExporter] = []
        self.pid = os.getpid()


_started = _Tracing()
_scope = InstrumentationScope("telemetry")


def configure(*, stream: TextIO | None = None, service_name: str | None = None) -> TelemetrySettings:
    """Lines are written, Celery and requests are instrumented, and spans are exported; a second call changes nothing.

    ``stream`` also gets the lines, as ``SYNC_LOG_FORMAT`` and ``SYNC_LOG_LEVEL`` say. In the main process of ``celery
    worker`` only the lines start: its children, or the worker itself with threads, start their own tracing, because a
    provider's threads do not survive a fork (opentelemetry-python #5533).
    """
    from telemetry import celery, requests  # they stand on this module

    settings = TelemetrySettings.from_environment()
    if service_name is not None:
        os.environ.setdefault("OTEL_SERVICE_NAME", service_name)
        settings = TelemetrySettings.from_environment()
    logs.configure(settings, stream=stream)
    celery.instrument()
    if not settings.disabled:
        requests.instrument(settings.propagate_to)
        if not is_worker_command():
            start(settings)
    return settings


def start(settings: TelemetrySettings | None = None) -> None:
    """This process has a provider: the one that was there, or one as the environment says."""
    settings = settings or TelemetrySettings.from_environment()
    if settings.disabled or (_started.provider is not None and _started.pid == os.getpid()):
        return
    present = trace.get_tracer_provider()
    _started.pid, _started.processors, _started.exporters = os.getpid(), [], []
    if isinstance(present, TracerProvider):
        present.add_span_processor(BoundContext())
        _started.provider = present
        return
    provider = TracerProvider(resource=_resource(settings), shutdown_on_exit=False)
    provider.add_span_processor(BoundContext())
    for exporter in _exporters(settings):
        redacting = RedactingExporter(exporter)
        processor = BatchSpanProcessor(
            redacting, max_queue_size=_QUEUE, max_export_batch_size=_BATCH, schedule_delay_millis=_DELAY_MS
        )
        _started.exporters.append(redacting)
        _started.processors.append(processor)
        provider.add_span_processor(processor)
    _started.provider = provider
    trace.set_tracer_provider(provider)
    atexit.register(flush)


def flush(deadline_seconds: float = 2.0) -> bool:
    """Whether every span ended so far was taken by every exporter within the deadline; it never takes longer."""
    if _started.provider is None or _started.pid != os.getpid():
        return False
    failed_before = sum(exporter.failed for exporter in _started.exporters)
    provider, results = _started.provider, list[bool]()
    thread = threading.Thread(target=lambda: results.append(provider.force_flush(_FORCE_FLUSH_MS)), daemon=True)
    thread.start()
    thread.join(deadline_seconds)
    failed = sum(exporter.failed for exporter in _started.exporters)
    return results == [True] and failed == failed_before


def emit(span: ReadableSpan) -> None:
    """``span``, which no tracer started, is on its way to the exporters, if it is sampled."""
    provider = _started.provider or trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider._active_span_processor.on_end(span)  # noqa: SLF001  # no public way leads to an adopted provider's exporters


def sampler() -> Sampler | None:
    """Who decides about sampling in this process; None when nobody is tracing."""
    provider = _provider()
    return None if provider is None else provider.sampler


def id_generator() -> IdGenerator | None:
    """Who makes ids in this process; None when nobody is tracing."""
    provider = _provider()
    return None if provider is None else provider.id_generator


def resource() -> Resource:
    """What this process is."""
    provider = _provider()
    return Resource.create({}) if provider is None else provider.resource


def scope() -> InstrumentationScope:
    """The scope of spans that no tracer starts."""
    return _scope


def is_worker_command() -> bool:
    """Whether this is the main process of ``celery worker``."""
    return "worker" in sys.argv[1:] and Path(sys.argv[0]).parent.name in ("celery", "bin") and "celery" in sys.argv[0]


def _provider() -> TracerProvider | None:
    provider = _started.provider if _started.provider is not None else trace.get_tracer_provider()
    return provider if isinstance(provider, TracerProvider) else None


def _resource(settings: TelemetrySettings) -> Resource:
    return Resource.create(
        {
            "service.name": settings.service_name,
            "service.instance.id": str(uuid.uuid4()),
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
    )


def _exporters(settings: TelemetrySettings) -> list[SpanExporter]:
    exporters: list[SpanExporter] = []
    if settings.traces_file is not None:
        exporters.append(FileExporter(settings.traces_file, settings.rotate_bytes))
    return exporters + [
        ConsoleSpanExporter() if kind == "console" else _otlp(settings) for kind in settings.traces_exporters
    ]


def _otlp(settings: TelemetrySettings) -> SpanExporter:
    timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _EXPORT_SECONDS
    if settings.otlp_protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc  # costs 50 ms

        return Grpc(timeout=timeout)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http  # only where it is used

    return Http(timeout=timeout)
