"""Root spans whose ids are reserved now and which are ended by whoever finds the work done, hours later, elsewhere.

A run spans many tasks and processes. Its root's trace id, span id, sampling decision and start are reserved when the run
starts, and stored by the application; everything in between is a child of those ids; `Root.finish` emits the span itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, TraceFlags

from telemetry._spans import emitter
from telemetry.lifecycle import Observed
from telemetry.model import Operation, R, Scalar, rendered_values

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_RANDOM_TRACE_ID = 0x02  # W3C Trace Context level 2: the trace id's lower bytes are random

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
        generator = emitter.id_generator() or RandomIdGenerator()
        trace_id, span_id = generator.generate_trace_id(), generator.generate_span_id()
        flags = _RANDOM_TRACE_ID
        sampler = emitter.sampler()
        if sampler is not None:
            decision = sampler.should_sample(None, trace_id, operation.__operation__, SpanKind.INTERNAL, {}, ()).decision
            flags |= int(decision is Decision.RECORD_AND_SAMPLE)
        return cls(f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}", time.time_ns(), tuple(links))

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hexadecimal digits."""
        return trace_id_of(self.traceparent)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Put the spans and lines inside into the root's trace; the tasks published inside become its children."""
        context = trace.set_span_in_context(NonRecordingSpan(span_context(self.traceparent)), Context())
        attached = otel_context.attach(context)
        try:
            with self.addressed():
                yield
        finally:
            otel_context.detach(attached)

    @contextmanager
    def addressed(self) -> Iterator[None]:
        """Make the tasks published inside children of the root; the spans that publish them stay where they are.

        Outside any span those belong to the root's trace too.
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

    def finish(self, operation: Operation[R], *, ended_at: datetime | None = None, repeat: bool = False) -> Observed[R]:
        """Open a block that says how the root ended, and emits the span under its reserved ids when it closes.

        The span ends at `ended_at`, or now. With `repeat` it is emitted again, without its line.
        """
        return _Reserved(operation, self, ended_at=ended_at, silent=repeat)


def bound_root() -> str | None:
    """The traceparent of the reserved root that work here belongs to."""
    return _bound.get()


def bind_root(traceparent: str | None) -> None:
    """Work in this context now belongs to that reserved root; a task that received it says so."""
    _bound.set(traceparent)


def current_traceparent() -> str | None:
    """The current span as a W3C ``traceparent``, or None outside any."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def trace_id_of(traceparent: str) -> str:
    """The trace id in a W3C ``traceparent``, 32 hexadecimal digits."""
    return f"{span_context(traceparent).trace_id:032x}"


def span_context(traceparent: str) -> SpanContext:
    """The span that a W3C ``traceparent`` names; anything else is a ValueError."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        raise ValueError(f"{traceparent!r} is no traceparent: 00-<32 hex>-<16 hex>-<2 hex>")
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))


class _Reserved(Observed[R]):
    """An observed block whose span exists already, as ids in somebody's database."""

    __slots__ = ("_ended_ns", "_root", "_silent")

    def __init__(
        self, operation: Operation[R], root: Root, *, ended_at: datetime | None = None, silent: bool = False
    ) -> None:
        super().__init__(operation)
        self._root = root
        self._ended_ns = None if ended_at is None else int(ended_at.timestamp() * 1_000_000) * 1_000
        self._silent = silent

    def announce(self) -> None:
        self._values = rendered_values(self._operation.__dict__)
        super()._write("started")

    def _start(self, attributes: dict[str, Scalar]) -> _ReservedSpan:
        return _ReservedSpan(self._operation.__operation__, self._root, self._ended_ns, attributes)

    def _elapsed_ns(self) -> int:
        return (self._ended_ns or time.time_ns()) - self._root.started_ns

    def _write(self, *moments: str) -> None:
        if not self._silent and "started" not in moments:  # that line was written when it was announced
            super()._write(*moments)


class _ReservedSpan(NonRecordingSpan):
    """Collects what the root is to carry; its end hands it to our own processors: no tracer, no second sampling."""

    def __init__(self, name: str, root: Root, ended_ns: int | None, attributes: dict[str, Any]) -> None:
        super().__init__(span_context(root.traceparent))
        self._name, self._root, self._ended_ns, self._attributes = name, root, ended_ns, attributes
        self._status: Status = Status()

    def set_attributes(self, attributes: Any) -> None:
        self._attributes |= attributes

    def set_status(self, status: Any, description: str | None = None) -> None:
        self._status = status

    def end(self, end_time: int | None = None) -> None:
        context = self.get_span_context()
        emitter.emit(
            ReadableSpan(
                self._name,
                context=SpanContext(context.trace_id, context.span_id, is_remote=False, trace_flags=context.trace_flags),
                resource=emitter.resource(),
                attributes=self._attributes,
                links=[Link(span_context(link)) for link in self._root.links],
                status=self._status,
                start_time=self._root.started_ns,
                end_time=end_time or self._ended_ns or time.time_ns(),
                instrumentation_scope=emitter.scope(),
            )
        )
