"""A producer span for each message that is sent, which carries the trace context and an envelope."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from celery import current_task
from opentelemetry.trace import SpanKind

from telemetry import _health, roots
from telemetry._celery import messages
from telemetry._celery.messages import Envelope
from telemetry._celery.quiet_tasks import is_quiet
from telemetry._celery.running import SCOPE, Run, run_of
from telemetry._lines import context
from telemetry._spans import library_span
from telemetry._spans.library_span import LibrarySpan
from telemetry._spans.traceparent import span_context
from telemetry.task_attributes import ATTEMPT

PARENT_OF_RUN = "celery.run.parent_id"

_producer: ContextVar[LibrarySpan | None] = ContextVar("telemetry_producer", default=None)


def send_task(wrapped: Callable[..., Any], app: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Send a task inside its producer span, which ends when publishing does, also when the broker is down."""
    name = str(args[0] if args else options.get("name"))
    if is_quiet(name):
        return wrapped(*args, **options)
    span = library_span.start(
        f"apply_async/{name}", scope=SCOPE, kind=SpanKind.PRODUCER, attributes=_attributes(app, name) or {}
    )
    token = _producer.set(span)
    try:
        with span.active():
            return wrapped(*args, **options)
    except Exception as error:
        span.failed(error)
        raise
    finally:
        _producer.reset(token)
        span.end()


@_health.guarded
def _attributes(app: Any, name: str) -> dict[str, str]:
    return {"celery.task_name": name, **messages.described(app, name="apply_async", kind="send")}


@_health.guarded
def before_publish(headers: dict[str, Any] | None = None, exchange: Any = None, routing_key: Any = None, **_: Any) -> None:
    """Write the envelope and the trace context into a message; its producer span learns where it goes."""
    if headers is None:
        return
    envelope = _envelope(headers)
    envelope.put(headers)
    span = _producer.get()
    if span is None:  # a quiet task's
        return
    from opentelemetry import propagate  # late, because it fails for an OTEL_PROPAGATORS that settings explain

    propagate.inject(headers)
    where = messages.destination(exchange, routing_key)
    elsewhere = f"{span_context(envelope.parent).span_id:016x}" if envelope.parent else None
    span.set(
        {
            "messaging.destination.name": where,
            "messaging.message.id": headers.get("id"),
            ATTEMPT: envelope.attempt,
            PARENT_OF_RUN: elsewhere,
        }
    )


def _envelope(headers: Mapping[str, Any]) -> Envelope:
    attempt, previous = messages.asked_for()
    parent = root = roots.bound_root()
    run = _attempt_before(headers)
    if run is not None:
        parent, root = run.parent, run.envelope.root
        attempt, previous = attempt or run.envelope.attempt + 1, previous or run.traceparent
    return Envelope(
        attempt=attempt or 1,
        previous=previous,
        parent=parent,
        root=root,
        sent_ns=time.time_ns(),
        context=messages.portable(context.bound()),
    )


def _attempt_before(headers: Mapping[str, Any]) -> Run | None:
    """Return the attempt that sends its own task again; one that replaces its task sends a new one under the same id."""
    request = current_task.request if current_task else None
    run = run_of(request)
    if run is None or request is None or request.id != headers.get("id"):
        return None
    return run if (headers.get("replaced_task_nesting") or 0) == (request.replaced_task_nesting or 0) else None
