"""Assert on spans and lines: what a test captured in memory, or what a real worker wrote to files, as the same tree.

With pytest, the fixture ``captrace`` (`telemetry.pytest_plugin`) is a `Capture`::

    def test_a_sync_is_traced(captrace):
        sync()
        assert captrace.tree() == '''
    sync.repo completed
      sync.api.graphql completed
    '''
        assert [line["event"] for line in captrace.lines] == [...]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import _health, lifecycle
from telemetry._export.redacting import RedactingExporter
from telemetry._lines import writing
from telemetry._lines.sinks import Captured
from telemetry._spans import provider
from telemetry._spans.ids import ids
from telemetry.reading import Attribute, Span, draw

__all__ = ["Capture", "capturing"]


class Capture:
    """What is captured while it is active: spans, and lines as a file would hold them."""

    def __init__(self, lines: Captured, exporter: InMemorySpanExporter) -> None:
        self._captured = lines
        self.exporter = exporter
        """OpenTelemetry's own in-memory exporter, which the spans go to."""

    @property
    def spans(self) -> list[Span]:
        """The spans that have ended, in the order they did."""
        return [_view(span) for span in self.exporter.get_finished_spans()]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines, in the order they were written."""
        return self._captured.lines

    def tree(self, *attributes: str) -> str:
        """The spans as `draw` shows them."""
        return draw(self.spans, *attributes)

    def events(self) -> list[str]:
        """The lines' events, in the order they were written."""
        return [line["event"] for line in self.lines]

    def fix(self, *, now: Callable[[], datetime] | None = None, seed: int | None = None) -> None:
        """From here on lines and operations have the time that ``now`` tells, and ids are those of ``seed``.

        Ids are fixed where the provider is telemetry's own; somebody else's makes its own.
        """
        if now is not None:
            writing.fix_time(now)
            lifecycle.fix_time(lambda: int(now().timestamp() * 1_000_000) * 1_000)
        ids.seed(seed)

    def clear(self) -> None:
        """Nothing is captured so far."""
        self.exporter.clear()
        self._captured.lines.clear()


class _Switch(SpanProcessor):
    """Hands spans to whichever capture is active: a provider cannot let go of a processor."""

    def __init__(self) -> None:
        self.target: SpanProcessor | None = None

    def on_end(self, span: ReadableSpan) -> None:
        if self.target is not None:
            self.target.on_end(span)


_switch = _Switch()
_attached: list[provider.Provider] = []


@contextmanager
def capturing(*, now: Callable[[], datetime] | None = None, seed: int | None = None) -> Iterator[Capture]:
    """Inside, spans and lines are captured, and telemetry's own errors are raised.

    ``now`` and ``seed`` are those of `Capture.fix`. A provider that is already there keeps its exporters.
    """
    _attach()
    exporter = InMemorySpanExporter()
    before, _switch.target = _switch.target, SimpleSpanProcessor(RedactingExporter(exporter))
    try:
        with writing.capture() as lines, _health.strict():
            capture = Capture(lines, exporter)
            capture.fix(now=now, seed=seed)
            yield capture
    finally:
        _switch.target = before
        lifecycle.fix_time(None)
        ids.seed(None)


def _attach() -> None:
    """The process has a provider, and our switch is on it, once."""
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
    )


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Attribute]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in (attributes or {}).items()}
