"""The limits of our traces: whose trace context we trust, and to whom we send ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from ipaddress import ip_address

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from telemetry.settings import Network

# `opentelemetry.propagate` is imported late: it reads OTEL_PROPAGATORS as it is imported, and fails for an unknown name,
# which is for `telemetry.settings` to say.

_outside: ContextVar[int] = ContextVar("telemetry_outside_carrier", default=0)


class Boundary(TextMapPropagator):
    """The application's propagator, which writes nothing into headers that go outside."""

    def __init__(self, inner: TextMapPropagator) -> None:
        self._inner = inner

    def inject(self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter) -> None:
        """Write the trace context into `carrier`, unless that goes outside."""
        if id(carrier) != _outside.get():
            self._inner.inject(carrier, context, setter)
            return
        _outside.set(0)  # these are done; others may later have the same id

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """Return the trace context in `carrier`."""
        return self._inner.extract(carrier, context, getter)

    @property
    def fields(self) -> set[str]:
        """The names of the headers that the application's propagator writes."""
        return self._inner.fields


def install() -> None:
    """Wrap the application's propagator with the boundary, once."""
    from opentelemetry import propagate

    if not isinstance(propagate.get_global_textmap(), Boundary):
        propagate.set_global_textmap(Boundary(propagate.get_global_textmap()))


def leaves(carrier: object) -> None:
    """Mark the headers in `carrier`, filled in next, as going outside."""
    _outside.set(id(carrier))


def extracted(headers: Mapping[str, str]) -> Context:
    """Return the trace context and baggage in a request's headers, with nothing of this process's."""
    from opentelemetry import propagate

    return propagate.extract(headers, Context())


def is_trusted(peer: str, networks: Iterable[Network]) -> bool:
    """Return whether `peer`, the address at the other end of a connection, is in one of the networks."""
    try:
        address = ip_address(peer)
    except ValueError:  # a Unix socket has none
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)
