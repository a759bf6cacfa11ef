"""A span of ours while it is open: it collects in a dict, and is handed over finished.

The SDK's own span locks, copies and checks at every call; ours has one writer and checked values, and costs half. To
processors and exporters it is a `ReadableSpan`, to code inside the block the current `Span` of OpenTelemetry's API.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from telemetry import _health
from telemetry._boundary import words
from telemetry._boundary.spans import clean_attributes, nanoseconds
from telemetry._export.listening import Telling
from telemetry._export.steps import Step, links_as, status_as
from telemetry._spans import exception_events
from telemetry._spans.exception_events import exception_attributes
from telemetry._spans.limits import Limits, within

_UNSET, _OK = Status(StatusCode.UNSET), Status(StatusCode.OK)


class OpenSpan(ReadableSpan, Span, Telling):
    """A span that goes to `processor` when it ends; later calls change nothing.

    `attributes` and what `collect` adds are clean; what comes by OpenTelemetry's API is cleaned as it comes.
    """

    is_clean = True

    def __init__(
        self,
        *,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        resource: Resource,
        attributes: dict[str, AttributeValue],
        links: Sequence[Link],
        start_ns: int,
        scope: InstrumentationScope,
        processor: SpanProcessor,
        limits: Limits,
    ) -> None:
        super().__init__(
            name,
            context,
            parent,
            resource,
            attributes,
            links=links,
            kind=SpanKind.INTERNAL,
            status=_UNSET,
            start_time=start_ns,
            instrumentation_scope=scope,
        )
        self._collected = attributes
        self._processor = processor
        self._limits = limits
        self._dropped_attributes = self._dropped_events = self._dropped_links = 0
        self.unsaid: dict[str, AttributeValue] | None = None
        """The attributes that it got at its end, which the journal reads there; None before."""

    def get_span_context(self) -> SpanContext:
        """Return the span's ids."""
        assert self._context is not None, "an open span has ids"  # noqa: S101  # the base class allows none
        return self._context

    def is_recording(self) -> bool:
        """Return whether the span is still open."""
        return self._end_time is None

    @property
    def dropped_attributes(self) -> int:
        """Return how many attributes were more than the span may hold."""
        return self._dropped_attributes

    @property
    def dropped_events(self) -> int:
        """Return how many events were more than the span may hold."""
        return self._dropped_events

    @property
    def dropped_links(self) -> int:
        """Return how many links were more than the span may hold."""
        return self._dropped_links

    def begin(self) -> None:
        """Let the processor hear that the span has started."""
        self._processor.on_start(self)  # type: ignore[arg-type]  # no SDK Span, but with all its methods

    def collect(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Add attributes that may leave as they are."""
        if self._end_time is None:
            self._collected.update(attributes)
            if self.unsaid is not None:
                self.unsaid.update(attributes)
            elif self.journal is not None:
                self._tell({"a": dict(attributes)})

    def conclude(self) -> None:
        """Tell the journal no more before the span ends, which it does at once."""
        self.unsaid = {}

    @_health.guarded
    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set several attributes."""
        self.collect(clean_attributes(attributes))

    @_health.guarded
    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set one attribute."""
        self.collect(clean_attributes({key: value}))

    @_health.guarded
    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Add an event."""
        if self._end_time is None:
            limits = self._limits
            kept = within(clean_attributes(attributes), most=limits.event_attributes, length=limits.event_length)
            events = (*self._events, Event(words(name), kept, nanoseconds(timestamp)))
            self._events = events[-limits.events :] if limits.events else ()
            self._dropped_events += len(events) - len(self._events)
            added = events[-1]
            self._tell({"events": [[added.name, added.timestamp, dict(kept)]]})

    @_health.guarded
    def add_link(self, context: SpanContext, attributes: Any = None) -> None:
        """Add a link."""
        if self._end_time is None and context.is_valid:
            limits = self._limits
            kept = within(clean_attributes(attributes), most=limits.link_attributes, length=limits.event_length)
            links = (*self._links, Link(context, kept))
            self._links = links[-limits.links :] if limits.links else ()
            self._dropped_links += len(links) - len(self._links)
            self._tell({"links": links_as(links[-1:])})

    @_health.guarded
    def update_name(self, name: str) -> None:
        """Rename the span."""
        if self._end_time is None:
            self._name = words(name)
            self._tell({"name": self._name})

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; as the specification has it, OK is final and UNSET changes nothing."""
        code, said = (status.status_code, status.description) if isinstance(status, Status) else (status, description)
        if self._end_time is not None or self._status.status_code is StatusCode.OK:
            return
        if code is StatusCode.OK or code is StatusCode.ERROR:
            self._status = _OK if code is StatusCode.OK else Status(code, None if said is None else words(said))
            if self.unsaid is None:
                self._tell({"status": status_as(code, self._status.description)})

    @_health.guarded
    def record_exception(
        self, exception: BaseException, attributes: Any = None, timestamp: int | None = None, escaped: bool = False
    ) -> None:
        """Add an `exception` event, named as OpenTelemetry's semantic conventions have it."""
        named = exception_attributes(exception, escaped=escaped)
        self.add_event(exception_events.NAME, {**named, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End the span and hand it over, once."""
        if self._end_time is None:
            limits = self._limits
            if len(self._collected) > limits.attributes or limits.length is not None:
                self._attributes = within(self._collected, most=limits.attributes, length=limits.length)
                self._dropped_attributes = len(self._collected) - len(self._attributes)
            self._end_time = time.time_ns() if end_time is None else (nanoseconds(end_time) or time.time_ns())
            self._processor.on_end(self)

    def _tell(self, step: Step) -> None:
        if self.journal is not None and self._context is not None:
            self.journal.learned(self._context.span_id, step)
