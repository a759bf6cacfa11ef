"""The only emitter of our spans, ordinary ones and reserved roots alike.

A span has the ids, sampling decision, resource and processors of the process's own SDK tracer, so that adopted providers,
samplers and exporters work as with spans of the SDK. A provider that is not the SDK's starts our spans itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.util.types import AttributeValue

from telemetry._spans.late_provider import LateProvider
from telemetry._spans.open_span import OpenSpan
from telemetry._spans.source import SCOPE, Source

_SAMPLED, _RANDOM = TraceFlags.SAMPLED, TraceFlags.RANDOM_TRACE_ID
_FLAGS = tuple(TraceFlags(bits) for bits in range(4))  # building one costs as much as looking up ten
_NO_LINKS: tuple[Link, ...] = ()


def start(
    name: str, *, attributes: dict[str, AttributeValue], links: Sequence[Link] = _NO_LINKS, start_ns: int | None = None
) -> Span:
    """Start a span below the current one, without making it the current one.

    The span keeps `attributes` as its own. `start_ns` is in Unix nanoseconds, now unless given.
    """
    source = _source()
    if source is None:
        return trace.get_tracer(SCOPE).start_span(name, attributes=attributes, links=links, start_time=start_ns)
    span = _below(source, name, attributes, links, start_ns)
    if isinstance(span, OpenSpan):
        span.begin()
    return span


def prepare(name: str, *, attributes: dict[str, AttributeValue], start_ns: int | None = None) -> Span | None:
    """Return a span below the current one that has its ids and its start, and that nobody hears of before it begins.

    None where a provider that is not the SDK's starts our spans.
    """
    source = _source()
    return None if source is None else _below(source, name, attributes, _NO_LINKS, start_ns)


def _below(
    source: Source,
    name: str,
    attributes: dict[str, AttributeValue],
    links: Sequence[Link],
    start_ns: int | None,
) -> Span:
    """Return a span below the current one, which no processor knows of yet."""
    above: SpanContext | None = trace.get_current_span().get_span_context()
    ids = source.ids
    if above is not None and above.is_valid:
        trace_id, flags = above.trace_id, above.trace_flags & (_RANDOM | _SAMPLED)
        if flags & _SAMPLED and source.keeps_sampled and not above.is_remote:
            context = SpanContext(trace_id, ids.generate_span_id(), False, _FLAGS[flags], above.trace_state)
            return source.open(name, context, above, attributes, links, start_ns)
        flags &= _RANDOM
    else:
        above, trace_id, flags = None, ids.generate_trace_id(), _RANDOM if ids.is_trace_id_random() else 0
    sampling = source.sampler.should_sample(None, trace_id, name, SpanKind.INTERNAL, attributes, links)
    if sampling.decision is Decision.RECORD_AND_SAMPLE:
        flags |= _SAMPLED
    context = SpanContext(trace_id, ids.generate_span_id(), False, _FLAGS[flags], sampling.trace_state)  # SDK's
    if sampling.decision is Decision.DROP:
        return NonRecordingSpan(context)
    if sampling.attributes != attributes:  # a sampler may add some
        attributes = dict(sampling.attributes)
    return source.open(name, context, above, attributes, links, start_ns)


def reserve(name: str) -> SpanContext:
    """Return ids and sampling decision for a root span that is emitted later, perhaps by another process.

    A process that traces nothing does not decide that nobody else shall.
    """
    source = _source()
    if source is None:
        random = RandomIdGenerator()
        trace_id, span_id = random.generate_trace_id(), random.generate_span_id()
        return SpanContext(trace_id, span_id, is_remote=False, trace_flags=_FLAGS[_RANDOM | _SAMPLED])
    ids = source.ids
    trace_id, flags = ids.generate_trace_id(), _RANDOM if ids.is_trace_id_random() else 0
    decision = source.sampler.should_sample(None, trace_id, name, SpanKind.INTERNAL, {}, ()).decision
    if decision is Decision.RECORD_AND_SAMPLE:
        flags |= _SAMPLED
    return SpanContext(trace_id, ids.generate_span_id(), is_remote=False, trace_flags=_FLAGS[flags])


def start_reserved(
    name: str, *, context: SpanContext, attributes: dict[str, AttributeValue], links: Sequence[Link], start_ns: int
) -> Span:
    """Start the root span whose ids were reserved; no processor hears of its start, which is long past."""
    source = _source()
    return NonRecordingSpan(context) if source is None else source.open(name, context, None, attributes, links, start_ns)


def hand_over(span: ReadableSpan) -> None:
    """Give a span that has ended elsewhere to the processors of this process."""
    source = _source()
    if source is not None:
        source.processor.on_end(span)


class _Known:
    """The SDK's provider that was seen last, with the source of its spans: making one costs as much as a span."""

    provider: TracerProvider | None = None
    source: Source | None = None


def _source() -> Source | None:
    """Return where the spans of this process come from; None where a provider that is not the SDK's starts them."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, LateProvider):
        provider = provider.made()
    if provider is _Known.provider:
        return _Known.source
    tracer: object = provider.get_tracer(SCOPE)
    while not isinstance(tracer, Tracer | None):  # inside a wrapper such as logfire's
        tracer = getattr(tracer, "tracer", None)
    source = None if tracer is None else Source(tracer)
    if isinstance(provider, TracerProvider):  # a wrapper may exchange what it wraps
        _Known.provider, _Known.source = provider, source
    return source
