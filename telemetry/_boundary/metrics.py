"""Metrics on their way out: labels, names and descriptions that other libraries chose, and numbers that OTLP can write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import DataPointT, Metric, MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.util.types import AttributeValue

from telemetry import _health
from telemetry._boundary.objects import words
from telemetry._boundary.spans import clean_attributes, clean_resource, clean_scope

_LARGEST_INT = 2**63
_LARGEST_FLOAT = float("inf")


def clean_metrics(data: MetricsData) -> MetricsData:
    """Return metrics as they may leave; one that cannot be cleaned is left out, and reported."""
    return MetricsData([_of_resource(each) for each in data.resource_metrics])


def _of_resource(metrics: ResourceMetrics) -> ResourceMetrics:
    scopes = [_of_scope(each) for each in metrics.scope_metrics]
    return ResourceMetrics(clean_resource(metrics.resource), scopes, words(metrics.schema_url or ""))


def _of_scope(metrics: ScopeMetrics) -> ScopeMetrics:
    scope = clean_scope(metrics.scope)
    assert scope is not None, "a meter has a scope"  # noqa: S101  # a span may have none
    return ScopeMetrics(scope, list(_cleaned(metrics.metrics)), words(metrics.schema_url or ""))


def _cleaned(metrics: Sequence[Metric]) -> Iterator[Metric]:
    for metric in metrics:
        try:
            points = [_point(point) for point in metric.data.data_points]
            yield Metric(
                words(metric.name),
                words(metric.description or ""),
                words(metric.unit or ""),
                replace(metric.data, data_points=points),  # type: ignore[arg-type]  # of the kind that they were
            )
        except Exception as problem:  # noqa: BLE001  # somebody's number or label; the other metrics leave
            _health.aside(problem)


def _point(point: DataPointT) -> DataPointT:
    attributes = clean_attributes(point.attributes)
    exemplars = [_exemplar(each) for each in point.exemplars]
    if isinstance(point, NumberDataPoint):
        return replace(point, attributes=attributes, exemplars=exemplars, value=_number(point.value))
    return replace(
        point,
        attributes=attributes,
        exemplars=exemplars,
        sum=_float(point.sum),
        min=_float(point.min),
        max=_float(point.max),
    )


def _exemplar(exemplar: Exemplar) -> Exemplar:
    filtered: dict[str, AttributeValue] = clean_attributes(exemplar.filtered_attributes)
    return replace(exemplar, filtered_attributes=filtered, value=_number(exemplar.value))


def _number(value: float) -> float:
    """Return a whole number that 64 bits cannot hold as a float, any other number as it is."""
    if type(value) is int and -_LARGEST_INT <= value < _LARGEST_INT:
        return value
    return _float(value)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return _LARGEST_FLOAT if value > 0 else -_LARGEST_FLOAT
