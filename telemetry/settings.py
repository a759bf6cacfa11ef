"""Read and check, once, what the environment and the application say about telemetry."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from telemetry._settings import otlp, standard
from telemetry._settings.choices import check as check_choices
from telemetry._settings.environment import Environment, InvalidSettingError, count, pattern
from telemetry._settings.installed import check_installed
from telemetry._settings.standard import Batching
from telemetry.model import Level

__all__ = ["OFF", "Batching", "Choices", "InvalidSettingError", "LogFormat", "Network", "TelemetrySettings"]

LogFormat = Literal["console", "json"]
Network = IPv4Network | IPv6Network

OFF = 100
"""A log level above all levels: nothing is written."""

PREFIX = "TELEMETRY_"
"""The default prefix of telemetry's own variables."""

_HOST = re.compile(r"[^\s/@:*?#\[\]]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
"""A host as an address has it, or an IPv6 address without its brackets."""
_FORMATS: Mapping[str, LogFormat | None] = {"console": "console", "json": "json"}
_LEVELS: Mapping[str, int] = {level.name.lower(): level.value for level in Level} | {"off": OFF}


class Choices(TypedDict, total=False):
    """What an application chooses for itself; each choice has a default, and the environment overrides it."""

    prefix: str
    """The prefix of telemetry's own variables, such as `SHOP_`; `TELEMETRY_` by default."""
    service_name: str
    """The service's name if `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` give none."""
    home: Path
    """The folder for files of lines and spans; without it, the one in the variable `{prefix}HOME`."""
    resource: Mapping[str, str]
    """Resource attributes such as `service.version`, where `OTEL_RESOURCE_ATTRIBUTES` gives none."""
    context: Sequence[str]
    """The keys of bound context that come first on a line, in this order."""
    excluded_urls: Sequence[str]
    """Regular expressions: a request to Django has no span if one of them is found in its address."""
    redact_patterns: Sequence[str]
    """Regular expressions for secrets, besides those of `telemetry.redaction`; the environment adds to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """Where spans, metrics and lines go, and how lines look.

    Samplers, limits, endpoints, headers, certificates and compression are left to the OpenTelemetry SDK and its
    exporters, which read these themselves. `{prefix}` is `TELEMETRY_` unless the application chooses its own.
    """

    prefix: str = PREFIX
    """The prefix of telemetry's own variables."""
    disabled: bool = False
    """`OTEL_SDK_DISABLED`: no spans are made or exported; lines are still written."""
    service_name: str = ""
    """`OTEL_SERVICE_NAME`, else the resource attribute `service.name`, else the application's, else "" for the SDK's."""
    resource: tuple[tuple[str, str], ...] = ()
    """The application's own resource attributes, where `OTEL_RESOURCE_ATTRIBUTES` gives none."""
    home: Path | None = None
    """The application's folder, else `{prefix}HOME`: for files of spans and lines, the spool, and the ledger."""
    traces_exporters: tuple[str, ...] = ()
    """`OTEL_TRACES_EXPORTER`, as registered; if unset, OTLP's if there is an OTLP endpoint, else none."""
    traces_timeout: float = 2.0
    """`OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, else `OTEL_EXPORTER_OTLP_TIMEOUT`, in seconds."""
    batching: Batching = field(default_factory=Batching)
    """`OTEL_BSP_*`."""
    metrics_exporters: tuple[str, ...] = ()
    """`OTEL_METRICS_EXPORTER`, as registered; none unless it is set."""
    metrics_timeout: float = 2.0
    """`OTEL_EXPORTER_OTLP_METRICS_TIMEOUT`, else `OTEL_EXPORTER_OTLP_TIMEOUT`, in seconds."""
    traces_file: Path | None = None
    """`{prefix}TRACES_FILE`, else `traces.jsonl` in the home folder; OTLP JSON, one request a line."""
    journal: Path | None = None
    """`journal` in the home folder, else beside `traces_file`: a folder of spans that nobody has exported yet."""
    spool_bytes: int = 256 * 1024 * 1024
    """`{prefix}SPOOL_BYTES`: how much may wait in the home folder while an OTLP endpoint is away; 0: no spool."""
    log_file: Path | None = None
    """`{prefix}LOG_FILE`, else `logs.jsonl` in the home folder; it gets every level."""
    log_format: LogFormat | None = None
    """`{prefix}LOG_FORMAT` of the stream; None means console on a terminal, and json otherwise."""
    log_level: int = 20
    """`{prefix}LOG_LEVEL`: the lowest level that the stream gets."""
    rotate_bytes: int = 64 * 1024 * 1024
    """`{prefix}LOG_ROTATE_BYTES`: the size at which a file of lines or spans is rotated; 0 means never."""
    propagate_to: frozenset[str] = frozenset()
    """`{prefix}PROPAGATE_TO`: lower-case host names that trace headers may be sent to."""
    trust_from: tuple[Network, ...] = ()
    """`{prefix}TRUST_FROM`: addresses or networks of peers whose traces are continued; those of others are linked."""
    context: tuple[str, ...] = ()
    """The keys of bound context that come first on a line, in this order."""
    redact_patterns: tuple[str, ...] = ()
    """The application's regular expressions whose matches are secrets, and those of `{prefix}REDACT_PATTERNS`."""
    excluded_urls: tuple[str, ...] = ()
    """`OTEL_PYTHON_DJANGO_EXCLUDED_URLS`, else `OTEL_PYTHON_EXCLUDED_URLS`, else the application's."""

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None, **choices: Unpack[Choices]) -> TelemetrySettings:
        """Return the settings in `env` (by default the process's own environment), with `choices` where it is silent.

        Raise InvalidSettingError naming the variable or the choice that is wrong, and what to do.
        """
        check_choices(choices, tuple(Choices.__annotations__), PREFIX)
        read = Environment(os.environ if env is None else env)
        standard.check(read)
        own = choices.get("prefix", PREFIX)
        home = choices.get("home") or read.value(f"{own}HOME", None, Path, "a folder")
        files = read.text("OTEL_TRACES_EXPORTER").lower() != "none"
        traces_file = read.value(f"{own}TRACES_FILE", home and home / "traces.jsonl", Path, "a file") if files else None
        kept = (home or (traces_file and traces_file.parent)) if files else None
        excluded = read.items("OTEL_PYTHON_DJANGO_EXCLUDED_URLS") or read.items("OTEL_PYTHON_EXCLUDED_URLS")
        return cls(
            prefix=own,
            disabled=read.flag("OTEL_SDK_DISABLED"),
            service_name=standard.service_name(read) or choices.get("service_name", ""),
            home=home,
            traces_exporters=_traces_exporters(read),
            traces_timeout=otlp.timeout(read, "TRACES"),
            batching=standard.batching(read),
            metrics_exporters=_metrics_exporters(read),
            metrics_timeout=otlp.timeout(read, "METRICS"),
            traces_file=traces_file,
            journal=kept and kept / "journal",
            spool_bytes=read.value(f"{own}SPOOL_BYTES", 256 * 1024 * 1024, count, "a whole number of bytes, 0 or more"),
            log_file=read.value(f"{own}LOG_FILE", home and home / "logs.jsonl", Path, "a file"),
            log_format=read.choice(f"{own}LOG_FORMAT", None, _FORMATS),
            log_level=read.choice(f"{own}LOG_LEVEL", 20, _LEVELS),
            rotate_bytes=read.value(f"{own}LOG_ROTATE_BYTES", 64 * 1024 * 1024, count, "a whole number of bytes, 0 or more"),
            propagate_to=_hosts(read, f"{own}PROPAGATE_TO"),
            trust_from=_networks(read, f"{own}TRUST_FROM"),
            resource=tuple(choices.get("resource", {}).items()),
            context=tuple(choices.get("context", ())),
            redact_patterns=_redact_patterns(read, f"{own}REDACT_PATTERNS", choices.get("redact_patterns", ())),
            excluded_urls=excluded or tuple(choices.get("excluded_urls", ())),
        )


def _traces_exporters(read: Environment) -> tuple[str, ...]:
    asked = standard.exporters(read, "TRACES")
    if asked is not None:
        check_installed("opentelemetry_traces_exporter", "OTEL_TRACES_EXPORTER", read.text("OTEL_TRACES_EXPORTER"), asked)
        return asked
    address = otlp.endpoint(read, "TRACES")
    if not address:
        return ()
    usual = (otlp.exporter(read, "TRACES"),)
    shown = otlp.without_password(address)
    check_installed("opentelemetry_traces_exporter", "OTEL_EXPORTER_OTLP_ENDPOINT", shown, usual)
    return usual


def _metrics_exporters(read: Environment) -> tuple[str, ...]:
    asked = standard.exporters(read, "METRICS") or ()
    check_installed("opentelemetry_metrics_exporter", "OTEL_METRICS_EXPORTER", read.text("OTEL_METRICS_EXPORTER"), asked)
    return asked


def _networks(read: Environment, name: str) -> tuple[Network, ...]:
    networks: list[Network] = []
    for item in read.items(name):
        try:
            networks.append(ip_network(item))
        except ValueError:
            cure = "it must be addresses or networks such as 10.0.0.0/8; a name proves nothing about who calls"
            raise InvalidSettingError(name, item, cure) from None
    return tuple(networks)


def _hosts(read: Environment, name: str) -> frozenset[str]:
    """Return host names as requests to them have them: anything else would silently match none."""
    hosts = read.items(name)
    for host in hosts:
        if not _HOST.fullmatch(host):
            cure = "it must be hosts' names such as stock.shop.example, without scheme, port, path or *"
            raise InvalidSettingError(name, otlp.without_password(host), cure)
    return frozenset(map(str.lower, hosts))


def _redact_patterns(read: Environment, name: str, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns that the application chose and those in a variable, which are separated by blanks."""
    given = read.text(name).split()
    for one in given:
        try:
            pattern(one)
        except ValueError:
            cure = r"it must be regular expressions, separated by blanks; a blank inside one is \s"
            raise InvalidSettingError(name, one, cure) from None
    return (*chosen, *given)
