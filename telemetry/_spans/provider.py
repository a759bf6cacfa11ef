"""The process's provider of spans: its own, or one that is already there (opentelemetry-instrument, logfire), adopted.

An adopted provider keeps its exporters, which then get our spans too, without secrets. One of OpenTelemetry's API alone, as
ddtrace's is, starts our spans and exports them; there is nothing that we could add to it.
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
"""Is told the ids of spans that are in a last will and are ended here, and returns those that somebody else has ended."""


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
    """Let this process have spans, and metrics if they are asked for: by the providers that are there, or by its own.

    Its own begin with its first span.
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
    if isinstance(present, trace.ProxyTracerProvider):  # the API's stand-in: nobody was here
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
        processors = _batching(settings, registered=False)  # where else spans go is for whoever made it to say
        for processor in (*_journalling(), *processors):
            present.add_span_processor(processor)
    if isinstance(present, Flushed):
        _process.adopted = present
    _measure(settings)


def _batching(settings: TelemetrySettings, *, registered: bool) -> list[BatchingProcessor]:
    """Return the processor that exports this process's spans, if they are to go anywhere: one for all its providers."""
    if _process.batching is None:
        _process.batching = make_processor(settings, registered=registered, settled=_settled, turned=_tell_of_change)
    if _process.journal is None and settings.journal is not None:
        most = settings.batching.queue_size + settings.batching.batch_size
        _process.journal = Journal(settings.journal, most_waiting=most, is_child=lambda: _process.is_child)
        for name in () if _process.batching is None else _process.batching.exporters():
            _process.journal.expect(name)
    return [] if _process.batching is None else [_process.batching]


def _settled(exporter: str, spans: Sequence[ReadableSpan], mark: Mark | None) -> AbstractContextManager[None]:
    """Write into the journal that an exporter is done with spans: it took them, they wait on disk, or nobody will."""
    return nullcontext() if _process.journal is None else _process.journal.left(exporter, spans, mark)


def counts() -> dict[str, Count]:
    """Return what became of the spans that this process has started, by exporter."""
    return {} if _process.batching is None else _process.batching.counts()


def _tell_of_change() -> None:
    _process.lines.tell(counts())


def _journalling() -> list[SpanProcessor]:
    """Return the journal of this process, if it has one, and begin to watch."""
    if _process.journal is None or _process.watch is None:
        return []
    _process.journal.on_opened(_process.watch.begin)
    return [_process.journal]


def _beat() -> None:
    if _process.journal is not None:
        _process.journal.beat()


def _look() -> None:
    """End what dead processes have left open, and export what somebody else might have ended here, and has not."""
    if _process.undertaker is not None:
        _process.undertaker.look()
    if _process.batching is not None and (held := _process.batching.held()):
        settle(held)
        _process.batching.flush(_HELD_SECONDS)  # whoever flushes waits for this, too


def ask(registry: Registry) -> None:
    """Let `registry` say which spans of a last will somebody else has ended."""
    _process.registry = registry


def _ended_elsewhere(span_ids: Collection[str]) -> Collection[str]:
    return () if _process.registry is None else _process.registry(span_ids)


def contest(span_ids: AbstractSet[int]) -> None:
    """Hold these spans, open now or later, until it is known that nobody else ends them: they are in a last will."""
    if _process.journal is not None:
        _process.journal.contest(span_ids)
    if _process.batching is not None:
        _process.batching.contest(span_ids)
    if _process.watch is not None:
        _process.watch.begin()


def settle(span_ids: Collection[int], *, ours: bool = False) -> None:
    """Ask whether somebody else has ended these spans, unless they are known to be `ours`, and hold them no longer.

    Where nobody answers, they are held, and it is asked again every two seconds.
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
    """Return what the home is called in which this process has its journal; "" if it has none."""
    return "" if _process.journal is None else _process.journal.home()


def is_journalled(span_ids: Collection[str], *, home: str) -> bool:
    """Return whether these spans are, or were, in a journal of this home, by which each is exported; `home` is theirs."""
    folder = _process.journal_folder
    return folder is not None and (bool(home and home == home_id(folder)) or has_any(folder, span_ids))


def end(
    dead: DeadProcess, *, exported_to: Collection[str], note: Callable[[Collection[str]], None]
) -> tuple[set[str], bool]:
    """Export the spans of a process that is not of this home; return who has them by now, and whether that is all.

    Those in `exported_to` had them before. `note` keeps who has them from here on, before that is counted.
    """
    if _process.undertaker is None:
        return set(), True
    done = _process.undertaker.end(dead, exported_to=exported_to, note=note)
    return done, done.issuperset(_exporters())


def _exporters() -> Mapping[str, Heir]:
    """Return this process's exporters for spans of the dead; they are made now if it has had no span."""
    begin()
    return {} if _process.batching is None else _process.batching.heirs()


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
    if _process.watch is not None and _process.journal_folder is not None:
        _process.watch.begin()


@_health.guarded
def _measure(settings: TelemetrySettings) -> None:
    _process.meters = meters.start(settings, resource(settings), counts=counts)


def begin() -> None:
    """Let this process's own providers begin now instead of with its first span: something else is measured."""
    if _process.late is not None:
        _process.late.made()


def rest() -> None:
    """Stop our exporters' threads until the next span, whoever's provider it is: this process is about to fork."""
    if _process.batching is not None:
        _process.batching.rest()


def leave() -> None:
    """Flush, also what waits in the spool, and write the account's last line: this process is about to end."""
    flush(and_spool=True)
    _process.lines.tell(counts(), is_last=True)


def flush(deadline_seconds: float = 2.0, *, and_spool: bool = False) -> bool:
    """Return whether every span ended so far is with every exporter, or safe on disk; it never takes longer than that.

    Metrics are flushed too, and do not count: a span that has left has left.
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
            is_ours = number == 0 and batching is not None  # it keeps to the deadline by itself
            thread.join(None if is_ours else max(0.0, deadline - time.monotonic()))
    if _process.journal is not None:
        _process.journal.close()
    return all(one in flushed for one in of_spans)
