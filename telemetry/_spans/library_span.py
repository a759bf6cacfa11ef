"""The span of a library's operation: a request to Django, a Celery task, its message.

No error of ours or of another's span processor leaves it; nor does a secret, whatever exports the span.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from telemetry import _health
from telemetry._boundary import message_of, text
from telemetry._boundary.spans import clean_attributes
from telemetry._deaths import OUTCOME, Death
from telemetry._outcomes import error_type
from telemetry._spans import exception_events
from telemetry._spans.exception_events import exception_attributes
from telemetry.model import Outcome


class LibrarySpan:
    """A span that is made current for as long, and as often, as its library is at work on it."""

    def __init__(self, span: Span, above: Context) -> None:
        self.span = span
        self.context = trace.set_span_in_context(span, above)
        """The context in which the span is the current one."""

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make the span the current one inside."""
        token = otel_context.attach(self.context)
        try:
            yield
        finally:
            otel_context.detach(token)

    def attach(self) -> Any:
        """Make the span the current one until the returned token is detached."""
        return otel_context.attach(self.context)

    @_health.guarded
    def set(self, attributes: Mapping[str, Any]) -> None:
        """Set attributes, except those that are None."""
        self.span.set_attributes(_clean(attributes))

    @_health.guarded
    def rename(self, name: str) -> None:
        """Give the span another name."""
        self.span.update_name(text(name))

    @_health.guarded
    def succeeded(self) -> None:
        """Mark the operation as successful."""
        self.span.set_status(Status(StatusCode.OK))

    @_health.guarded
    def failed(self, error: BaseException) -> None:
        """Say that the operation failed, and why."""
        self.span.set_status(Status(StatusCode.ERROR, text(message_of(error))))
        self.span.set_attribute("error.type", error_type(error))
        self.span.add_event(exception_events.NAME, clean_attributes(exception_attributes(error)))

    @_health.guarded
    def failed_with(self, kind: str) -> None:
        """Mark the operation as failed in a named way without an exception, such as an HTTP status."""
        self.span.set_status(Status(StatusCode.ERROR))
        self.span.set_attribute("error.type", kind)

    @_health.guarded
    def died(self, death: Death) -> None:
        """Mark the operation as killed with its process."""
        self.span.set_status(Status(StatusCode.ERROR, death.sentence))
        self.span.set_attributes({OUTCOME: Outcome.DIED, **death.attributes})

    @_health.guarded
    def end(self, end_ns: int | None = None) -> None:
        """End the span, by default now (Unix nanoseconds)."""
        self.span.end(end_ns)


def start(
    name: str,
    *,
    scope: str,
    kind: SpanKind,
    attributes: Mapping[str, Any],
    above: Context | None = None,
    links: Sequence[Link] = (),
    start_ns: int | None = None,
) -> LibrarySpan:
    """Start a span below the one in `above`, or the current one, without making it the current one yet.

    `start_ns` is in Unix nanoseconds, by default now.
    """
    within = otel_context.get_current() if above is None else above
    span = _start(name, scope, kind, attributes, within, links, start_ns)
    return LibrarySpan(span or INVALID_SPAN, within)


@_health.guarded
def _start(
    name: str,
    scope: str,
    kind: SpanKind,
    attributes: Mapping[str, Any],
    above: Context,
    links: Sequence[Link],
    start_ns: int | None,
) -> Span:
    tracer = trace.get_tracer(scope)
    cleaned = _clean(attributes)
    return tracer.start_span(text(name), context=above, kind=kind, attributes=cleaned, links=links, start_time=start_ns)


def _clean(attributes: Mapping[str, Any]) -> dict[str, AttributeValue]:
    return clean_attributes({key: value for key, value in attributes.items() if value is not None})
