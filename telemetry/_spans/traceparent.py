"""Spans named as text: W3C `traceparent` (https://www.w3.org/TR/trace-context-2/#traceparent-header)."""

from __future__ import annotations

import re

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def traceparent_of(context: SpanContext) -> str:
    """Return the `traceparent` that names a span."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def current_traceparent() -> str | None:
    """Return the `traceparent` of the current span, or None outside any."""
    context = trace.get_current_span().get_span_context()
    return traceparent_of(context) if context.is_valid else None


def trace_id_of(traceparent: str) -> str:
    """Return the trace id in a `traceparent`, 32 hexadecimal digits."""
    return f"{span_context(traceparent).trace_id:032x}"


def span_context(traceparent: str) -> SpanContext:
    """Return the span that a `traceparent` names; anything else is a ValueError."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        raise ValueError(f"{traceparent!r} is no traceparent: 00-<32 hex>-<16 hex>-<2 hex>")
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
