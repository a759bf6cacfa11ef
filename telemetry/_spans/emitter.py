"""The process's tracer, and the way out for spans that no tracer started."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Tracer
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry._export.redacting import redacted

SCOPE = "telemetry"
"""The instrumentation scope of every span that is opened here."""

_scope = InstrumentationScope(SCOPE)


def emit(span: ReadableSpan) -> None:
    """``span``, which no tracer started, is on its way to the exporters, if it is sampled."""
    tracer = _tracer()
    if tracer is not None:
        tracer.span_processor.on_end(redacted(span))


def sampler() -> Sampler | None:
    """Who decides about sampling in this process; None when nobody is tracing."""
    tracer = _tracer()
    return None if tracer is None else tracer.sampler


def id_generator() -> IdGenerator | None:
    """Who makes ids in this process; None when nobody is tracing."""
    tracer = _tracer()
    return None if tracer is None else tracer.id_generator


def resource() -> Resource:
    """What this process is."""
    tracer = _tracer()
    return Resource.create({}) if tracer is None else tracer.resource


def scope() -> InstrumentationScope:
    """The scope of spans that no tracer starts."""
    return _scope


def _tracer() -> Tracer | None:
    """The SDK's tracer in this process, also where the provider wraps it, as logfire's does; None when nobody is tracing."""
    tracer: object = trace.get_tracer_provider().get_tracer("telemetry")
    while not isinstance(tracer, Tracer | None):
        tracer = getattr(tracer, "tracer", None)
    return tracer
