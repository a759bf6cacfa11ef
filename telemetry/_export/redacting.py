"""The boundary before every exporter: clean spans of other instrumentations; ours are clean already.

Our own exporters do so on their own thread (`RedactingExporter`). We cannot wrap the exporters of an adopted provider,
so there a span is cleaned as it ends, before any of them sees it (`RedactingProcessor`).
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
    """Export cleaned spans through another exporter; `taken` and `failed` count those that it took and did not take."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.taken = self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans in requests that every receiver accepts."""
        result, raised = SpanExportResult.SUCCESS, None
        for request in requests_of(spans):
            taken = SpanExportResult.FAILURE
            try:
                taken = self._exporter.export(request)
            except Exception as error:  # noqa: BLE001  # the other requests are still sent
                raised = error
            if taken is not SpanExportResult.SUCCESS:
                self.failed += len(request)
                result = taken
            else:
                self.taken += len(request)
        if raised is not None:
            raise raised  # our caller logs it
        return result

    def shutdown(self) -> None:
        """Shut down the other exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other exporter."""
        return self._exporter.force_flush(timeout_millis)


class RedactingProcessor(SpanProcessor):
    """Clean each span as it ends, even before processors that were registered earlier."""

    def _on_ending(self, span: Span) -> None:
        # The specification's OnEnding, where a span is still mutable; this SDK has closed its own setters by then.
        clean = clean_span(span)
        if clean is not span:
            vars(span).update({name: value for name, value in vars(clean).items() if name in _PARTS})


def requests_of(spans: Iterable[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    """Yield the cleaned spans in their order, `_REQUEST_BYTES` at a time."""
    request: list[ReadableSpan] = []
    left = _REQUEST_BYTES
    for span in map(clean_span, spans):
        size = size_of(span)
        if size > _SPAN_BYTES:
            span, size = shrunk(span, _SPAN_BYTES), _SPAN_BYTES  # the cleaned one leaves in its place
        if size > left:  # a single span is never that large
            yield request
            request, left = [], _REQUEST_BYTES
        request.append(span)
        left -= size
    if request:
        yield request
