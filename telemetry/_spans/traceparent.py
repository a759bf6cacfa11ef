"""Name spans as text: W3C `traceparent` (https://www.w3.org/TR/trace-context-2/#traceparent-header)."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags

from telemetry._traceparent import parts_of


def traceparent_of(context: SpanContext) -> str:
    """Return the `traceparent` of a span."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def current_traceparent() -> str | None:
    """Return the `traceparent` of the current span, or None outside any."""
    context = trace.get_current_span().get_span_context()
    return traceparent_of(context) if context.is_valid else None


def span_context(traceparent: str) -> SpanContext:
    """Return the span that a `traceparent` names; raise ValueError for anything else."""
    trace_id, span_id, flags = (int(part, 16) for part in parts_of(traceparent))
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
