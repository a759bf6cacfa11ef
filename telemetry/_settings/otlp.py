"""What the variables of OTLP's exporters say, a signal's own before the general ones, and what is wrong with them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from telemetry._settings.environment import Environment, InvalidSettingError, seconds
from telemetry._settings.installed import check_installed
from telemetry.redaction import REDACTED, redact

_HTTP, _GRPC = "otlp_proto_http", "otlp_proto_grpc"
_PROTOCOLS: Mapping[str, str] = {"grpc": _GRPC, "http/protobuf": _HTTP}
_COMPRESSIONS: Mapping[str, tuple[str, ...]] = {_HTTP: ("none", "gzip", "deflate"), _GRPC: ("none", "gzip")}
_FILES = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
_SECONDS = 2.0
"""Ours, for the SDK's 10: it keeps to an exporter's timeout and not to `force_flush`'s, and no exit may take that long."""
_HEADER = re.compile(r"""[!#-'*+.0-9A-Z^-z|~-]+[ \t]*=[ \t]*[ !#-+\-.-:<-\[\]-~]*""", re.ASCII)
"""As the SDK reads it (`opentelemetry.util.re`)."""


def exporter(read: Environment, signal: str) -> str:
    """Return the name of the OTLP exporter for the protocol that is asked for, or that the endpoint's port is known for."""
    usual = _GRPC if endpoint(read, signal).rstrip("/").endswith(":4317") else _HTTP
    general = read.choice("OTEL_EXPORTER_OTLP_PROTOCOL", usual, _PROTOCOLS)
    return read.choice(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", general, _PROTOCOLS)


def endpoint(read: Environment, signal: str) -> str:
    """Return the OTLP endpoint of a signal, its own variable first; "" when there is none."""
    return read.text(_name(read, signal, "ENDPOINT"))


def timeout(read: Environment, signal: str) -> float:
    """Return how many seconds an OTLP export may take, by the signal's own variable first."""
    general = read.value("OTEL_EXPORTER_OTLP_TIMEOUT", _SECONDS, seconds, "a number of seconds above 0")
    return read.value(f"OTEL_EXPORTER_OTLP_{signal}_TIMEOUT", general, seconds, "a number of seconds above 0")


def without_password(address: str) -> str:
    """Return what stands in an address after its user and password."""
    return address.rpartition("@")[2]


def check(read: Environment) -> None:
    """Raise for what the exporters would only find, or overlook, once they are at work."""
    for signal in ("TRACES", "METRICS"):
        protocol = _protocol(read, signal)
        _check_endpoint(read, _name(read, signal, "ENDPOINT"), protocol)
        _check_headers(read, _name(read, signal, "HEADERS"), protocol)
        read.choice(_name(read, signal, "COMPRESSION"), None, dict.fromkeys(_COMPRESSIONS[protocol]))
        read.flag(_name(read, signal, "INSECURE"))
        for kind in _FILES:
            _check_file(read, _name(read, signal, kind), may_be_folder=kind == "CERTIFICATE" and protocol == _HTTP)
    for way in ("HTTP", "GRPC"):
        for part in ("", "TRACES_", "METRICS_"):
            name = f"OTEL_PYTHON_EXPORTER_OTLP_{way}_{part}CREDENTIAL_PROVIDER"
            check_installed("opentelemetry_otlp_credential_provider", name, read.text(name), read.items(name))


def _name(read: Environment, signal: str, kind: str) -> str:
    """Return the name of the variable that a signal's exporter reads."""
    own = f"OTEL_EXPORTER_OTLP_{signal}_{kind}"
    return own if read.text(own) else f"OTEL_EXPORTER_OTLP_{kind}"


def _protocol(read: Environment, signal: str) -> str:
    """Return the exporter that reads a signal's variables: the one that is named, else that of the protocol."""
    named = [name for name in read.items(f"OTEL_{signal}_EXPORTER") if name in _COMPRESSIONS]
    return named[0] if named else exporter(read, signal)


def _check_endpoint(read: Environment, name: str, protocol: str) -> None:
    address = read.text(name)
    is_target = protocol == _GRPC and "://" not in address  # as gRPC names its servers
    if address and not _is_address(f"https://{address}" if is_target else address):
        cure = "it must be an address that starts with http:// or https://"
        cure += ", or host:port" if protocol == _GRPC else ""
        raise InvalidSettingError(name, without_password(address), cure)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_headers(read: Environment, name: str, protocol: str) -> None:
    """Raise for a header that the SDK would log and leave out, or that cannot be sent; it may have a vendor's key in it."""
    for item in read.items(name):
        if not _HEADER.fullmatch(item):
            raise InvalidSettingError(name, REDACTED, "it must be name=value, separated by commas")
        value = unquote(item.partition("=")[2].strip())
        if not value.isprintable() or not _can_be(value, "ascii" if protocol == _GRPC else "latin-1"):
            raise InvalidSettingError(name, REDACTED, "a value has a character that no header can have")


def _can_be(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _check_file(read: Environment, name: str, *, may_be_folder: bool) -> None:
    """Raise for a file that is not there; who has pasted the key itself does not find it in the sentence."""
    path = read.text(name)
    is_there = Path(path).is_file() or (may_be_folder and Path(path).is_dir())
    if path and not (is_there and os.access(path, os.R_OK)):
        raise InvalidSettingError(name, redact(path), "it must be a file that can be read")
