"""Where our traces end: what a request outside brings is not trusted, and nothing of ours is sent to hosts outside."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import SpanContext

_outside: ContextVar[int] = ContextVar("telemetry_outside_carrier", default=0)
_SERVERS = frozenset({"WSGIGetter", "ASGIGetter"})
"""What the instrumentations of web servers read a request with. Celery's messages come from our own broker."""


class Boundary(TextMapPropagator):
    """The application's propagator, except for requests that come from outside and those that go there."""

    def __init__(self, inner: TextMapPropagator) -> None:
        self._inner = inner

    def inject(self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter) -> None:
        if id(carrier) != _outside.get():
            self._inner.inject(carrier, context, setter)
            return
        _outside.set(0)  # these have left; others may later have the same id

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        if type(getter).__name__ in _SERVERS:
            return Context() if context is None else context
        return self._inner.extract(carrier, context, getter)

    @property
    def fields(self) -> set[str]:
        return self._inner.fields


def install() -> None:
    """The boundary stands around the application's propagator, once."""
    if not isinstance(propagate.get_global_textmap(), Boundary):
        propagate.set_global_textmap(Boundary(propagate.get_global_textmap()))


def leaves(carrier: object) -> None:
    """The headers ``carrier``, which are filled in next, go to a host outside."""
    _outside.set(id(carrier))


def caller(headers: Mapping[str, str]) -> SpanContext:
    """The span that these headers of a request name; invalid when they name none."""
    return trace.get_current_span(propagate.extract(headers, Context())).get_span_context()
