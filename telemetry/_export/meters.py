"""Metrics leave this process where `OTEL_METRICS_EXPORTER` asks for it: operations' durations, and others' metrics."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from opentelemetry import metrics
from opentelemetry.metrics._internal import _ProxyMeterProvider  # the API names its stand-in for spans alone
from opentelemetry.sdk.resources import Resource

from telemetry._export.exporters import make_exporter
from telemetry.settings import TelemetrySettings


@runtime_checkable
class Flushed(Protocol):
    """What is flushed when a process ends: a processor of spans, or a provider."""

    def force_flush(self, timeout_millis: int = ...) -> bool:
        """Export what is waiting."""
        raise NotImplementedError


def start(settings: TelemetrySettings, resource: Resource) -> Flushed | None:
    """Return the provider of metrics that is there, or a new one that the settings ask for; None if nobody asks."""
    present = metrics.get_meter_provider()
    if not isinstance(present, _ProxyMeterProvider):
        return present if isinstance(present, Flushed) else None
    if not settings.metrics_exporters:
        return None
    from opentelemetry.sdk.metrics import MeterProvider  # costs 60 ms, for whoever asks for metrics
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

    readers: list[MetricReader] = []
    for name in settings.metrics_exporters:
        made = make_exporter("opentelemetry_metrics_exporter", name, settings.metrics_timeout)
        readers.append(made if isinstance(made, MetricReader) else PeriodicExportingMetricReader(made))
    provider = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider
