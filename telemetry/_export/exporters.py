"""The exporters of spans that the settings ask for."""

from __future__ import annotations

import os

from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from telemetry._export.span_files import FileExporter
from telemetry.settings import TelemetrySettings

_EXPORT_SECONDS = 2  # the SDK keeps to an exporter's timeout, not to force_flush's


def file_exporters(settings: TelemetrySettings) -> list[SpanExporter]:
    return [] if settings.traces_file is None else [FileExporter(settings.traces_file, settings.rotate_bytes)]


def network_exporters(settings: TelemetrySettings) -> list[SpanExporter]:
    return [ConsoleSpanExporter() if kind == "console" else _otlp(settings) for kind in settings.traces_exporters]


def _otlp(settings: TelemetrySettings) -> SpanExporter:
    timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _EXPORT_SECONDS
    if settings.otlp_protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc  # costs 50 ms

        return Grpc(timeout=timeout)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http  # only where it is used

    return Http(timeout=timeout)
