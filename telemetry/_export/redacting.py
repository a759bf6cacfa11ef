"""The boundary before every exporter: spans of other instrumentations are cleaned there, ours are clean already.

Our own exporters do it on their own thread (`RedactingExporter`). Exporters of an adopted provider are not ours to wrap, so
there it is done as the span ends, before any of them sees it (`RedactingProcessor`).
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from telemetry._boundary import clean_span

_PARTS = frozenset({"_name", "_attributes", "_status", "_events", "_links"})


class RedactingExporter(SpanExporter):
    """Export through another exporter what may leave; `failed` counts the spans that it did not take."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export([clean_span(span) for span in spans])
        finally:  # whoever called us only logs an exception
            if result is not SpanExportResult.SUCCESS:
                self.failed += len(spans)
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
