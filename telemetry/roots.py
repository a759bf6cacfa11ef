"""Reserve a root span's ids now, and let whoever finds the work done end it, hours later and elsewhere.

A run spans many tasks and processes. Its root's trace id, span id, sampling decision and start are reserved when the run
starts, and stored by the application; everything in between is a child of those ids; `Root.finish` emits the span itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext

from telemetry import _health
from telemetry._fields import plain_values
from telemetry._moments import moment_ns
from telemetry._spans import emitter
from telemetry._spans.traceparent import span_context, traceparent_of
from telemetry._traceparent import trace_id_of
from telemetry.lifecycle import Observed
from telemetry.model import Line, Operation, Outcome, R

__all__ = ["Root"]

_bound: ContextVar[str | None] = ContextVar("telemetry_root", default=None)


@dataclass(frozen=True, slots=True)
class Root:
    """A reserved root span: its ids and sampling decision (W3C `traceparent`), its start, and the spans it links to."""

    traceparent: str
    started_ns: int
    links: tuple[str, ...] = ()

    @classmethod
    def reserve(cls, operation: type[Operation[Any]], *, links: Sequence[str] = ()) -> Root:
        """Reserve ids, sampling decision and start of a root span for `operation`; nothing is emitted yet."""
        context = emitter.reserve(operation.__operation__)
        return cls(traceparent_of(context), time.time_ns(), tuple(links))

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hexadecimal digits."""
        return trace_id_of(self.traceparent)

    @property
    def span_id(self) -> str:
        """The root span's own id, 16 hexadecimal digits."""
        return self.traceparent.split("-")[2]

    @contextmanager
    def active(self) -> Iterator[None]:
        """Put the spans and lines inside into the root's trace; the tasks published inside become its children.

        If the `traceparent` is not valid, they stay where they are.
        """
        own = self._context()
        if own is None:
            yield
            return
        context = trace.set_span_in_context(NonRecordingSpan(own), Context())
        attached = otel_context.attach(context)
        try:
            with self.addressed():
                yield
        finally:
            otel_context.detach(attached)

    @_health.guarded
    def _context(self) -> SpanContext:
        return span_context(self.traceparent)

    @contextmanager
    def addressed(self) -> Iterator[None]:
        """Make the tasks published inside children of the root; the spans that publish them stay where they are.

        Outside any span, those also belong to the root's trace.
        """
        if not trace.get_current_span().get_span_context().is_valid:
            with self.active():
                yield
            return
        bound = _bound.set(self.traceparent)
        try:
            yield
        finally:
            _bound.reset(bound)

    def announce(self, operation: Operation[Any]) -> None:
        """Write the operation's `started` line in the root's context."""
        with self.active():
            _Reserved(operation, self).announce()

    def finish(
        self, operation: Operation[R], *, ended_at: datetime | None = None, covers_ns: int = 0, repeat: bool = False
    ) -> Observed[R]:
        """Open a block that says how the root ended; when it closes, the span is emitted under its reserved ids.

        The operation ended at `ended_at`, by default now, and its duration counts until then. The span itself lasts
        until `covers_ns` (Unix nanoseconds) if that is later, so that it encloses the work that ended it. With `repeat`
        it is emitted again, without its line.
        """
        return _Reserved(operation, self, ended_at=ended_at, covers_ns=covers_ns, silent=repeat)


def bound_root() -> str | None:
    """Return the traceparent of the reserved root that work in this context belongs to."""
    return _bound.get()


def bind_root(traceparent: str | None) -> None:
    """Make work in this context belong to a reserved root; a task that received its traceparent does so."""
    _bound.set(traceparent)


class _Reserved(Observed[R]):
    """An observed block whose span already exists, as ids in a database."""

    __slots__ = ("_covers_ns", "_ended_ns", "_root", "_silent")

    def __init__(
        self,
        operation: Operation[R],
        root: Root,
        *,
        ended_at: datetime | None = None,
        covers_ns: int = 0,
        silent: bool = False,
    ) -> None:
        super().__init__(operation)
        self._root = root
        self._ended_ns = None if ended_at is None else moment_ns(ended_at)
        self._covers_ns = covers_ns
        self._silent = silent

    @_health.guarded
    def announce(self) -> None:
        """Write the `started` line."""
        self._values = plain_values(type(self._operation), self._operation.__fieldspecs__, self._operation.__dict__)
        super()._write(self._operation.__first_lines__)

    def _started(self, attributes: dict[str, Any]) -> Span:
        own = span_context(self._root.traceparent)
        return emitter.start_reserved(
            self._operation.__operation__,
            context=SpanContext(own.trace_id, own.span_id, is_remote=False, trace_flags=own.trace_flags),
            attributes=attributes,
            links=[Link(span_context(link)) for link in self._root.links],
            start_ns=self._root.started_ns,
        )

    def _end_ns(self) -> int | None:
        return None if self._ended_ns is None else max(self._ended_ns, self._covers_ns)

    def _elapsed_ns(self) -> int:
        return (self._ended_ns or time.time_ns()) - self._root.started_ns

    def _record(self, elapsed_ns: int, outcome: Outcome | None) -> None:
        if not self._silent:
            super()._record(elapsed_ns, outcome)

    def _write_first(self) -> None:
        """Write nothing: it was written when it was announced."""

    def _write(self, lines: Iterable[tuple[str, Line]]) -> None:
        if not self._silent:
            super()._write(lines)
