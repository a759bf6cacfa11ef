"""Describe requests and responses by OpenTelemetry's HTTP conventions, for WSGI and ASGI alike."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest

from telemetry.redaction import redact

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_KNOWN_METHODS = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"
_CAPTURED = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_"
_SANITIZED = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS"
_METRIC_KEYS = ("http.request.method", "url.scheme", "network.protocol.version")


def method_of(request: HttpRequest) -> str:
    """Return the request's method, or `_OTHER` for unknown ones, of which there may be many.

    The environment may name the known ones, all of them and in their very case; Django's are in capitals.
    """
    named = _items(os.environ.get(_KNOWN_METHODS, ""))
    given = _method_given(request)
    method = given if given in named else (request.method or "").upper()
    return method if method in (named or _METHODS) else "_OTHER"


def span_name(request: HttpRequest) -> str:
    """Return `GET shop/<slug:item>`, or the method alone while no route is known."""
    method = method_of(request)
    route = route_of(request)
    method = "HTTP" if method == "_OTHER" else method
    return f"{method} {route}" if route else method


def route_of(request: HttpRequest) -> str | None:
    """Return the route that Django found for the request."""
    found = request.resolver_match
    return (found.route or None) if found is not None else None


def request_attributes(request: HttpRequest) -> dict[str, Any]:
    """Return what is known of a request as it begins."""
    meta = request.META
    method, given = method_of(request), _method_given(request)
    host, port = _host_and_port(meta)
    query = str(meta.get("QUERY_STRING") or "")
    return {
        "http.request.method": method,
        "http.request.method_original": given if given != method else None,
        "url.scheme": request.scheme,
        "url.path": request.path,
        "url.query": redact(f"?{query}")[1:] if query else None,  # as in an address, where a code to sign in with is known
        "server.address": host,
        "server.port": port,
        "client.address": meta.get("REMOTE_ADDR") or None,
        "user_agent.original": meta.get("HTTP_USER_AGENT") or None,
        "network.protocol.version": _http_version(request),
        **captured("request", request.headers.items()),
    }


def metric_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a request's attributes that its duration is counted by."""
    return {key: attributes[key] for key in _METRIC_KEYS if attributes.get(key) is not None}


def captured(kind: str, headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the headers that the environment asks for, as attributes; `kind` is `request` or `response`."""
    wanted = _patterns(_CAPTURED + kind.upper())
    if not wanted:
        return {}
    hidden = _patterns(_SANITIZED)
    return {
        f"http.{kind}.header.{name.lower()}": ["[redacted]" if any(one.search(name) for one in hidden) else value]
        for name, value in headers
        if any(one.fullmatch(name) for one in wanted)
    }


def address_of(request: HttpRequest) -> str:
    """Return the request's address without its query, for patterns to be found in; Django need not allow its host."""
    return f"{request.scheme}://{request.META.get('HTTP_HOST', '')}{request.path}"


def _method_given(request: HttpRequest) -> str | None:
    """Return the method as the server has it."""
    scope: Mapping[str, Any] = getattr(request, "scope", {})
    return scope.get("method") or request.META.get("REQUEST_METHOD") or request.method


@lru_cache
def _items(text: str) -> tuple[str, ...]:
    return tuple(item for part in text.split(",") if (item := part.strip()))


@lru_cache
def _compiled(text: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(item, re.IGNORECASE) for item in _items(text))


def _patterns(variable: str) -> tuple[re.Pattern[str], ...]:
    return _compiled(os.environ.get(variable, ""))


def _host_and_port(meta: Mapping[str, Any]) -> tuple[str | None, int | None]:
    try:
        named = urlsplit(f"//{meta.get('HTTP_HOST', '')}")
        if named.hostname:
            return named.hostname, named.port
    except ValueError:  # whatever a client has written there
        pass
    port = str(meta.get("SERVER_PORT") or "")
    return meta.get("SERVER_NAME") or None, int(port) if port.isdecimal() else None


def _http_version(request: HttpRequest) -> str | None:
    scope: Mapping[str, Any] = getattr(request, "scope", {})
    version = scope.get("http_version") or str(request.META.get("SERVER_PROTOCOL", "")).partition("/")[2]
    return version or None
