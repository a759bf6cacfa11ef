"""Metrics of other libraries leave through the boundary, too: a label or a number spoils only itself."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric, MetricsData, NumberDataPoint
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from telemetry._boundary.metrics import clean_metrics
from telemetry._export import meters
from tests.telemetry.otlp import metrics_of

CANARY = "ghp_0123456789abcdefABCDEF0123456789abcd"

LIBRARY = """
import sys
import telemetry
from opentelemetry import metrics

telemetry.configure()
with telemetry.span("shop.open"):
    pass
meter = metrics.get_meter("a library", "1.0 \\ud800", attributes={"token": sys.argv[1]})
meter.create_counter("calls", description=f"with {sys.argv[1]}").add(2**70, {"url": f"https://a.test/?access_token={sys.argv[1]}"})
meter.create_histogram("size").record(3, {"odd \\udfff": "x"})
assert telemetry.flush(5)
"""


def _collected(**measured: tuple[float, dict[str, Any]]) -> MetricsData:
    """What a library has measured: each by its name, in a counter."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("a library", "1.0")
    for name, (value, labels) in measured.items():
        meter.create_counter(name, description=f"of {name}").add(value, labels)
    data = reader.get_metrics_data()
    assert data is not None
    return data


def _metrics(data: MetricsData) -> dict[str, Metric]:
    return {
        metric.name: metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics
    }


def test_ordinary_metrics_are_the_same() -> None:
    """Their numbers, labels and descriptions."""
    data = _collected(calls=(3, {"method": "GET", "code": 200}), seconds=(0.25, {}))
    assert _metrics(clean_metrics(data)) == _metrics(data)


def test_units_and_schemas_stay() -> None:
    """A resource's and a scope's."""
    reader = InMemoryMetricReader()
    resource = Resource({"service.name": "shop"}, "https://a.test/1")
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    provider.get_meter("a library", schema_url="https://a.test/2").create_gauge("left", unit="{apple}").set(3)
    provider.get_meter("another").create_histogram("size").record(3)
    data = reader.get_metrics_data()
    assert data is not None
    cleaned = clean_metrics(data)
    (all_of_it,) = cleaned.resource_metrics
    assert (all_of_it.resource, all_of_it.schema_url) == (resource, "https://a.test/1")
    assert [scope.schema_url for scope in all_of_it.scope_metrics] == ["https://a.test/2", ""]
    assert _metrics(cleaned) == _metrics(data) | {"size": replace(_metrics(data)["size"], description="", unit="")}


def test_an_example_of_a_measurement_is_clean_too() -> None:
    """It carries the labels that a view left out of the series, and the span in which it was measured."""
    reader = InMemoryMetricReader()
    views = [View(instrument_name="calls", attribute_keys={"method"})]
    meter = MeterProvider([reader], views=views, shutdown_on_exit=False).get_meter("a library")
    with TracerProvider(shutdown_on_exit=False).get_tracer("a library").start_as_current_span("work") as current:
        meter.create_counter("calls").add(2**70, {"method": "GET", "token": "hunter2"})
    data = reader.get_metrics_data()
    assert data is not None
    (point,) = _metrics(clean_metrics(data))["calls"].data.data_points
    (example,) = point.exemplars
    assert dict(point.attributes or {}) == {"method": "GET"}
    assert (dict(example.filtered_attributes or {}), example.value) == ({"token": "[redacted]"}, 2.0**70)
    assert example.span_id == current.get_span_context().span_id


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**63 - 1, 2**63 - 1),
        (2**63, float(2**63)),
        (2**70, float(2**70)),
        (10**308, 1e308),
        (0.5, 0.5),
    ],
)
def test_any_number_can_be_written(value: float, written: float) -> None:
    """Beside one that could be anyhow."""
    cleaned = clean_metrics(_collected(odd=(value, {}), calls=(1, {})))
    (point,) = _metrics(cleaned)["odd"].data.data_points
    assert isinstance(point, NumberDataPoint)
    assert point.value == written
    assert type(point.value) is type(written)
    assert encode_metrics(cleaned)


def test_a_sum_that_no_float_holds_can_be_written() -> None:
    """Each of its parts could be."""
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("a library").create_counter("odd")
    for _ in range(20):
        counter.add(10**307)
        counter.add(10**308)
    data = reader.get_metrics_data()
    assert data is not None
    (point,) = _metrics(clean_metrics(data))["odd"].data.data_points
    assert isinstance(point, NumberDataPoint)
    assert point.value == math.inf
    assert encode_metrics(clean_metrics(data))


def test_a_label_spoils_only_itself() -> None:
    """Secrets are redacted in values and by names, and what no export could write is mended."""
    labels = {"token": "hunter2", "url": f"https://a.test/?access_token={CANARY}", "odd \udfff": "x\ud800", "method": "GET"}
    cleaned = clean_metrics(_collected(calls=(1, labels)))
    (point,) = _metrics(cleaned)["calls"].data.data_points
    shown = dict(point.attributes or {})
    assert (shown["method"], shown["token"]) == ("GET", "[redacted]")
    encoded = str(encode_metrics(cleaned))
    assert CANARY not in encoded
    assert "hunter2" not in encoded


def test_one_that_cannot_be_cleaned_costs_no_other() -> None:
    """It is left out."""
    data = _collected(calls=(1, {}), odd=(2, {}))
    object.__setattr__(_metrics(data)["odd"], "data", None)
    assert list(_metrics(clean_metrics(data))) == ["calls"]


def test_a_reader_that_is_asked_has_no_secrets_either() -> None:
    """As Prometheus's, which no exporter stands behind; if the SDK hands metrics over by another method, this fails."""
    reader = meters.redacting(InMemoryMetricReader(), meters._RECEIVES)
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("a library")
    meter.create_counter("calls", description=f"with {CANARY}").add(2**70, {"token": "hunter2"})
    data = reader.get_metrics_data()
    assert data is not None
    shown = data.to_json()
    assert CANARY not in shown
    assert "hunter2" not in shown
    assert "[redacted]" in shown


def test_a_library_s_metrics_arrive_without_secrets(tmp_path: Path) -> None:
    """Through the exporter that the environment names; what is odd costs no export."""
    metrics = metrics_of(LIBRARY, CANARY, home=tmp_path)
    assert {"calls", "size"} <= metrics.keys()
    assert metrics["calls"].sum.data_points[0].as_double == 2.0**70
    assert CANARY not in str(list(metrics.values()))
