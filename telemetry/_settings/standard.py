"""Read OpenTelemetry's own variables as its SDK does, and report what is wrong with them.

The SDK answers a wrong value with a traceback, or with a warning and a different value; here it raises
`InvalidSettingError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from telemetry._settings import otlp
from telemetry._settings.environment import Environment, InvalidSettingError, count, pattern, positive, seconds, share
from telemetry._settings.installed import check_installed

_SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
_LIMITS = (
    "ATTRIBUTE_COUNT",
    "ATTRIBUTE_VALUE_LENGTH",
    "EVENT_ATTRIBUTE_COUNT",
    "LINK_ATTRIBUTE_COUNT",
    "SPAN_ATTRIBUTE_COUNT",
    "SPAN_ATTRIBUTE_VALUE_LENGTH",
    "SPAN_EVENT_COUNT",
    "SPAN_LINK_COUNT",
)
_EXEMPLAR_FILTERS = ("trace_based", "always_on", "always_off")
_PLUGINS: Mapping[str, str] = {
    "OTEL_PYTHON_ID_GENERATOR": "opentelemetry_id_generator",
    "OTEL_PYTHON_TRACER_PROVIDER": "opentelemetry_tracer_provider",
    "OTEL_PYTHON_METER_PROVIDER": "opentelemetry_meter_provider",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "opentelemetry_resource_detector",
}
"""Variables that name what other packages may provide, and under which kind of entry point."""
_CAPTURED = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"
_PATTERNS = (
    "OTEL_PYTHON_DJANGO_EXCLUDED_URLS",
    "OTEL_PYTHON_REQUESTS_EXCLUDED_URLS",
    "OTEL_PYTHON_EXCLUDED_URLS",
    f"{_CAPTURED}_SERVER_REQUEST",
    f"{_CAPTURED}_SERVER_RESPONSE",
    f"{_CAPTURED}_CLIENT_REQUEST",
    f"{_CAPTURED}_CLIENT_RESPONSE",
    f"{_CAPTURED}_SANITIZE_FIELDS",
)
_QUEUE, _BATCH, _DELAY_MS = 65_536, 2_048, 500
"""Our defaults: a burst of 20,000 spans must fit, and the SDK's queue of 2,048 loses half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """How ended spans wait for their exporter (`OTEL_BSP_*`)."""

    queue_size: int = _QUEUE
    batch_size: int = _BATCH
    delay_ms: int = _DELAY_MS


def exporters(read: Environment, signal: str) -> tuple[str, ...] | None:
    """Return the names of the exporters that `OTEL_{signal}_EXPORTER` asks for, as they are registered; None: it is silent.

    `otlp` becomes the exporter of the protocol that is asked for.
    """
    name = f"OTEL_{signal}_EXPORTER"
    asked = read.items(name)
    if not asked:
        return None
    if "none" in map(str.lower, asked):
        if len(asked) > 1:
            raise InvalidSettingError(name, read.text(name), "it must be none alone, or some exporters")
        return ()
    return tuple(dict.fromkeys(otlp.exporter(read, signal) if item == "otlp" else item for item in asked))


def batching(read: Environment) -> Batching:
    """Return how spans wait for their exporter: as `OTEL_BSP_*` say, otherwise with room for a burst."""
    allowed = "a whole number above 0"
    queue_size = read.value("OTEL_BSP_MAX_QUEUE_SIZE", _QUEUE, positive, allowed)
    batch_size = read.value("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", min(_BATCH, queue_size), positive, allowed)
    if batch_size > queue_size:
        raise InvalidSettingError(
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            str(batch_size),
            f"it must be no more than OTEL_BSP_MAX_QUEUE_SIZE ({queue_size})",
        )
    delay_ms = read.value("OTEL_BSP_SCHEDULE_DELAY", _DELAY_MS, positive, "a whole number of milliseconds above 0")
    return Batching(queue_size=queue_size, batch_size=batch_size, delay_ms=delay_ms)


def service_name(read: Environment) -> str:
    """Return the service's name by the standard variables; "" when they do not name it."""
    pairs = (item.partition("=") for item in read.items("OTEL_RESOURCE_ATTRIBUTES"))
    in_resource = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
    return read.text("OTEL_SERVICE_NAME") or in_resource.get("service.name", "")


def check(read: Environment) -> None:
    """Raise for what the SDK and its exporters would only find, or overlook, once they are at work."""
    _check_propagators(read)
    _check_sampler(read)
    otlp.check(read)
    for name in _LIMITS:
        read.value(f"OTEL_{name}_LIMIT", None, count, "a whole number, 0 or more")
    read.value("OTEL_BSP_EXPORT_TIMEOUT", None, positive, "a whole number of milliseconds above 0")
    for name in ("OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT"):
        read.value(name, None, seconds, "a number of milliseconds above 0")
    read.value("OTEL_METRICS_EXEMPLAR_FILTER", None, _EXEMPLAR_FILTERS.index, f"one of {', '.join(_EXEMPLAR_FILTERS)}")
    for name, group in _PLUGINS.items():
        check_installed(group, name, read.text(name), [one for one in read.items(name) if one != "*"])
    for name in _PATTERNS:
        read.value(name, None, _patterns, "regular expressions, separated by commas")


def _patterns(text: str) -> list[str]:
    return [pattern(part.strip()) for part in text.split(",")]


def _check_propagators(read: Environment) -> None:
    asked = read.text("OTEL_PROPAGATORS")
    if asked and not all(map(str.strip, asked.split(","))):  # the API takes what is between two commas for a name
        raise InvalidSettingError("OTEL_PROPAGATORS", asked, "it must be names, with one comma between two of them")
    names = tuple(name for name in read.items("OTEL_PROPAGATORS") if name.lower() != "none")
    check_installed("opentelemetry_propagator", "OTEL_PROPAGATORS", asked, names)


def _check_sampler(read: Environment) -> None:
    name = read.text("OTEL_TRACES_SAMPLER")
    if name and name.lower() not in _SAMPLERS:
        check_installed("opentelemetry_traces_sampler", "OTEL_TRACES_SAMPLER", name, (name,))
    if name.lower().endswith("traceidratio"):
        read.value("OTEL_TRACES_SAMPLER_ARG", 1.0, share, "a share from 0 to 1")
