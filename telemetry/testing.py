r"""Assert on what a test captured in memory: spans, lines and metrics.

With pytest, the fixture `captrace` (`telemetry.pytest_plugin`) is a `Capture`::

    def test_an_order_is_shipped(captrace):
        ship("A-7")
        assert captrace.tree() == "shop.ship completed\\n  shop.pack completed"
        assert captrace.line("shop.ship.completed")["parcels"] == 2
        assert captrace.metric("shop.refunded").labels == {"reason": "late"}

What a real worker wrote to files is read by `telemetry.reading`, as the same types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import _health, _measuring, lifecycle
from telemetry._export.counts import Count
from telemetry._export.redacting import RedactingExporter
from telemetry._lines import writing
from telemetry._lines.sinks import Captured
from telemetry._spans import provider
from telemetry._spans.ids import ids
from telemetry._suggestion import suggestion
from telemetry.instruments import Measurement
from telemetry.reading import Attribute, Memory, Source, Span, SpanEvent, Values, Wanted, draw

__all__ = ["Capture", "Measurement", "NotCapturedError", "UnaccountedError", "capturing"]


T = TypeVar("T")


class NotCapturedError(AssertionError):
    """A test asked for the only span, line or metric of a name, but there is none, or several."""


class UnaccountedError(AssertionError):
    """The ledger does not add up: a span that was started is neither exported nor open, dropped or died."""


class Capture(Source):
    """What is captured while it is active: spans, lines as a file would hold them, and measurements."""

    def __init__(
        self, lines: Captured, metrics: list[Measurement], exporter: InMemorySpanExporter, account: _Account
    ) -> None:
        self._captured, self._account = lines, account
        self.metrics = metrics
        """The measurements of declared instruments and of operations' durations, in the order they were made."""
        self.exporter = exporter
        """OpenTelemetry's own in-memory exporter, which the spans go to."""

    @property
    def spans(self) -> list[Span]:
        """The spans that have ended, in the order they did."""
        return [_view(span) for span in self.exporter.get_finished_spans()]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines, in the order they were written."""
        return [Values(line) for line in self._captured.lines]

    @property
    def count(self) -> Count:
        """What has become of the spans so far: exported to this capture, still open, or dropped."""
        return self._account.count()

    def span(self, name: str) -> Span:
        """Return the only span of that name; without one, or with several, a `NotCapturedError` says what there is."""
        return _only("span", name, [(span.name, span) for span in self.spans])

    def line(self, event: str) -> dict[str, Any]:
        """Return the only line of that event; without one, or with several, a `NotCapturedError` says what there is."""
        return _only("line", event, [(line["event"], line) for line in self.lines])

    def metric(self, name: str) -> Measurement:
        """Return the only measurement of that name; without one, or with several, a `NotCapturedError` says so."""
        return _only("metric", name, [(metric.name, metric) for metric in self.metrics])

    def tree(self, *attributes: str) -> str:
        """Draw the spans as `telemetry.reading.draw` does."""
        return draw(self.spans, *attributes)

    def events(self) -> list[str]:
        """Return the lines' events, in the order they were written."""
        return [line["event"] for line in self.lines]

    def find_spans(self, **wanted: Wanted) -> list[Span]:
        """Return the spans with these attributes, ids or name, each once, in the order they started."""
        return Memory(self.spans).find_spans(**wanted)

    def find_lines(self, **wanted: Wanted) -> list[dict[str, Any]]:
        """Return the lines with these fields, in the order they were written."""
        return Memory(lines=self.lines).find_lines(**wanted)

    def fix(self, *, now: Callable[[], datetime] | None = None, seed: int | None = None) -> None:
        """Give lines and operations from here on the time `now()`, and ids that follow from `seed`.

        Ids are fixed where the provider is telemetry's own; another one makes its own.
        """
        if now is not None:
            writing.fix_time(now)
            lifecycle.fix_time(lambda: int(now().timestamp() * 1_000_000) * 1_000)
        ids.seed(seed)

    def clear(self) -> None:
        """Forget what was captured so far."""
        self.exporter.clear()
        self._captured.lines.clear()
        self.metrics.clear()


class _Account(SimpleSpanProcessor):
    """Exports spans to a capture, and counts them as it goes."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._redacting = RedactingExporter(exporter)
        super().__init__(self._redacting)
        self._started = 0
        self._open: set[int] = set()

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Count a span that is exported when it ends."""
        context = span.get_span_context()
        if context.trace_flags.sampled:
            self._started += 1
            self._open.add(context.span_id)

    def on_end(self, span: ReadableSpan) -> None:
        """Count and export a span; one that was started before, or elsewhere as a reserved root is, is started now."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self._started += context.span_id not in self._open
            self._open.discard(context.span_id)
            super().on_end(span)

    def count(self) -> Count:
        """Return what became of the spans."""
        redacting = self._redacting
        dropped = {"failed": redacting.failed} if redacting.failed else {}
        return Count(started=self._started, open=len(self._open), exported=redacting.taken, dropped=dropped)


class _Switch(SpanProcessor):
    """Hands spans to the captures that are active: a provider cannot let go of a processor."""

    def __init__(self) -> None:
        self.targets: tuple[SpanProcessor, ...] = ()

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Say that a span has started."""
        for target in self.targets:
            target.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand the span on."""
        for target in self.targets:
            target.on_end(span)


_switch = _Switch()
_attached: list[provider.Provider] = []


@contextmanager
def capturing(*, now: Callable[[], datetime] | None = None, seed: int | None = None) -> Iterator[Capture]:
    """Capture spans, lines and measurements inside the block, and raise telemetry's own errors there.

    `now` and `seed` are those of `Capture.fix`. A provider that is already there keeps its exporters. At the end every span
    must be accounted for: exported, open or dropped; else an `UnaccountedError` says what is missing.
    """
    _attach()
    exporter = InMemorySpanExporter()
    account = _Account(exporter)
    before = _switch.targets
    _switch.targets = (*before, account)
    try:
        with writing.capture() as lines, _measuring.capture() as metrics, _health.strict():
            capture = Capture(lines, metrics, exporter, account)
            capture.fix(now=now, seed=seed)
            yield capture
        _check({"this capture": account.count(), **provider.counts()})
    finally:
        _switch.targets = before
        lifecycle.fix_time(None)
        ids.seed(None)


def _check(counts: Mapping[str, Count]) -> None:
    for name, count in counts.items():
        if not count.is_exact:
            raise UnaccountedError(f"spans are not accounted for in {name}: {count.as_json()}")


def _attach() -> None:
    """See that the process has a provider of spans, with our switch on it, once."""
    present = trace.get_tracer_provider()
    if not isinstance(present, provider.Provider):
        present = TracerProvider(id_generator=ids, shutdown_on_exit=False)
        present.add_span_processor(provider.BoundContext())
        trace.set_tracer_provider(present)
    if not any(one is present for one in _attached):
        present.add_span_processor(_switch)
        _attached.append(present)


def _view(span: ReadableSpan) -> Span:
    context = span.get_span_context()
    assert context is not None, "a span that has ended has a context"  # noqa: S101  # OpenTelemetry's own promise
    return Span(
        name=span.name,
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id=None if span.parent is None else f"{span.parent.span_id:016x}",
        attributes=_plain(span.attributes),
        status=span.status.status_code.name,
        status_message=span.status.description or "",
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        links=tuple((f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links),
        resource=_plain(span.resource.attributes),
        events=tuple(SpanEvent(event.name, event.timestamp, _plain(event.attributes)) for event in span.events),
    )


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Attribute]:
    return Values({key: tuple(value) if isinstance(value, list) else value for key, value in (attributes or {}).items()})


def _only(kind: str, name: str, captured: Sequence[tuple[str, T]]) -> T:
    found = [one for known, one in captured if known == name]
    if len(found) == 1:
        return found[0]
    names = list(dict.fromkeys(known for known, _ in captured))
    if found:
        raise NotCapturedError(f"there are {len(found)} {kind}s {name!r}: choose one of captrace.{kind}s")
    raise NotCapturedError(
        f"there is no {kind} {name!r}{suggestion(name, names)}: there are {', '.join(names)}"
        if names
        else f"there is no {kind} {name!r}, nor any other: was the code called inside the test?"
    )
