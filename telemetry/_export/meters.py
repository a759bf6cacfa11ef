"""Metrics leave this process where `OTEL_METRICS_EXPORTER` asks for it: operations' durations, and others' metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from opentelemetry import metrics
from opentelemetry.metrics._internal import _ProxyMeterProvider  # the API names its stand-in for spans alone
from opentelemetry.sdk.resources import Resource

from telemetry._export import own_metrics
from telemetry._export.counts import Count
from telemetry._export.exporters import make_exporter
from telemetry.settings import TelemetrySettings


@runtime_checkable
class Flushed(Protocol):
    """What is flushed when a process ends: a processor of spans, or a provider."""

    def force_flush(self, timeout_millis: int) -> bool:
        """Export what is waiting."""
        raise NotImplementedError


class _Known:
    """The provider that observes the ledger already: one that was forked still does."""

    provider: object = None


def start(settings: TelemetrySettings, resource: Resource, *, counts: Callable[[], dict[str, Count]]) -> Flushed | None:
    """Return the provider of metrics that is there, or a new one that the settings ask for; None if nobody asks.

    It observes the ledger, which `counts` returns.
    """
    present = metrics.get_meter_provider()
    if isinstance(present, _ProxyMeterProvider):
        if not settings.metrics_exporters:
            return None
        present = _make(settings, resource)
        metrics.set_meter_provider(present)
    if _Known.provider is not present:
        _Known.provider = present
        own_metrics.register(present, counts, capacity=settings.batching.queue_size)
    return present if isinstance(present, Flushed) else None


def _make(settings: TelemetrySettings, resource: Resource) -> metrics.MeterProvider:
    from opentelemetry.sdk.metrics import MeterProvider  # costs 60 ms, for whoever asks for metrics
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

    readers: list[MetricReader] = []
    for name in settings.metrics_exporters:
        made = make_exporter("opentelemetry_metrics_exporter", name, settings.metrics_timeout)
        readers.append(made if isinstance(made, MetricReader) else PeriodicExportingMetricReader(made))
    return MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
