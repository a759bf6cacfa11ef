"""Make an SDK span provider according to the settings and OpenTelemetry's variables."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from telemetry import _health
from telemetry._boundary.spans import clean_resource
from telemetry._spans.ids import ids
from telemetry.settings import TelemetrySettings


def make_provider(settings: TelemetrySettings, processors: Sequence[SpanProcessor]) -> TracerProvider:
    """Return a provider for this process, whose spans go through `processors`."""
    _choose_ids()
    made = TracerProvider(
        resource=resource(settings),
        id_generator=ids,
        sampler=_sampler(),
        shutdown_on_exit=False,
        meter_provider=NoOpMeterProvider(),  # `telemetry._export.own_metrics` counts for it
    )
    for processor in processors:
        made.add_span_processor(processor)
    return made


def resource(settings: TelemetrySettings) -> Resource:
    """Return this process's resource; `OTEL_RESOURCE_ATTRIBUTES` override our attributes."""
    ours: dict[str, str | int] = {"host.name": socket.gethostname(), "process.pid": os.getpid(), **dict(settings.resource)}
    merged = Resource(ours).merge(Resource.create())
    if settings.service_name:  # the SDK has named a service without a name
        merged = merged.merge(Resource({"service.name": settings.service_name}))
    return clean_resource(merged)


def _choose_ids() -> None:
    name = os.environ.get("OTEL_PYTHON_ID_GENERATOR", "").strip()
    if name:
        (registered, *_) = entry_points(group="opentelemetry_id_generator", name=name)
        ids.use(registered.load()())


def _sampler() -> Sampler | None:
    """Return the sampler that a package registers under the requested name; None if the SDK knows it itself."""
    name = os.environ.get("OTEL_TRACES_SAMPLER", "").strip()
    for registered in entry_points(group="opentelemetry_traces_sampler", name=name) if name else ():
        if not registered.value.startswith("opentelemetry.sdk."):
            return _made(registered)
    return None


@_health.guarded
def _made(registered: EntryPoint) -> Sampler:
    """Return somebody's sampler; one that cannot be made leaves the SDK's default, as it does there."""
    make: Callable[[str | None], Sampler] = registered.load()
    return make(os.environ.get("OTEL_TRACES_SAMPLER_ARG"))
