"""Jaeger's pages, as addresses for people."""

from __future__ import annotations

from urllib.parse import urlencode

import orjson
from django.conf import settings


def trace_page(trace_id: str) -> str:
    """The page of a trace; empty when no Jaeger is named."""
    return f"{settings.SYNCTRACE_JAEGER_URL}/trace/{trace_id}" if settings.SYNCTRACE_JAEGER_URL else ""


def search_page(*, service: str, operation: str, tags: dict[str, str] | None = None) -> str:
    """The page that lists the traces with a span of that name and (on any span of theirs) those attributes.

    Empty when no Jaeger is named.
    """
    asked = {"service": service, "operation": operation, "lookback": "2d", "limit": "50"}
    if tags:
        asked["tags"] = orjson.dumps(tags).decode()
    return f"{settings.SYNCTRACE_JAEGER_URL}/search?{urlencode(asked)}" if settings.SYNCTRACE_JAEGER_URL else ""
