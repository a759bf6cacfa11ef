"""Spans that outlived their process, on their way to an exporter of this one."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan

from telemetry._export.outlets import Noted, Outlet

CAUSE = "died.cause"
"""On a span that was open when its process died."""


class Heir:
    """Exports them at once: whoever asks keeps them until they are out.

    The process that started them has counted them as lost, or as died. One that was lost is none any more.
    """

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def hand_over(self, spans: Sequence[ReadableSpan], note: Noted, *, there: Sequence[ReadableSpan] = ()) -> bool:
        """Export spans, or put them into the spool; count them, and those that are `there`; return whether that was done."""
        return self._outlet.hand_over(spans, _was_lost, note, there=there)


def _was_lost(span: ReadableSpan) -> bool:
    return CAUSE not in (span.attributes or {})
