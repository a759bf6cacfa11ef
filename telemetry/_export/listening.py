"""Let the SDK's spans tell the journal what they learn; a processor hears only of their start and end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from opentelemetry.sdk.trace import ReadableSpan, _Span
from opentelemetry.trace import Link, SpanContext, StatusCode

from telemetry._boundary import text
from telemetry._export.steps import Step, links_as, plain, status_as


class Told(Protocol):
    """Anything that is told like the journal."""

    def learned(self, span_id: int, step: Step) -> None:
        """Take what an open span has learned."""


class Telling:
    """A span that tells a journal by itself; not a protocol, whose `isinstance` costs as much as the whole start."""

    journal: Told | None = None
    """The listener that is told what the span learns before it ends."""


def listen(span: ReadableSpan, journal: Told) -> None:
    """Let a span tell `journal` what it learns: ours do so by themselves; the SDK's own class is taught to."""
    if type(span) is _Span:
        vars(span)["journal"] = journal
        span.__class__ = _Telling
    elif isinstance(span, Telling):
        span.journal = journal


class _Telling(_Span):
    """The SDK's span, which also tells its listener everything."""

    journal: Told

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        super().set_attributes(attributes)
        self._tell({"a": plain(attributes)})

    def set_attribute(self, key: str, value: Any) -> None:
        super().set_attribute(key, value)
        self._tell({"a": plain({key: value})})

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        super().add_event(name, attributes, timestamp)
        if events := self.events:
            added = events[-1]
            self._tell({"events": [[text(added.name), added.timestamp, plain(added.attributes)]]})

    def add_link(self, context: SpanContext, attributes: Any = None) -> None:
        super().add_link(context, attributes)
        if context.is_valid:
            self._tell({"links": links_as([Link(context, attributes)])})

    def update_name(self, name: str) -> None:
        super().update_name(name)
        self._tell({"name": text(name)})

    def set_status(self, status: Any, description: str | None = None) -> None:
        super().set_status(status, description)
        if self.status.status_code is not StatusCode.UNSET:  # which it was from the start
            self._tell({"status": status_as(self.status.status_code, self.status.description)})

    def _tell(self, step: Step) -> None:
        if self.is_recording():
            self.journal.learned(self.get_span_context().span_id, step)
