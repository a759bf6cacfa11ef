"""What the environment says about telemetry, read once and checked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from telemetry.redaction import REDACTED

__all__ = ["OFF", "InvalidSettingError", "LogFormat", "TelemetrySettings"]

LogFormat = Literal["console", "json"]
OtlpProtocol = Literal["grpc", "http/protobuf"]
Exporter = Literal["otlp", "console"]

OFF = 100
"""A log level above all levels: nothing is written."""

_FORMATS: Mapping[str, LogFormat | None] = {"console": "console", "json": "json"}
_LEVELS: Mapping[str, int] = {
    "debug": 10,
    "info": 20,
    "warning": 30,
    "error": 40,
    "critical": 50,
    "off": OFF,
}
_SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
_SDK_EXPORTERS: Mapping[str, tuple[Exporter, OtlpProtocol | None]] = {
    "otlp": ("otlp", None),
    "otlp_proto_grpc": ("otlp", "grpc"),
    "otlp_proto_http": ("otlp", "http/protobuf"),
    "console": ("console", None),
}

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
_HEADER = re.compile(r"""[!#-'*+.0-9A-Z^-z|~-]+[ \t]*=[^",;\\]*""", re.ASCII)
"""As the SDK reads it (`opentelemetry.util.re`)."""

T = TypeVar("T")


class InvalidSettingError(ValueError):
    """An environment variable holds something that it cannot mean."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name}={value!r} is not possible: it must be {allowed}")
        self.name = name
        self.value = value
        self.allowed = allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """Where spans and lines go, and how lines look.

    What the OpenTelemetry SDK reads itself stays with it: samplers, limits, batch sizes, and an OTLP exporter's
    endpoint, headers, timeout and compression. An empty variable counts as one that is not set, as OpenTelemetry's
    specification has it.
    """

    disabled: bool = False
    """``OTEL_SDK_DISABLED``: no spans are made or exported; lines are still written."""
    service_name: str = "synctrace"
    """``OTEL_SERVICE_NAME``, else ``service.name`` of ``OTEL_RESOURCE_ATTRIBUTES``."""
    traces_exporters: tuple[Exporter, ...] = ()
    """``OTEL_TRACES_EXPORTER``; when it is not set, ``otlp`` if there is an OTLP endpoint, else none."""
    otlp_protocol: OtlpProtocol = "http/protobuf"
    """``OTEL_EXPORTER_OTLP_TRACES_PROTOCOL``, else ``OTEL_EXPORTER_OTLP_PROTOCOL``, else grpc if the port is grpc's 4317."""
    metrics_exporters: tuple[Exporter, ...] = ()
    """``OTEL_METRICS_EXPORTER``; none unless it is set."""
    metrics_protocol: OtlpProtocol = "http/protobuf"
    """``OTEL_EXPORTER_OTLP_METRICS_PROTOCOL``, else as for spans."""
    traces_file: Path | None = None
    """``SYNC_TRACES_FILE``, else ``traces.jsonl`` in ``SYNCTRACE_HOME``; OTLP JSON, one request a line."""
    log_file: Path | None = None
    """``SYNC_LOG_FILE``, else ``logs.jsonl`` in ``SYNCTRACE_HOME``; it gets every level."""
    log_format: LogFormat | None = None
    """``SYNC_LOG_FORMAT`` of stdout; None: console at a terminal, otherwise json."""
    log_level: int = 20
    """``SYNC_LOG_LEVEL``: the lowest level that stdout gets."""
    rotate_bytes: int = 64 * 1024 * 1024
    """``SYNC_LOG_ROTATE_BYTES``: a file of lines or spans is set aside when it has grown to this; 0 is never."""
    propagate_to: frozenset[str] = frozenset()
    """``SYNC_PROPAGATE_TO``: lower-case host names that trace headers may be sent to."""

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> TelemetrySettings:
        """The settings that ``env`` (default: the process's own) gives; InvalidSettingError names what is wrong."""
        read = _Environment(os.environ if env is None else env)
        home = read.value("SYNCTRACE_HOME", None, Path, "a folder")
        exporters, forced_protocol = _exporters(read, "TRACES")
        metrics_exporters, forced_metrics_protocol = _exporters(read, "METRICS")
        usual: tuple[Exporter, ...] = ("otlp",) if _endpoint(read, "TRACES") else ()
        files = read.items("OTEL_TRACES_EXPORTER") != ["none"]
        _check_sampler(read)
        _check_otlp(read)
        _check_limits(read)
        return cls(
            disabled=read.flag("OTEL_SDK_DISABLED"),
            service_name=read.text("OTEL_SERVICE_NAME") or _service_in_resource(read) or "synctrace",
            traces_exporters=usual if exporters is None else exporters,
            otlp_protocol=forced_protocol or _protocol(read, "TRACES"),
            metrics_exporters=metrics_exporters or (),
            metrics_protocol=forced_metrics_protocol or _protocol(read, "METRICS"),
            traces_file=read.value("SYNC_TRACES_FILE", home and home / "traces.jsonl", Path, "a file") if files else None,
            log_file=read.value("SYNC_LOG_FILE", home and home / "logs.jsonl", Path, "a file"),
            log_format=read.choice("SYNC_LOG_FORMAT", None, _FORMATS),
            log_level=read.choice("SYNC_LOG_LEVEL", 20, _LEVELS),
            rotate_bytes=read.value("SYNC_LOG_ROTATE_BYTES", 64 * 1024 * 1024, _count, "a whole number of bytes, 0 or more"),
            propagate_to=frozenset(host.lower() for host in read.items("SYNC_PROPAGATE_TO")),
        )


class _Environment:
    """Variables by name, as the kinds of value that we need."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str) -> str:
        return self._env.get(name, "").strip()

    def items(self, name: str) -> list[str]:
        return [item for part in self.text(name).split(",") if (item := part.strip())]

    def value(self, name: str, default: T, parse: Callable[[str], T], allowed: str) -> T:
        text = self.text(name)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError:
            raise InvalidSettingError(name, text, allowed) from None

    def choice(self, name: str, default: T, choices: Mapping[str, T]) -> T:
        text = self.text(name)
        if not text:
            return default
        if text.lower() not in choices:
            raise InvalidSettingError(name, text, f"one of {', '.join(choices)}")
        return choices[text.lower()]

    def flag(self, name: str) -> bool:
        return self.choice(name, False, {"true": True, "false": False})  # the default of a flag


def _exporters(read: _Environment, signal: str) -> tuple[tuple[Exporter, ...] | None, OtlpProtocol | None]:
    """The exporters (None: the environment does not say), and the protocol that an exporter's name insists on."""
    name = f"OTEL_{signal}_EXPORTER"
    asked = read.items(name)
    if not asked:
        return None, None
    if asked == ["none"]:
        return (), None
    exporters: list[Exporter] = []
    protocol: OtlpProtocol | None = None
    for item in asked:
        if item not in _SDK_EXPORTERS:
            raise InvalidSettingError(name, read.text(name), f"none, or some of {', '.join(_SDK_EXPORTERS)}")
        exporter, insists = _SDK_EXPORTERS[item]
        protocol = insists or protocol
        if exporter not in exporters:
            exporters.append(exporter)
    return tuple(exporters), protocol


def _endpoint(read: _Environment, signal: str) -> str:
    return read.text(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or read.text("OTEL_EXPORTER_OTLP_ENDPOINT")


def _protocol(read: _Environment, signal: str) -> OtlpProtocol:
    # The Python SDK has no http/json exporter.
    choices: Mapping[str, OtlpProtocol] = {"grpc": "grpc", "http/protobuf": "http/protobuf"}
    usual: OtlpProtocol = "grpc" if _endpoint(read, signal).rstrip("/").endswith(":4317") else "http/protobuf"
    general = read.choice("OTEL_EXPORTER_OTLP_PROTOCOL", usual, choices)
    return read.choice(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", general, choices)


def _check_sampler(read: _Environment) -> None:
    """The SDK would sample everything after a warning."""
    name = read.text("OTEL_TRACES_SAMPLER").lower()
    if name and name not in _SAMPLERS and not entry_points(group="opentelemetry_traces_sampler", name=name):
        raise InvalidSettingError("OTEL_TRACES_SAMPLER", name, f"one of {', '.join(_SAMPLERS)}")
    if name.endswith("traceidratio"):
        read.value("OTEL_TRACES_SAMPLER_ARG", 1.0, _ratio, "a share from 0 to 1")


def _check_otlp(read: _Environment) -> None:
    """The exporters would fail with a traceback, or at every export."""
    for part in ("", "TRACES_", "METRICS_"):
        name = f"OTEL_EXPORTER_OTLP_{part}ENDPOINT"
        if (address := read.text(name)) and not _is_address(address):
            # Before an @ stands a password.
            raise InvalidSettingError(name, address.rpartition("@")[2], "an address that starts with http:// or https://")
        for header in read.items(f"OTEL_EXPORTER_OTLP_{part}HEADERS"):
            if not _HEADER.fullmatch(header):  # the SDK would leave it out, and log it with the key that it holds
                raise InvalidSettingError(f"OTEL_EXPORTER_OTLP_{part}HEADERS", REDACTED, "name=value, separated by commas")
        read.value(f"OTEL_EXPORTER_OTLP_{part}TIMEOUT", 0.0, float, "a number of seconds")
        read.choice(f"OTEL_EXPORTER_OTLP_{part}COMPRESSION", None, dict.fromkeys(("none", "gzip", "deflate")))


def _check_limits(read: _Environment) -> None:
    """The SDK would end the program with a traceback."""
    for name in _LIMITS:
        read.value(f"OTEL_{name}_LIMIT", 0, _count, "a whole number, 0 or more")


def _is_address(text: str) -> bool:
    try:
        return bool(urlsplit(text).hostname) and urlsplit(text).port != 0
    except ValueError:
        return False


def _service_in_resource(read: _Environment) -> str:
    pairs = (item.partition("=") for item in read.items("OTEL_RESOURCE_ATTRIBUTES"))
    return next((value.strip() for key, _, value in pairs if key.strip() == "service.name"), "")


def _ratio(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(text)
    return share


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number
