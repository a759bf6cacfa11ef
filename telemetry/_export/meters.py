"""Export metrics where `OTEL_METRICS_EXPORTER` asks for it: operations' durations, and metrics of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from opentelemetry import metrics
from opentelemetry.metrics._internal import _ProxyMeterProvider  # the API exports its no-op provider only for spans
from opentelemetry.sdk.resources import Resource

from telemetry._export import own_metrics
from telemetry._export.counts import Count
from telemetry._export.exporters import make_exporter
from telemetry.settings import TelemetrySettings

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

T = TypeVar("T")

_RECEIVES = "_receive_metrics"
"""The method that the SDK has a reader override to take what was collected; no public one is called with it."""


@runtime_checkable
class Flushed(Protocol):
    """Anything flushed when a process ends: a span processor or a provider."""

    def force_flush(self, timeout_millis: int) -> bool:
        """Export what is waiting."""
        raise NotImplementedError


class _Known:
    """The provider that already observes the ledger; after a fork it still does."""

    provider: object = None


def start(settings: TelemetrySettings, resource: Resource, *, counts: Callable[[], dict[str, Count]]) -> Flushed | None:
    """Return the existing meter provider, or a new one if the settings ask for it, else None.

    It observes the ledger, as `counts` returns it.
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
    from opentelemetry.sdk.metrics import MeterProvider  # takes 60 ms, so only if metrics are asked for
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

    readers: list[MetricReader] = []
    for name in settings.metrics_exporters:
        made = make_exporter("opentelemetry_metrics_exporter", name, settings.metrics_timeout)
        if isinstance(made, MetricReader):  # one that is asked for metrics, as Prometheus's
            readers.append(redacting(made, _RECEIVES))
        else:
            readers.append(PeriodicExportingMetricReader(redacting(made, "export")))
    return MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)


def redacting(taker: T, method: str) -> T:
    """Let a method of an exporter or a reader take only what went through the boundary.

    It stays the same object: the SDK reads an exporter's preferences from private attributes, which a wrapper would lack.
    """
    from telemetry._boundary.metrics import clean_metrics

    take: Callable[..., Any] = getattr(taker, method)

    def take_cleaned(metrics_data: MetricsData, *args: Any, **options: Any) -> Any:
        return take(clean_metrics(metrics_data), *args, **options)

    setattr(taker, method, take_cleaned)
    return taker
