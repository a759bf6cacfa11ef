"""Spans that outlived their process, on their way to an exporter of this one."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from telemetry._export.outlets import Outlet

CAUSE = "died.cause"
"""On a span that was open when its process died."""


class Heir(SpanExporter):
    """Exports them at once: whoever asks keeps them until they are out.

    The process that started them has counted them as lost, or as died. One that was lost is none any more.
    """

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans, or put them into the spool."""
        is_done = self._outlet.hand_over(spans, _was_lost)
        return SpanExportResult.SUCCESS if is_done else SpanExportResult.FAILURE

    def has_already(self, spans: Sequence[ReadableSpan]) -> None:
        """Count what was exported before its process could count it."""
        self._outlet.find(spans, _was_lost)


def _was_lost(span: ReadableSpan) -> bool:
    return CAUSE not in (span.attributes or {})
