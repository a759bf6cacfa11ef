"""The boundary before every exporter: spans of other instrumentations are cleaned there, ours are clean already.

Our own exporters do it on their own thread (`RedactingExporter`). Exporters of an adopted provider are not ours to wrap, so
there it is done as the span ends, before any of them sees it (`RedactingProcessor`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from telemetry._boundary.sizes import shrunk, size_of
from telemetry._boundary.spans import clean_span

_REQUEST_BYTES = 3 * 1024 * 1024  # gRPC's receivers refuse more than 4 MiB
_SPAN_BYTES = 1024 * 1024
_PARTS = frozenset(
    {"_name", "_attributes", "_status", "_events", "_links", "_resource", "_instrumentation_scope"}
    | {"_start_time", "_end_time", "_kind"}
)


class RedactingExporter(SpanExporter):
    """Export through another exporter what may leave; `taken` and `failed` count the spans that it took, and did not."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.taken = self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans in requests that every receiver takes."""
        result, raised = SpanExportResult.SUCCESS, None
        for request in requests_of(spans):
            taken = SpanExportResult.FAILURE
            try:
                taken = self._exporter.export(request)
            except Exception as error:  # noqa: BLE001  # the other requests are sent all the same
                raised = error
            if taken is not SpanExportResult.SUCCESS:
                self.failed += len(request)
                result = taken
            else:
                self.taken += len(request)
        if raised is not None:
            raise raised  # whoever called us logs it
        return result

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other exporter."""
        return self._exporter.force_flush(timeout_millis)


class RedactingProcessor(SpanProcessor):
    """Clean a span as it ends, whichever processors stood there before this one."""

    def _on_ending(self, span: Span) -> None:
        # The specification's OnEnding, where a span is still mutable; this SDK has closed its own setters by then.
        clean = clean_span(span)
        if clean is not span:
            vars(span).update({name: value for name, value in vars(clean).items() if name in _PARTS})


def requests_of(spans: Iterable[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    """Yield the spans in their order as they may leave, `_REQUEST_BYTES` at a time."""
    request: list[ReadableSpan] = []
    left = _REQUEST_BYTES
    for span in map(clean_span, spans):
        size = size_of(span)
        if size > _SPAN_BYTES:
            span, size = shrunk(span, _SPAN_BYTES), _SPAN_BYTES  # the other one leaves in its place
        if size > left:  # one alone is never that large
            yield request
            request, left = [], _REQUEST_BYTES
        request.append(span)
        left -= size
    if request:
        yield request
