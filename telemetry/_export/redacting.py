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
from opentelemetry.util.types import AttributeValue

from telemetry.redaction import REDACTED, is_secret_name, redact, redact_value

_PARTS = frozenset({"_name", "_attributes", "_status", "_events", "_links"})


class RedactingExporter(SpanExporter):
    """Exports through another exporter, without secrets; ``failed`` counts the spans it did not take."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export([redacted(span) for span in spans])
        finally:  # whoever called us only logs an exception
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
    if _is_clean(span):
        return span
    return ReadableSpan(
        redact(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=without_secrets(span.attributes),
        events=[Event(redact(event.name), without_secrets(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context, without_secrets(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code, None if span.status.description is None else redact(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def without_secrets(attributes: Any) -> dict[str, AttributeValue]:
    """The attributes, with every secret replaced."""
    return {**(attributes or {}), **_changes(attributes)}


def _is_clean(span: ReadableSpan) -> bool:
    description = span.status.description
    return (
        redact(span.name) == span.name
        and (description is None or redact(description) == description)
        and not _changes(span.attributes)
        and not [1 for event in span.events if redact(event.name) != event.name or _changes(event.attributes)]
        and not [1 for link in span.links if _changes(link.attributes)]
    )


def _changes(attributes: Any) -> dict[str, AttributeValue]:
    """Those of ``attributes`` that hold secrets, without them."""
    changes: dict[str, AttributeValue] = {}
    if not attributes:
        return changes
    for key, value in attributes.copy().items():  # the SDK's own iteration costs a call for each key
        kind = type(value)
        if kind is int or kind is float or kind is bool:
            continue
        if is_secret_name(key):
            changes[key] = REDACTED
        elif kind is str:
            clean = redact(value)
            if clean != value:
                changes[key] = clean
        elif (plain := redact_value(value)) != (list(value) if kind is tuple else value):
            changes[key] = plain
    return changes
