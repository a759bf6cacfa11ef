"""URLs of Jaeger's pages, for people."""

from __future__ import annotations

from urllib.parse import urlencode

import orjson
from django.conf import settings


def trace_page(trace_id: str) -> str:
    """Return the URL of a trace's page, or "" if no Jaeger is configured."""
    return f"{settings.SYNCTRACE_JAEGER_URL}/trace/{trace_id}" if settings.SYNCTRACE_JAEGER_URL else ""


def search_page(*, service: str, operation: str, tags: dict[str, str] | None = None) -> str:
    """Return the URL of the page that lists traces with such a span, or "" if no Jaeger is configured.

    `tags` are attributes that some span of the trace has. The operation is one of them: the collector keeps a span's
    own name as `span.name`, and gives the span a longer name for Jaeger's pages.
    """
    wanted = orjson.dumps({"span.name": operation} | (tags or {})).decode()
    asked = {"service": service, "tags": wanted, "lookback": "7d", "limit": "50"}
    return f"{settings.SYNCTRACE_JAEGER_URL}/search?{urlencode(asked)}" if settings.SYNCTRACE_JAEGER_URL else ""
