"""The ledger as metrics: each span is one that was processed, exported or lost, of the exporter that it was for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import opentelemetry.metrics._internal
import opentelemetry.sdk.metrics._internal
import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from telemetry._export import meters, own_metrics
from telemetry._export.counts import Count
from telemetry.settings import TelemetrySettings

COUNTS = {
    "file": Count(started=40, open=1, queued=2, exported=7, dropped={"queue_full": 30}),
    "otlp_proto_http": Count(
        started=40, open=1, queued=3, spooled=4, exported=11, dropped={"refused": 5, "spool_full": 6, "unreachable": 10}
    ),
}
PROCESSED, QUEUED = "otel.sdk.processor.span.processed", "otel.sdk.processor.span.queue.size"
EXPORTED, IN_FLIGHT = "otel.sdk.exporter.span.exported", "otel.sdk.exporter.span.inflight"
CAPACITY = "otel.sdk.processor.span.queue.capacity"


def _observed(counts: Mapping[str, Count]) -> dict[str, dict[tuple[str, ...], int]]:
    """Return what a provider observes, by metric and by the values of its labels."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    own_metrics.register(provider, lambda: counts, capacity=2048)
    data: Any = reader.get_metrics_data()
    found = [metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics]
    provider.shutdown()
    assert {metric.unit for metric in found} == {"{span}"}
    return {
        metric.name: {tuple(sorted(point.attributes.values())): point.value for point in metric.data.data_points}
        for metric in found
    }


def test_every_span_is_counted_where_it_is() -> None:
    """What was dropped before an exporter had it is the processor's loss, and the rest is the exporter's."""
    first, second = ((f"batching_span_processor/{number}", "batching_span_processor") for number in range(2))
    file, otlp = "telemetry.FileExporter", "otlp_http_span_exporter"
    assert _observed(COUNTS) == {
        "otel.sdk.span.started": {("RECORD_AND_SAMPLE",): 40},
        "otel.sdk.span.live": {("RECORD_AND_SAMPLE",): 1},
        PROCESSED: {
            _labels(*first): 7,
            _labels(*first, "queue_full"): 30,
            _labels(*second): 11 + 4 + 5 + 6,
            _labels(*second, "unreachable"): 10,
        },
        QUEUED: {_labels(*first): 2, _labels(*second): 3},
        CAPACITY: {_labels(*first): 2048, _labels(*second): 2048},
        EXPORTED: {
            _labels(file, f"{file}/0"): 7,
            _labels(otlp, f"{otlp}/0"): 11,
            _labels(otlp, f"{otlp}/0", "refused"): 5,
            _labels(otlp, f"{otlp}/0", "spool_full"): 6,
        },
        IN_FLIGHT: {_labels(file, f"{file}/0"): 0, _labels(otlp, f"{otlp}/0"): 4},
    }


def _labels(*values: str) -> tuple[str, ...]:
    return tuple(sorted(values))


def test_a_process_that_has_had_no_span_has_started_none() -> None:
    """And says so."""
    assert _observed({}) == {
        "otel.sdk.span.started": {("RECORD_AND_SAMPLE",): 0},
        "otel.sdk.span.live": {("RECORD_AND_SAMPLE",): 0},
    }


@pytest.mark.parametrize(
    ("asked", "is_theirs", "is_ours_to_count"),
    [("true", True, False), (" TRUE ", True, False), ("", True, True), ("false", True, True), ("true", False, True)],
)
def test_the_sdk_is_left_to_count_what_it_counts(
    asked: str, is_theirs: bool, is_ours_to_count: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider of somebody else's, where it is asked to; the rest is still ours."""
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", asked)
    provider = TracerProvider(shutdown_on_exit=False) if is_theirs else trace.NoOpTracerProvider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    found = _observed(COUNTS)
    assert ("otel.sdk.span.started" in found, "otel.sdk.span.live" in found) == (is_ours_to_count, is_ours_to_count)
    assert {PROCESSED, QUEUED, CAPACITY, EXPORTED, IN_FLIGHT} <= found.keys()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, int]]:
    """The providers that are let observe the ledger."""
    found: list[tuple[object, int]] = []
    monkeypatch.setattr(meters._Known, "provider", None)
    monkeypatch.setattr(own_metrics, "register", lambda provider, _counts, *, capacity: found.append((provider, capacity)))
    return found


def _start(settings: TelemetrySettings) -> object:
    return meters.start(settings, Resource({}), counts=lambda: COUNTS)


def test_a_provider_that_is_there_observes_the_ledger_once(
    registered: list[tuple[object, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts again, as a child does; another provider does so, too."""
    providers = [MeterProvider(shutdown_on_exit=False), metrics.NoOpMeterProvider(), MeterProvider(shutdown_on_exit=False)]
    settings = TelemetrySettings()
    for provider, flushed in zip(providers, (providers[0], None, providers[2]), strict=True):
        monkeypatch.setattr(metrics, "get_meter_provider", lambda provider=provider: provider)
        assert _start(settings) is flushed
        assert _start(settings) is flushed
    assert registered == [(provider, settings.batching.queue_size) for provider in providers]


def test_where_nobody_is_there_ours_becomes_everybodys(
    registered: list[tuple[object, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If metrics are asked for; it is ended by whoever flushes, who waits no longer than that, and not at the exit."""
    given, at_exit = list[Any](), list[object]()
    monkeypatch.setattr(metrics, "get_meter_provider", opentelemetry.metrics._internal._ProxyMeterProvider)
    monkeypatch.setattr(metrics, "set_meter_provider", given.append)
    monkeypatch.setattr(opentelemetry.sdk.metrics._internal, "register", lambda call, *_, **__: at_exit.append(call))
    assert _start(TelemetrySettings()) is None
    assert (given, registered) == ([], [])
    ours = _start(TelemetrySettings(metrics_exporters=("console",)))
    assert (given, [provider for provider, _ in registered]) == ([ours], [ours])
    assert at_exit == []
    given[0].shutdown()
