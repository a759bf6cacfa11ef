"""The last thing before a span leaves: secrets are taken out of its name, attributes, status, events and links.

Our own exporters do it on their own thread (`RedactingExporter`). Exporters of a provider that we adopted are not ours to
wrap, so there it is done as the span ends, before any of them sees it (`RedactingProcessor`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status

from telemetry.redaction import REDACTED, is_secret_name, redact, redact_value

_PARTS = frozenset({"_name", "_attributes", "_status", "_events", "_links"})


class RedactingExporter(SpanExporter):
    """Exports through another exporter, without secrets; ``failed`` counts the spans it did not take."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export([redacted(span) for span in spans])
        if result is not SpanExportResult.SUCCESS:
            self.failed += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class RedactingProcessor(SpanProcessor):
    """A span that ends has no secrets any more, whichever processors stood there before this one."""

    def _on_ending(self, span: Span) -> None:
        # The specification's OnEnding, where a span is still mutable; this SDK has closed its own setters by then.
        clean = redacted(span)
        if clean is not span:
            vars(span).update({name: value for name, value in vars(clean).items() if name in _PARTS})


def redacted(span: ReadableSpan) -> ReadableSpan:
    """``span`` itself when it is clean, as nearly all are; else a copy without secrets."""
    name, attributes, status = redact(span.name), without_secrets(span.attributes), _clean_status(span.status)
    events = [Event(redact(event.name), without_secrets(event.attributes), event.timestamp) for event in span.events]
    links = [Link(link.context, without_secrets(link.attributes)) for link in span.links]
    if (
        name == span.name
        and attributes is span.attributes
        and status is span.status
        and all(
            new.attributes is old.attributes and new.name == old.name for new, old in zip(events, span.events, strict=True)
        )
        and all(new.attributes is old.attributes for new, old in zip(links, span.links, strict=True))
    ):
        return span
    return ReadableSpan(
        name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=events,
        links=links,
        kind=span.kind,
        status=status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def without_secrets(attributes: Any) -> Any:
    """The same mapping when nothing in it is secret."""
    if not attributes:
        return attributes
    changed: dict[str, Any] = {}
    for key, value in attributes.items():
        kind = type(value)
        if kind is int or kind is float or kind is bool:
            continue
        if is_secret_name(key):
            changed[key] = REDACTED
        elif kind is str:
            clean = redact(value)
            if clean != value:
                changed[key] = clean
        elif (plain := redact_value(value)) != (list(value) if kind is tuple else value):
            changed[key] = plain
    return {**attributes, **changed} if changed else attributes


def _clean_status(status: Status) -> Status:
    description = status.description
    if description is None or redact(description) == description:
        return status
    return Status(status.status_code, redact(description))
