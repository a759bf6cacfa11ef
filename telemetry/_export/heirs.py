"""Spans that outlived their process, on their way to an exporter of this one."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan

from telemetry._export.outlets import Outlet
from telemetry._export.span_requests import Noted

CAUSE = "died.cause"
"""An attribute of spans that were open when their process died."""


class Heir:
    """Exports them at once; the caller keeps them until they are out.

    The process that started them has counted them as lost or as died. A lost one is lost no more.
    """

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def hand_over(self, spans: Sequence[ReadableSpan], note: Noted, *, there: Sequence[ReadableSpan] = ()) -> bool:
        """Export or spool the spans, count them and those that are `there`, and return whether that was done."""
        return self._outlet.hand_over(spans, _was_lost, note, there=there)


def _was_lost(span: ReadableSpan) -> bool:
    return CAUSE not in (span.attributes or {})
