"""An SDK provider of spans as the settings and OpenTelemetry's variables say."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from telemetry._boundary.spans import clean_resource
from telemetry._spans.ids import ids
from telemetry.settings import TelemetrySettings


def make_provider(settings: TelemetrySettings, processors: Sequence[SpanProcessor]) -> TracerProvider:
    """Return a provider of this process, whose spans go through `processors`."""
    _choose_ids()
    made = TracerProvider(
        resource=resource(settings),
        id_generator=ids,
        sampler=_sampler(),
        shutdown_on_exit=False,
        meter_provider=NoOpMeterProvider(),  # `telemetry._export.own_metrics` has what it would count
    )
    for processor in processors:
        made.add_span_processor(processor)
    return made


def resource(settings: TelemetrySettings) -> Resource:
    """Return what this process is; the attributes of `OTEL_RESOURCE_ATTRIBUTES` go before ours."""
    ours: dict[str, str | int] = {"host.name": socket.gethostname(), "process.pid": os.getpid(), **dict(settings.resource)}
    merged = Resource(ours).merge(Resource.create())
    if settings.service_name:  # the SDK has given a name to what had none
        merged = merged.merge(Resource({"service.name": settings.service_name}))
    return clean_resource(merged)


def _choose_ids() -> None:
    name = os.environ.get("OTEL_PYTHON_ID_GENERATOR", "").strip()
    if name:
        (registered, *_) = entry_points(group="opentelemetry_id_generator", name=name)
        ids.use(registered.load()())


def _sampler() -> Sampler | None:
    """Return the sampler that a package registers under the name asked for; None: the SDK knows the name itself."""
    name = os.environ.get("OTEL_TRACES_SAMPLER", "").strip()
    for registered in entry_points(group="opentelemetry_traces_sampler", name=name) if name else ():
        if not registered.value.startswith("opentelemetry.sdk."):
            make: Callable[[str | None], Sampler] = registered.load()
            return make(os.environ.get("OTEL_TRACES_SAMPLER_ARG"))
    return None
