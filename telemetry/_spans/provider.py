"""The process's span provider: its own, or an adopted one that was there first (opentelemetry-instrument, logfire).

An adopted provider keeps its exporters, which then also get our spans, without secrets. One with only OpenTelemetry's
API, such as ddtrace's, starts and exports our spans itself; there is nothing we could add.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

from telemetry import _health
from telemetry._deaths import Death
from telemetry._export import home_ledger, meters, obituaries
from telemetry._export.batching import BatchingProcessor
from telemetry._export.counts import Count
from telemetry._export.exporters import make_processor
from telemetry._export.heirs import Heir
from telemetry._export.journal import Journal
from telemetry._export.marks import Mark
from telemetry._export.meters import Flushed
from telemetry._export.obituaries import Undertaker
from telemetry._export.redacting import RedactingProcessor
from telemetry._export.watching import Watch
from telemetry._journals import Journal as DeadProcess
from telemetry._journals import has_any, home_id
from telemetry._lines.account_lines import AccountLines
from telemetry._lines.context import bound
from telemetry._spans import emitter
from telemetry._spans.late_provider import LateProvider
from telemetry._spans.open_span import OpenSpan
from telemetry._spans.own import make_provider, resource
from telemetry._spans.source import SCOPE
from telemetry.settings import TelemetrySettings

_FORCE_FLUSH_MS = 30_000
_HELD_SECONDS = 2.0

Registry = Callable[[Collection[str]], Collection[str]]
"""Receives the ids of spans in a last will that ended here, and returns those that somebody else has ended."""


WITHIN = "within.operation"
"""On a library's span: its parent's declared operation, so that a collector recognizes a request that repeats it."""


class BoundContext(SpanProcessor):
    """Put the bound context, and the enclosing operation, on every span that others start.

    Ours are started with it, which costs less. What a span itself declares stays, as on a line.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Add the bound context."""
        scope = span.instrumentation_scope
        if scope is None or scope.name != SCOPE:
            own = span.attributes or {}
            span.set_attributes({name: value for name, value in bound().items() if name not in own})
            above = trace.get_current_span(parent_context)
            if isinstance(above, OpenSpan):
                span.set_attribute(WITHIN, above.name)


@runtime_checkable
class Provider(Protocol):
    """A span provider that can be adopted: the SDK's own, or a wrapper around it such as logfire's."""

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Let a processor see every span."""

    def force_flush(self, timeout_millis: int = ...) -> bool:
        """Export ended spans."""
        raise NotImplementedError


class _Process:
    """What is at work in this process, or in the one it was forked from: the SDK's processors survive a fork."""

    def __init__(self) -> None:
        self.is_configured = False
        self.late: LateProvider | None = None
        self.batching: BatchingProcessor | None = None
        self.lines = AccountLines()
        self.journal: Journal | None = None
        self.watch: Watch | None = None
        self.undertaker: Undertaker | None = None
        self.registry: Registry | None = None
        self.journal_folder: Path | None = None
        self.is_child = False
        self.adopted: Flushed | None = None
        self.meters: Flushed | None = None


_process = _Process()


def configure(settings: TelemetrySettings) -> None:
    """Give this process spans, and metrics if asked for, from existing providers or its own.

    Its own providers begin with its first span.
    """
    if settings.disabled or _process.is_configured:
        return
    _process.is_configured = True
    _process.journal_folder = settings.journal
    _process.undertaker = Undertaker(
        settings.journal,
        exporters=_exporters,
        tell=_tell,
        file=settings.traces_file,
        ended_elsewhere=_ended_elsewhere,
        is_counted=partial(home_ledger.is_counted, settings.home),
    )
    _process.watch = Watch(beat=_beat, look=_look)
    present = trace.get_tracer_provider()
    if isinstance(present, trace.ProxyTracerProvider):  # the API's no-op: no provider was set
        _process.late = LateProvider(lambda: _make(settings))
        trace.set_tracer_provider(_process.late)
    else:
        _adopt(present, settings)
    atexit.register(leave)


def _make(settings: TelemetrySettings) -> TracerProvider:
    processors = _batching(settings, registered=True)
    made = make_provider(settings, [BoundContext(), *_journalling(), *processors])
    _measure(settings)
    return made


def _adopt(present: trace.TracerProvider, settings: TelemetrySettings) -> None:
    if isinstance(present, Provider):
        present.add_span_processor(BoundContext())
        present.add_span_processor(RedactingProcessor())
        processors = _batching(settings, registered=False)  # its maker decides where else spans go
        for processor in (*_journalling(), *processors):
            present.add_span_processor(processor)
    if isinstance(present, Flushed):
        _process.adopted = present
    _measure(settings)


def _batching(settings: TelemetrySettings, *, registered: bool) -> list[BatchingProcessor]:
    """Return the one processor that exports this process's spans for all its providers, if they go anywhere."""
    if _process.batching is None:
        _process.batching = make_processor(settings, registered=registered, settled=_settled, turned=_tell_of_change)
    if _process.journal is None and settings.journal is not None:
        most = settings.batching.queue_size + settings.batching.batch_size
        _process.journal = Journal(settings.journal, most_waiting=most, is_child=lambda: _process.is_child)
        for name in () if _process.batching is None else _process.batching.exporters():
            _process.journal.expect(name)
    return [] if _process.batching is None else [_process.batching]


def _settled(exporter: str, spans: Sequence[ReadableSpan], mark: Mark | None) -> AbstractContextManager[None]:
    """Record in the journal that an exporter is done with spans: they are taken, on disk, or dropped."""
    return nullcontext() if _process.journal is None else _process.journal.left(exporter, spans, mark)


def counts() -> dict[str, Count]:
    """Return what became of this process's spans, by exporter."""
    return {} if _process.batching is None else _process.batching.counts()


def _tell_of_change() -> None:
    _process.lines.tell(counts())


def _journalling() -> list[SpanProcessor]:
    """Return this process's journal, if it has one, and begin to watch."""
    if _process.journal is None or _process.watch is None:
        return []
    _process.journal.on_opened(_process.watch.begin)
    return [_process.journal]


def _beat() -> None:
    if _process.journal is not None:
        _process.journal.beat()


def _look() -> None:
    """End what dead processes left open, and export spans in doubt that nobody else has ended."""
    if _process.undertaker is not None:
        _process.undertaker.look()
    if _process.batching is not None and (held := _process.batching.held()):
        settle(held)
        _process.batching.flush(_HELD_SECONDS)  # a flush waits for this too


def ask(registry: Registry) -> None:
    """Have `registry` say which spans in a last will somebody else has ended."""
    _process.registry = registry


def _ended_elsewhere(span_ids: Collection[str]) -> Collection[str]:
    return () if _process.registry is None else _process.registry(span_ids)


def contest(span_ids: AbstractSet[int]) -> None:
    """Hold these spans, which are in a last will, until it is known that nobody else ends them."""
    if _process.journal is not None:
        _process.journal.contest(span_ids)
    if _process.batching is not None:
        _process.batching.contest(span_ids)
    if _process.watch is not None:
        _process.watch.begin()


def settle(span_ids: Collection[int], *, ours: bool = False) -> None:
    """Ask whether somebody else has ended these spans, unless they are known to be `ours`, then stop holding them.

    Without an answer they stay held, and the question is repeated every two seconds.
    """
    try:
        theirs = () if ours else [int(one, 16) for one in _ended_elsewhere([f"{each:016x}" for each in span_ids])]
    except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
        _health.aside(problem)
        return
    if _process.journal is not None and not theirs:
        _process.journal.uncontest(span_ids)
    if _process.batching is not None:
        _process.batching.settle(span_ids, theirs=theirs)


def home() -> str:
    """Return the id of the home with this process's journal; "" if it has none."""
    return "" if _process.journal is None else _process.journal.home()


def is_journalled(span_ids: Collection[str], *, home: str) -> bool:
    """Return whether these spans, of the home `home`, are or were in a journal here, from which each is exported."""
    folder = _process.journal_folder
    return folder is not None and (bool(home and home == home_id(folder)) or has_any(folder, span_ids))


def end(
    dead: DeadProcess, *, exported_to: Collection[str], note: Callable[[Collection[str]], None]
) -> tuple[set[str], bool]:
    """Export the spans of a process of another home; return which exporters have them, and whether that is all.

    Those in `exported_to` had them before. `note` records those that get them, before that is counted.
    """
    if _process.undertaker is None:
        return set(), True
    done = _process.undertaker.end(dead, exported_to=exported_to, note=note)
    return done, done.issuperset(_exporters())


def _exporters() -> Mapping[str, Heir]:
    """Return this process's exporters for the spans of dead processes, creating them if it has had no span."""
    begin()
    return {} if _process.batching is None else _process.batching.heirs()


def _tell(span: ReadableSpan) -> None:
    """Give the exporters of an adopted provider a span that outlived its process; ours already have it."""
    if _process.late is None:
        emitter.hand_over(span)


def note_death(pid: int, death: Death) -> None:
    """Record what killed a child of this process, for the process that ends its spans."""
    if _process.journal_folder is not None:
        obituaries.note_death(_process.journal_folder, pid=pid, death=death)


def watch(*, is_child: bool) -> None:
    """Look after dead processes from now on: this is a worker, which may long have no span.

    A child's parent knows what killed it, and records it.
    """
    _process.is_child = is_child
    if _process.watch is not None and _process.journal_folder is not None:
        _process.watch.begin()


@_health.guarded
def _measure(settings: TelemetrySettings) -> None:
    _process.meters = meters.start(settings, resource(settings), counts=counts)


def begin() -> None:
    """Begin this process's own providers now instead of with its first span, because something is measured first."""
    if _process.late is not None:
        _process.late.made()


def rest() -> None:
    """Stop our exporters' threads until the next span, under any provider: this process is about to fork."""
    if _process.batching is not None:
        _process.batching.rest()


def leave() -> None:
    """Flush, including the spool, and write the account's last line: this process is about to end."""
    flush(and_spool=True)
    _process.lines.tell(counts(), is_last=True)


def flush(deadline_seconds: float = 2.0, *, and_spool: bool = False) -> bool:
    """Flush; return whether every ended span is with every exporter or safe on disk, within so many seconds.

    Metrics are flushed too, but do not count: a span that is out is out.
    """
    batching, adopted = _process.batching, _process.adopted
    flushed: list[object] = []

    def run(one: Flushed | BatchingProcessor) -> None:
        try:
            if isinstance(one, BatchingProcessor):
                is_flushed = one.flush(deadline_seconds, and_spool=and_spool)
            else:
                is_flushed = one.force_flush(_FORCE_FLUSH_MS) is not False  # logfire's says None
            if is_flushed:
                flushed.append(one)
        except Exception as error:  # noqa: BLE001  # somebody's exporter; telemetry never breaks its host
            _health.problem(error)

    of_spans: list[Flushed | BatchingProcessor] = [one for one in (batching, adopted) if one is not None]
    threads = [
        threading.Thread(target=run, args=(one,), daemon=True)
        for one in (*of_spans, _process.meters, _process.watch)
        if one is not None
    ]
    deadline = time.monotonic() + deadline_seconds
    for thread in threads:
        try:
            thread.start()
        except RuntimeError:  # Python 3.12 starts none once the interpreter is ending
            thread.run()
    for number, thread in enumerate(threads):
        if thread.is_alive():
            is_ours = number == 0 and batching is not None  # it keeps the deadline itself
            thread.join(None if is_ours else max(0.0, deadline - time.monotonic()))
    if _process.journal is not None:
        _process.journal.close()
    return all(one in flushed for one in of_spans)
