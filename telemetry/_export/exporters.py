"""The exporters of spans that the settings ask for: any that an installed package registers, and our own file."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from opentelemetry.sdk.trace.export import SpanExporter

from telemetry._export.span_files import FileExporter
from telemetry.settings import TelemetrySettings


def file_exporters(settings: TelemetrySettings) -> list[SpanExporter]:
    """Return the exporter to our file of spans, if there is to be one."""
    return [] if settings.traces_file is None else [FileExporter(settings.traces_file, settings.rotate_bytes)]


def registered_exporters(settings: TelemetrySettings) -> list[SpanExporter]:
    """Return the exporters that `OTEL_TRACES_EXPORTER` asks for."""
    return [
        make_exporter("opentelemetry_traces_exporter", name, settings.traces_timeout) for name in settings.traces_exporters
    ]


def make_exporter(group: str, name: str, otlp_timeout: float) -> Any:
    """Return a new exporter that is registered as `name`; OTLP's own get their timeout, which the SDK has at 10 s."""
    (registered, *_) = entry_points(group=group, name=name)
    exporter: Callable[..., Any] = registered.load()
    return exporter(timeout=otlp_timeout) if name.startswith("otlp_proto_") else exporter()
