"""What a message carries besides its task, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter

from telemetry._traceparent import parts_of

_HEADER = "telemetry"
_SYSTEMS: Mapping[str, str] = {
    "amqp": "rabbitmq",
    "azureservicebus": "servicebus",
    "gcpubsub": "gcp_pubsub",
    "sqs": "aws_sqs",
}
"""The broker's name in OpenTelemetry's conventions, where kombu calls it otherwise."""

_sending: ContextVar[tuple[int | None, str | None]] = ContextVar("telemetry_sending", default=(None, None))
_systems: dict[tuple[int, str], str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What travels with a task's message without concerning the task."""

    attempt: int = 1
    """Which attempt at the task the message asks for, from 1."""
    previous: str | None = None
    """The `traceparent` of the attempt before."""
    parent: str | None = None
    """The `traceparent` of the parent of the task's span, by default the span that sent the message."""
    root: str | None = None
    """The `traceparent` of the reserved root that the work belongs to."""
    sent_ns: int = 0
    """When it was sent, in Unix nanoseconds; 0 is unknown."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """The context that was bound where it was sent."""

    def put(self, headers: dict[str, Any]) -> None:
        """Write the envelope into a message's headers."""
        headers[_HEADER] = asdict(self)

    @classmethod
    def of(cls, request: Any) -> Envelope:
        """Return the envelope of the message that `request` came with; an empty one if it was sent without telemetry."""
        beside = request.get("headers")
        found = request.get(_HEADER) or (beside.get(_HEADER) if isinstance(beside, Mapping) else None)
        if not isinstance(found, Mapping):
            return cls(attempt=_whole(request.get("retries")) + 1)
        context = found.get("context")
        return cls(
            attempt=_whole(found.get("attempt")) or 1,
            previous=_traceparent(found.get("previous")),
            parent=_traceparent(found.get("parent")),
            root=_traceparent(found.get("root")),
            sent_ns=_whole(found.get("sent_ns")),
            context=portable(context) if isinstance(context, Mapping) else {},
        )

    def wait_ms(self, request: Any, *, until_ns: int) -> float | None:
        """Return how long the message was on its queue until then, without any planned delay; None if unknown."""
        if not self.sent_ns:
            return None
        due = max(self.sent_ns, _moment_ns(request.eta) if request.eta else 0)
        return max(0, until_ns - due) // 1000 / 1000


@contextmanager
def sending(*, attempt: int | None = None, previous: str | None = None) -> Iterator[None]:
    """Make the tasks published inside attempt number `attempt`, linked to the span that `previous`, a traceparent, names."""
    token = _sending.set((attempt, previous))
    try:
        yield
    finally:
        _sending.reset(token)


def asked_for() -> tuple[int | None, str | None]:
    """Return the attempt and the previous span that `sending` was given here."""
    return _sending.get()


def portable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `values` that every serializer can write."""
    return {name: value for name, value in values.items() if isinstance(name, str) and isinstance(value, str | int | float)}


class Headers(Getter[Any]):
    """Read trace headers from a task's request, which has a message's headers as attributes."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        """Return a header's value."""
        value = carrier.get(key)
        return [value] if isinstance(value, str) else None

    def keys(self, carrier: Any) -> list[str]:
        """Return no names: nobody needs them."""
        return []


def carried(request: Any) -> Context:
    """Return the trace context and baggage that a message carries."""
    from opentelemetry import propagate  # late, because it fails for an OTEL_PROPAGATORS that settings explain

    return propagate.extract(request, Context(), getter=Headers())


def _system(app: Any) -> str:
    """Return the broker's name as OpenTelemetry's conventions write it: `redis`, `rabbitmq`, ..."""
    key = id(app), str(app.conf.broker_write_url or app.conf.broker_url)
    if key not in _systems:
        driver = str(app.connection_for_write().transport.driver_type)
        _systems[key] = _SYSTEMS.get(driver, driver)
    return _systems[key]


def destination(exchange: Any, routing_key: Any) -> str | None:
    """Return where a message goes, or came from: the queue's name, or the exchange and routing key that lead to it."""
    exchange, routing_key = str(getattr(exchange, "name", exchange) or ""), str(routing_key or "")
    if exchange in ("", routing_key):
        return routing_key or None
    return f"{exchange}:{routing_key}"


def described(app: Any, *, name: str, kind: str) -> dict[str, str]:
    """Return the attributes of an operation on the broker's messages, `kind` being one of OpenTelemetry's."""
    return {
        "messaging.system": _system(app),
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
    }


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _traceparent(value: Any) -> str | None:
    """Return what names a span; None for anything else that somebody has sent in its place."""
    try:
        parts_of(value)
    except (TypeError, ValueError):
        return None
    return str(value)


def _moment_ns(eta: Any) -> int:
    """Return when a task was to run, in Unix nanoseconds; 0 for what is no moment."""
    try:
        return int(datetime.fromisoformat(eta).timestamp() * 1e9)
    except (TypeError, ValueError, OverflowError, OSError):
        return 0
