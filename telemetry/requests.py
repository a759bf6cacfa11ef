"""requests' calls are spans, and our trace context goes to no host that is not on the list."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import Span
from requests import PreparedRequest

_outside: ContextVar[int] = ContextVar("telemetry_outside_carrier", default=0)


class Boundary(TextMapPropagator):
    """The application's propagator, except for the headers of a request that leaves our hosts."""

    def __init__(self, inner: TextMapPropagator) -> None:
        self._inner = inner

    def inject(self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter) -> None:
        if id(carrier) != _outside.get():
            self._inner.inject(carrier, context, setter)

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        return self._inner.extract(carrier, context, getter)

    @property
    def fields(self) -> set[str]:
        return self._inner.fields


def instrument(propagate_to: frozenset[str]) -> None:
    """Every call of requests is a span; ``traceparent`` and baggage go to the hosts in ``propagate_to`` alone."""
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    if not isinstance(propagate.get_global_textmap(), Boundary):
        propagate.set_global_textmap(Boundary(propagate.get_global_textmap()))
    instrumentor = RequestsInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()  # whoever was first did not know our hook

    def hook(_span: Span, request: PreparedRequest) -> None:
        if (urlsplit(request.url or "").hostname or "").lower() not in propagate_to:
            _outside.set(id(request.headers))  # the instrumentor injects into these headers next

    options: dict[str, Any] = {"request_hook": hook}
    instrumentor.instrument(**options)
