"""Spans and lines as they are written without `telemetry`: with the SDK and structlog, by hand.

Whoever does so searches nothing for secrets, bounds nothing, and loses what a killed process had open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, BinaryIO, ClassVar, TypeVar, cast

import orjson
import structlog
from opentelemetry import trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, Status, StatusCode

from telemetry import lifecycle
from telemetry._lines import writing
from telemetry._spans.provider import Provider
from telemetry.lifecycle import Observed, ticks
from telemetry.model import Event, Operation, Outcome, R

P = TypeVar("P", bound=Provider)
_OK = Status(StatusCode.OK)
_QUEUE, _BATCH = 65_536, 2_048  # the defaults of `telemetry.settings`


class NoExporter(SpanExporter):
    """An exporter that drops every span."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        return


def with_batches(provider: P, exporter: SpanExporter) -> P:
    """Return `provider` with the SDK's batch processor for `exporter`."""
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_QUEUE, max_export_batch_size=_BATCH))
    return provider


def structlog_line(file: BinaryIO) -> Callable[..., None]:
    """Return structlog's fastest JSON logger, with bound context and the ids of the current span."""

    def add_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        context = trace.get_current_span().get_span_context()
        event["trace_id"], event["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        event["trace_flags"] = int(context.trace_flags)
        return event

    logger = structlog.wrap_logger(
        structlog.BytesLogger(file),
        processors=[
            structlog.contextvars.merge_contextvars,
            add_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(10),
        cache_logger_on_first_use=True,
    ).bind()
    return cast("Callable[..., None]", logger.debug)


def operation(tracer: trace.Tracer, line: Callable[..., None], attributes: dict[str, Any], fields: dict[str, Any]) -> None:
    """Do the same as an observed operation."""
    with tracer.start_as_current_span("sync.api.call", attributes=attributes) as span:
        span.set_status(_OK)
        line("sync.api.call", **fields)


def take_over(lines: BinaryIO) -> None:
    """Let this process's operations, lines and requests be written by hand from here on, and its spans dropped."""
    provider = with_batches(TracerProvider(), NoExporter())
    trace.set_tracer_provider(provider)
    RequestsInstrumentor().instrument(tracer_provider=provider)
    ByHand.tracer, ByHand.line = provider.get_tracer("benchmark"), staticmethod(structlog_line(lines))
    lifecycle.Observed = ByHand  # type: ignore[misc]  # nobody else has another way to write the same
    lifecycle._entries = _entries
    writing.write_declared = _write


def _entries(events: Iterable[Event]) -> Iterator[writing.Entry]:
    for event in events:
        yield event.__event__.level, event.__event__.name, vars(event)


def _write(entries: Sequence[writing.Entry], *, error: BaseException | None = None) -> None:
    for _level, event, fields in entries:
        ByHand.line(event, **fields)


class ByHand(Observed[R]):
    """An operation whose span and lines are written by hand."""

    tracer: ClassVar[trace.Tracer]
    line: ClassVar[Callable[..., None]]

    def __init__(self, operation: Operation[R], *, waited_ms: float = 0.0) -> None:
        super().__init__(operation, waited_ms=waited_ms)
        self._scope: AbstractContextManager[Span] | None = None

    def __enter__(self) -> Observed[R]:
        self._t0, operation = ticks(), self._operation
        self._values = _known(operation)
        attributes = {**structlog.contextvars.get_contextvars(), **self._values}
        self._scope = self.tracer.start_as_current_span(operation.__operation__, attributes=attributes)
        self._span = self._scope.__enter__()
        self._write(operation.__first_lines__)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        span, operation, duration = self._span, self._operation, self._elapsed_ns() / 1e6
        assert span is not None
        assert self._scope is not None
        found = {} if self._result is None else _known(self._result)
        span.set_attributes({**found, operation.__outcome_key__: "completed", "duration_ms": duration})
        span.set_status(_OK)
        self._values |= {**found, "duration_ms": duration}
        self._write(operation.__last_lines__[Outcome.COMPLETED])
        self._scope.__exit__(kind, error, trace)


def _known(declared: object) -> dict[str, Any]:
    return {name: value for name, value in vars(declared).items() if value is not None}
