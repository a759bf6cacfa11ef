"""Headers that go to a host outside carry nothing of ours, and no others are mistaken for them."""

from __future__ import annotations

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry._spans import propagation


def test_only_the_headers_that_leave_are_left_out() -> None:
    """Once they have left, what comes to stand at their place in memory is a carrier like any other."""
    boundary = propagation.Boundary(TraceContextTextMapPropagator())
    context = set_span_in_context(NonRecordingSpan(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1))))
    headers: dict[str, str] = {}
    propagation.leaves(headers)
    boundary.inject(headers, context)
    assert headers == {}
    boundary.inject(headers, context)
    assert list(headers) == ["traceparent"]


def test_what_comes_in_is_read_by_the_application_s_propagator() -> None:
    """And its names are those of that one; headers that nobody lets go outside get our context, whatever came before."""
    boundary = propagation.Boundary(TraceContextTextMapPropagator())
    named = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    found = get_current_span(boundary.extract(named)).get_span_context()
    assert (f"{found.trace_id:032x}", f"{found.span_id:016x}") == ("1" * 32, "2" * 16)
    assert boundary.fields == {"traceparent", "tracestate"}
