"""The process's provider of spans: its own, or one that is already there (opentelemetry-instrument, logfire), adopted.

An adopted provider keeps its exporters, which then get our spans too, without secrets. One of OpenTelemetry's API alone, as
ddtrace's is, starts our spans and exports them; there is nothing that we could add to it.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from telemetry import _health
from telemetry._deaths import Death
from telemetry._export import meters, obituaries
from telemetry._export.exporters import file_exporters, registered_exporters
from telemetry._export.journal import Journal
from telemetry._export.meters import Flushed
from telemetry._export.obituaries import FILE, Undertaker
from telemetry._export.redacting import RedactingExporter, RedactingProcessor
from telemetry._export.watching import Watch
from telemetry._lines.context import bound
from telemetry._spans import emitter
from telemetry._spans.emitter import SCOPE
from telemetry._spans.late_provider import LateProvider
from telemetry._spans.open_span import OpenSpan
from telemetry._spans.own import make_provider, resource
from telemetry.settings import TelemetrySettings

_FORCE_FLUSH_MS = 30_000


WITHIN = "within.operation"
"""On a library's span: the declared operation that is its parent, so that a collector knows a request that repeats it."""


class BoundContext(SpanProcessor):
    """Put the bound context on every span that others start, and the operation that it stands in.

    Our own are started with it, which costs less. What a span itself declares stays, as on a line.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Add what is bound."""
        scope = span.instrumentation_scope
        if scope is None or scope.name != SCOPE:
            own = span.attributes or {}
            span.set_attributes({name: value for name, value in bound().items() if name not in own})
            above = trace.get_current_span(parent_context)
            if isinstance(above, OpenSpan):
                span.set_attribute(WITHIN, above.name)


@runtime_checkable
class Provider(Protocol):
    """A provider of spans that can be adopted: the SDK's own, or a wrapper around it as logfire's is."""

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Let a processor see every span."""

    def force_flush(self, timeout_millis: int = ...) -> bool:
        """Export what has ended."""
        raise NotImplementedError


class _Process:
    """What is at work in this process, or in the one that it was forked from: the SDK's processors survive a fork."""

    def __init__(self) -> None:
        self.is_configured = False
        self.late: LateProvider | None = None
        self.processors: list[BatchSpanProcessor] = []
        self.exporters: dict[str, RedactingExporter] = {}
        self.journal: Journal | None = None
        self.watch: Watch | None = None
        self.journal_folder: Path | None = None
        self.is_child = False
        self.adopted: Flushed | None = None
        self.meters: Flushed | None = None


_process = _Process()


def configure(settings: TelemetrySettings) -> None:
    """Let this process have spans, and metrics if they are asked for: by the providers that are there, or by its own.

    Its own begin with its first span.
    """
    if settings.disabled or _process.is_configured:
        return
    _process.is_configured = True
    if settings.journal is not None:
        _process.journal_folder = settings.journal
        undertaker = Undertaker(settings.journal, exporters=_exporters, tell=_tell, file=settings.traces_file)
        _process.watch = Watch(beat=_beat, look=undertaker.look)
    present = trace.get_tracer_provider()
    if isinstance(present, trace.ProxyTracerProvider):  # the API's stand-in: nobody was here
        _process.late = LateProvider(lambda: _make(settings))
        trace.set_tracer_provider(_process.late)
    else:
        _adopt(present, settings)
    atexit.register(flush)


def _make(settings: TelemetrySettings) -> TracerProvider:
    processors = _batching(settings, dict(zip(settings.traces_exporters, registered_exporters(settings), strict=True)))
    made = make_provider(settings, [BoundContext(), *_journalling(), *processors])
    _measure(settings)
    return made


def _adopt(present: trace.TracerProvider, settings: TelemetrySettings) -> None:
    if isinstance(present, Provider):
        present.add_span_processor(BoundContext())
        present.add_span_processor(RedactingProcessor())
        processors = _batching(settings, {})  # where else spans go is for whoever made it to say
        for processor in (*_journalling(), *processors):
            present.add_span_processor(processor)
    if isinstance(present, Flushed):
        _process.adopted = present
    _measure(settings)


def _batching(settings: TelemetrySettings, exporters: Mapping[str, SpanExporter]) -> list[BatchSpanProcessor]:
    """Return the processors of this process: one for our file, and one for each of `exporters`."""
    named = [*((FILE, exporter) for exporter in file_exporters(settings)), *exporters.items()]
    _process.exporters = {name: RedactingExporter(exporter) for name, exporter in named}
    batching = settings.batching
    _process.journal = None
    if settings.journal is not None:
        most = batching.queue_size + batching.batch_size
        _process.journal = Journal(settings.journal, most_waiting=most, is_child=_process.is_child)
    _process.processors = [
        BatchSpanProcessor(
            exporter if _process.journal is None else _process.journal.of(name, exporter),
            max_queue_size=batching.queue_size,
            max_export_batch_size=batching.batch_size,
            schedule_delay_millis=batching.delay_ms,
        )
        for name, exporter in _process.exporters.items()
    ]
    return _process.processors


def _journalling() -> list[SpanProcessor]:
    """Return the journal of this process, if it has one, and begin to watch."""
    if _process.journal is None or _process.watch is None:
        return []
    _process.journal.on_opened(_process.watch.begin)
    return [_process.journal]


def _beat() -> None:
    if _process.journal is not None:
        _process.journal.beat()


def _exporters() -> Mapping[str, SpanExporter]:
    """Return this process's exporters, which are made now if it has had no span."""
    begin()
    return _process.exporters


def _tell(span: ReadableSpan) -> None:
    """Let the exporters of an adopted provider have a span that outlived its process; ours have it already."""
    if _process.late is None:
        emitter.hand_over(span)


def note_death(pid: int, death: Death) -> None:
    """Say what killed a child of this process, for whoever ends its spans."""
    if _process.journal_folder is not None:
        obituaries.note_death(_process.journal_folder, pid=pid, death=death)


def watch(*, is_child: bool) -> None:
    """Look after dead processes from now on: this is a worker, which may have no span for long.

    A child's parent knows what killed it, and says so.
    """
    _process.is_child = is_child
    if _process.watch is not None:
        _process.watch.begin()


def _measure(settings: TelemetrySettings) -> None:
    _process.meters = meters.start(settings, resource(settings))


def begin() -> None:
    """Let this process's own providers begin now instead of with its first span: something else is measured."""
    if _process.late is not None:
        _process.late.made()


def rest() -> None:
    """Stop the exporters of our own provider until its next span: this process is about to fork."""
    if _process.late is not None:
        _process.late.forget()
        for processor in _process.processors:
            processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK has not typed it


def flush(deadline_seconds: float = 2.0) -> bool:
    """Return whether every exporter took every span ended so far within the deadline; it never takes longer.

    Metrics are flushed too, and do not count: a span that has left has left.
    """
    of_spans: list[Flushed] = [*_process.processors, *filter(None, [_process.adopted])]
    failed_before = _failed()
    flushed: list[Flushed] = []

    def run(one: Flushed) -> None:
        try:
            if one.force_flush(_FORCE_FLUSH_MS) is not False:  # logfire's says None
                flushed.append(one)
        except Exception as error:  # noqa: BLE001  # somebody's exporter; telemetry never breaks its host
            _health.problem(error)

    everything = [*of_spans, *filter(None, [_process.meters, _process.watch])]
    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in everything]
    deadline = time.monotonic() + deadline_seconds
    for thread in threads:
        try:
            thread.start()
        except RuntimeError:  # Python 3.12 starts none once the interpreter is ending
            thread.run()
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, deadline - time.monotonic()))
    if _process.journal is not None:
        _process.journal.close()
    return all(one in flushed for one in of_spans) and _failed() == failed_before


def _failed() -> int:
    return sum(exporter.failed for exporter in _process.exporters.values())
