"""Metrics leave this process where ``OTEL_METRICS_EXPORTER`` asks for it: operations' durations, and others' metrics."""

from __future__ import annotations

import os
from typing import Protocol, runtime_checkable

from opentelemetry import metrics
from opentelemetry.sdk.resources import Resource

from telemetry.settings import TelemetrySettings

_EXPORT_SECONDS = 2


@runtime_checkable
class Flushed(Protocol):
    """What is flushed when a process ends: a processor of spans, or a provider."""

    def force_flush(self, timeout_millis: int = ...) -> bool: ...


def start(settings: TelemetrySettings, resource: Resource) -> Flushed | None:
    """The provider of metrics that was there, or one as the settings say; None when nobody asked for metrics."""
    present = metrics.get_meter_provider()
    if isinstance(present, Flushed):
        return present
    if not settings.metrics_exporters:
        return None
    from opentelemetry.sdk.metrics import MeterProvider  # costs 60 ms, for whoever asks for metrics
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, PeriodicExportingMetricReader

    def exporter(kind: str) -> MetricExporter:
        if kind == "console":
            return ConsoleMetricExporter()
        timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _EXPORT_SECONDS
        if settings.metrics_protocol == "grpc":
            from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

            return Grpc(timeout=timeout)
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

        return Http(timeout=timeout)

    readers = [PeriodicExportingMetricReader(exporter(kind)) for kind in settings.metrics_exporters]
    provider = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider
