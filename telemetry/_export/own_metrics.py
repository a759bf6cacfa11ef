"""Present the ledger as the metrics that OpenTelemetry's SDKs report about themselves.

https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/. The Python SDK's own metrics miss our spans and
exporters, so they are switched off where the provider is ours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
from opentelemetry.sdk.trace import TracerProvider

from telemetry._export.counts import Count

_TYPES: Mapping[str, str] = {
    "otlp_proto_http": "otlp_http_span_exporter",
    "otlp_proto_grpc": "otlp_grpc_span_exporter",
    "file": "telemetry.FileExporter",
}
_PROCESSOR = "batching_span_processor"
_SAMPLED = {"otel.span.sampling_result": "RECORD_AND_SAMPLE"}
_NEVER_SENT = frozenset({"queue_full", "disk_full", "unwritable", "unreachable", "killed"})
"""Reasons for spans dropped before an exporter had them."""

Observe = Callable[[CallbackOptions], Iterable[Observation]]
Labels = dict[str, str]


def register(provider: MeterProvider, counts: Callable[[], Mapping[str, Count]], *, capacity: int) -> None:
    """Let a provider observe the ledger."""
    meter = provider.get_meter("telemetry")

    def each(labelled: Callable[[int, str, Count], Iterable[tuple[int, Labels]]]) -> list[Observe]:
        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            for number, (name, count) in enumerate(counts().items()):
                for value, labels in labelled(number, name, count):
                    yield Observation(value, labels)

        return [observe]

    def of_all(value: Callable[[Count], int]) -> list[Observe]:
        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            yield Observation(max(map(value, counts().values()), default=0), _SAMPLED)

        return [observe]

    if not _is_counted_elsewhere():
        meter.create_observable_counter(
            "otel.sdk.span.started", of_all(lambda count: count.started), "{span}", "The number of created spans."
        )
        meter.create_observable_up_down_counter(
            "otel.sdk.span.live",
            of_all(lambda count: count.open),
            "{span}",
            "The number of created spans with recording=true for which the end operation has not been called yet.",
        )
    meter.create_observable_counter(
        "otel.sdk.processor.span.processed",
        each(_processed),
        "{span}",
        "The number of spans for which the processing has finished, either successful or failed.",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.processor.span.queue.size",
        each(lambda number, _name, count: [(count.queued, _processor(number))]),
        "{span}",
        "The number of spans in the queue of a given instance of an SDK span processor.",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.processor.span.queue.capacity",
        each(lambda number, _name, _count: [(capacity, _processor(number))]),
        "{span}",
        "The maximum number of spans the queue of a given instance of an SDK span processor can hold.",
    )
    meter.create_observable_counter(
        "otel.sdk.exporter.span.exported",
        each(_exported),
        "{span}",
        "The number of spans for which the export has finished, either successful or failed.",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.exporter.span.inflight",
        each(lambda _number, name, count: [(count.spooled, _exporter(name))]),
        "{span}",
        "The number of spans which were passed to the exporter, but that have not been exported yet.",
    )


def _is_counted_elsewhere() -> bool:
    """Return whether somebody else's provider counts the spans that it starts."""
    asked = os.environ.get("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "").strip().lower() == "true"
    return asked and isinstance(trace.get_tracer_provider(), TracerProvider)


def _processed(number: int, _name: str, count: Count) -> Iterable[tuple[int, Labels]]:
    never_sent = {reason: lost for reason, lost in count.dropped.items() if reason in _NEVER_SENT}
    yield count.exported + count.spooled + count.lost - sum(never_sent.values()), _processor(number)
    for reason, lost in never_sent.items():
        yield lost, {**_processor(number), "error.type": reason}


def _exported(_number: int, name: str, count: Count) -> Iterable[tuple[int, Labels]]:
    yield count.exported, _exporter(name)
    for reason, lost in count.dropped.items():
        if reason not in _NEVER_SENT:
            yield lost, {**_exporter(name), "error.type": reason}


def _processor(number: int) -> Labels:
    return {"otel.component.type": _PROCESSOR, "otel.component.name": f"{_PROCESSOR}/{number}"}


def _exporter(name: str) -> Labels:
    kind = _TYPES.get(name, name)
    return {"otel.component.type": kind, "otel.component.name": f"{kind}/0"}
