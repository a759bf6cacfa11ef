"""Read OpenTelemetry's own variables as its SDK does, and report what is wrong with them.

The SDK answers a wrong value with a traceback, or with a warning and a different value; here it raises
`InvalidSettingError`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from telemetry._settings.environment import Environment, InvalidSettingError, count, positive, seconds, share
from telemetry.redaction import REDACTED

_SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
_PROTOCOLS: Mapping[str, str] = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_PACKAGES: Mapping[str, str] = {
    "otlp_proto_grpc": "opentelemetry-exporter-otlp-proto-grpc",
    "otlp_proto_http": "opentelemetry-exporter-otlp-proto-http",
    "prometheus": "opentelemetry-exporter-prometheus",
    "zipkin": "opentelemetry-exporter-zipkin",
    "b3": "opentelemetry-propagator-b3",
    "b3multi": "opentelemetry-propagator-b3",
    "jaeger": "opentelemetry-propagator-jaeger",
    "xray": "opentelemetry-propagator-aws-xray",
}
"""What to install for the names that the specification lists."""
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
_QUEUE, _BATCH, _DELAY_MS = 65_536, 2_048, 500
"""Our defaults: a burst of 20,000 spans must fit, and the SDK's queue of 2,048 loses half of it."""
_OTLP_SECONDS = 2.0
"""Ours, for the SDK's 10: it keeps to an exporter's timeout and not to `force_flush`'s, and no exit may take that long."""
_HEADER = re.compile(r"""[!#-'*+.0-9A-Z^-z|~-]+[ \t]*=[^",;\\]*""", re.ASCII)
"""As the SDK reads it (`opentelemetry.util.re`)."""


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
    return tuple(dict.fromkeys(otlp(read, signal) if item == "otlp" else item for item in asked))


def otlp(read: Environment, signal: str) -> str:
    """Return the name of the OTLP exporter for the protocol that is asked for, or that the endpoint's port is known for."""
    usual = "otlp_proto_grpc" if endpoint(read, signal).rstrip("/").endswith(":4317") else "otlp_proto_http"
    general = read.choice("OTEL_EXPORTER_OTLP_PROTOCOL", usual, _PROTOCOLS)
    return read.choice(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", general, _PROTOCOLS)


def endpoint(read: Environment, signal: str) -> str:
    """Return the OTLP endpoint of a signal, its own variable first; "" when there is none."""
    return read.text(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or read.text("OTEL_EXPORTER_OTLP_ENDPOINT")


def otlp_timeout(read: Environment, signal: str) -> float:
    """Return how many seconds an OTLP export may take, by the signal's own variable first."""
    general = read.value("OTEL_EXPORTER_OTLP_TIMEOUT", _OTLP_SECONDS, seconds, "a number of seconds above 0")
    return read.value(f"OTEL_EXPORTER_OTLP_{signal}_TIMEOUT", general, seconds, "a number of seconds above 0")


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


def check_installed(group: str, variable: str, asked: str, names: tuple[str, ...]) -> None:
    """Raise for what nothing that is installed provides; `asked` is what `variable` holds."""
    if not names:
        return
    from importlib.metadata import entry_points  # it takes a while, for those alone who name an exporter

    for name in names:
        if not entry_points(group=group, name=name):
            package = f"install {_PACKAGES[name]}" if name in _PACKAGES else "install its package"
            known = ", ".join(sorted({found.name for found in entry_points(group=group)}))
            raise InvalidSettingError(variable, asked, f"nothing provides {name} here: {package}, or choose from {known}")


def check(read: Environment) -> None:
    """Raise for what the SDK and its exporters would only find, or overlook, once they are at work."""
    _check_propagators(read)
    _check_sampler(read)
    _check_otlp(read)
    for name in _LIMITS:
        read.value(f"OTEL_{name}_LIMIT", None, count, "a whole number, 0 or more")
    for name in ("OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT", "OTEL_BSP_EXPORT_TIMEOUT"):
        read.value(name, None, positive, "a whole number of milliseconds above 0")
    generator = read.text("OTEL_PYTHON_ID_GENERATOR")
    if generator:
        check_installed("opentelemetry_id_generator", "OTEL_PYTHON_ID_GENERATOR", generator, (generator,))


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


def _check_otlp(read: Environment) -> None:
    for part in ("", "TRACES_", "METRICS_"):
        name = f"OTEL_EXPORTER_OTLP_{part}ENDPOINT"
        if (address := read.text(name)) and not _is_address(address):
            raise InvalidSettingError(
                name, without_password(address), "it must be an address that starts with http:// or https://"
            )
        name = f"OTEL_EXPORTER_OTLP_{part}HEADERS"
        if not all(map(_HEADER.fullmatch, read.items(name))):  # the SDK would log them, with a vendor's key in them
            raise InvalidSettingError(name, REDACTED, "it must be name=value, separated by commas")
        read.choice(f"OTEL_EXPORTER_OTLP_{part}COMPRESSION", None, dict.fromkeys(("none", "gzip", "deflate")))
        read.choice(f"OTEL_EXPORTER_OTLP_{part}PROTOCOL", "", _PROTOCOLS)


def without_password(address: str) -> str:
    """Return what stands in an address after its user and password."""
    return address.rpartition("@")[2]


def _is_address(text: str) -> bool:
    try:
        return bool(urlsplit(text).hostname) and urlsplit(text).port != 0
    except ValueError:
        return False
