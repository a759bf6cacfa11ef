"""The last thing before a span leaves: secrets are taken out of its name, attributes, status, events and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue

from telemetry.redaction import redact, redact_value

Attributes = Mapping[str, AttributeValue]


class RedactingExporter(SpanExporter):
    """Exports through another exporter, without secrets; ``failed`` counts the spans it did not take."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export([_redacted(span) for span in spans])
        if result is not SpanExportResult.SUCCESS:
            self.failed += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _redacted(span: ReadableSpan) -> ReadableSpan:
    """``span`` itself when it is clean, as nearly all are; else a copy without secrets."""
    name, attributes, status = redact(span.name), _clean(span.attributes), _clean_status(span.status)
    events = [Event(redact(event.name), _clean(event.attributes), event.timestamp) for event in span.events]
    links = [Link(link.context, _clean(link.attributes)) for link in span.links]
    if (
        name == span.name
        and attributes is span.attributes
        and status is span.status
        and all(new.attributes is old.attributes for new, old in zip(events, span.events, strict=True))
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


def _clean(attributes: Any) -> Any:
    """The same mapping when nothing in it is secret."""
    if not attributes:
        return attributes
    changed: dict[str, Any] = {}
    for key, value in attributes.items():
        if isinstance(value, str):
            clean = redact(value)
            if clean is not value and clean != value:
                changed[key] = clean
        elif isinstance(value, tuple) and value and isinstance(value[0], str):
            cleaned = tuple(redact_value(value))
            if cleaned != value:
                changed[key] = cleaned
    return {**attributes, **changed} if changed else attributes


def _clean_status(status: Status) -> Status:
    description = status.description
    if description is None or redact(description) == description:
        return status
    return Status(status.status_code, redact(description))
