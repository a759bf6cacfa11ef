"""requests' calls are spans, and our trace context goes to no host that is not on the list."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.trace import Span
from requests import PreparedRequest

from telemetry import _boundary


def instrument(propagate_to: frozenset[str]) -> None:
    """Every call of requests is a span; ``traceparent`` and baggage go to the hosts in ``propagate_to`` alone."""
    _boundary.install()
    instrumentor = RequestsInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()  # whoever was first did not know our hook

    def hook(_span: Span, request: PreparedRequest) -> None:
        if (urlsplit(request.url or "").hostname or "").lower() not in propagate_to:
            _boundary.leaves(request.headers)  # the instrumentor injects into these headers next

    options: dict[str, Any] = {"request_hook": hook}
    instrumentor.instrument(**options)
