"""The source of our spans: what the process's own SDK tracer gives each, looked up once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from opentelemetry.sdk.trace import Tracer
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, ParentBasedTraceIdRatio, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext
from opentelemetry.util.types import AttributeValue

from telemetry._boundary.spans import clean_resource
from telemetry._spans.limits import limits_of
from telemetry._spans.open_span import OpenSpan

SCOPE = "telemetry"
"""The instrumentation scope of every span that is opened here."""

_scope = InstrumentationScope(SCOPE)


class Source:
    """A tracer's ids, sampler, processor, resource and limits."""

    def __init__(self, tracer: Tracer) -> None:
        self.ids, self.sampler, self.processor = tracer.id_generator, tracer.sampler, tracer.span_processor
        self._resource, self._limits = clean_resource(tracer.resource), limits_of(tracer)
        self.keeps_sampled = keeps_sampled(tracer.sampler)
        """Whether each child of a sampled span of this process is sampled, as it is by default."""

    def open(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: dict[str, AttributeValue],
        links: Sequence[Link],
        start_ns: int | None,
    ) -> OpenSpan:
        """Return an open span that no processor knows of yet, by default started now."""
        return OpenSpan(
            name=name,
            context=context,
            parent=parent,
            resource=self._resource,
            attributes=attributes,
            links=links,
            start_ns=time.time_ns() if start_ns is None else start_ns,
            scope=_scope,
            processor=self.processor,
            limits=self._limits,
        )


def keeps_sampled(sampler: Sampler) -> bool:
    """Return whether `sampler` is known to sample children of this process's sampled spans, without asking it.

    Should the SDK rename its parts one day, it is asked for each span.
    """
    is_by_parent = type(sampler) in (ParentBased, ParentBasedTraceIdRatio)  # a subclass may decide differently
    return is_by_parent and getattr(sampler, "_local_parent_sampled", None) is ALWAYS_ON
