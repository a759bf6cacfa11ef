"""The boundary before every exporter: spans of other instrumentations are cleaned there, ours are clean already.

Our own exporters do it on their own thread (`RedactingExporter`). Exporters of an adopted provider are not ours to wrap, so
there it is done as the span ends, before any of them sees it (`RedactingProcessor`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from telemetry._boundary import clean_span

_REQUEST_BYTES = 2 * 1024 * 1024  # of text; what surrounds it, and what is no ASCII, takes as much again at most
_SPAN_BYTES = 512
_PARTS = frozenset({"_name", "_attributes", "_status", "_events", "_links"})


class RedactingExporter(SpanExporter):
    """Export through another exporter what may leave; `failed` counts the spans that it did not take."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans in requests that every receiver takes: gRPC's refuse more than 4 MiB."""
        result = SpanExportResult.SUCCESS
        for request in _requests([clean_span(span) for span in spans]):
            taken = SpanExportResult.FAILURE
            try:
                taken = self._exporter.export(request)
            finally:  # whoever called us only logs an exception
                if taken is not SpanExportResult.SUCCESS:
                    self.failed += len(request)
                    result = taken
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class RedactingProcessor(SpanProcessor):
    """Clean a span as it ends, whichever processors stood there before this one."""

    def _on_ending(self, span: Span) -> None:
        # The specification's OnEnding, where a span is still mutable; this SDK has closed its own setters by then.
        clean = clean_span(span)
        if clean is not span:
            vars(span).update({name: value for name, value in vars(clean).items() if name in _PARTS})


def _requests(spans: Sequence[ReadableSpan]) -> Iterator[Sequence[ReadableSpan]]:
    """Yield the spans in their order, about `_REQUEST_BYTES` at a time."""
    begun, size = 0, 0
    for number, span in enumerate(spans):
        added = _size(span)
        if size + added > _REQUEST_BYTES and number > begun:
            yield spans[begun:number]
            begun, size = number, 0
        size += added
    if begun < len(spans):
        yield spans[begun:]


def _size(span: ReadableSpan) -> int:
    """Return about how many bytes a span takes: what matters is its long texts."""
    size = _SPAN_BYTES
    for attributes in (span.attributes, *(event.attributes for event in span.events)):
        size += sum([len(value) for value in (attributes or {}).values() if type(value) is str])
    return size
