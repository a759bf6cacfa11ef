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

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import orjson
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import _health, lifecycle, logs, tracing
from telemetry._ids import ids
from telemetry._otlp_decoding import Attribute, Span, records_in, requests_in, spans_in
from telemetry._redacting import RedactingExporter
from telemetry._sinks import Captured

__all__ = [
    "Attribute",
    "Capture",
    "Node",
    "Span",
    "capturing",
    "draw",
    "orphans_of",
    "read_collected",
    "read_lines",
    "read_spans",
    "roots_of",
    "spans_in",
]


@dataclass(frozen=True, slots=True)
class Node:
    """A span with its children in the order they started."""

    span: Span
    children: tuple[Node, ...]

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Span]]:
        """This span and all below it, parents first, with their depth."""
        yield depth, self.span
        for child in self.children:
            yield from child.walk(depth + 1)


def roots_of(spans: Iterable[Span]) -> tuple[Node, ...]:
    """The spans as trees; a span whose parent is not among them is a root."""
    children: dict[str, list[Span]] = {}
    known = {span.span_id: span for span in spans}
    tops = []
    for span in sorted(known.values(), key=lambda span: (span.start_ns, span.end_ns)):
        if span.parent_id in known and span.parent_id is not None:
            children.setdefault(span.parent_id, []).append(span)
        else:
            tops.append(span)

    def node(span: Span) -> Node:
        return Node(span, tuple(node(child) for child in children.get(span.span_id, [])))

    return tuple(node(span) for span in tops)


def orphans_of(spans: Iterable[Span]) -> list[Span]:
    """Spans whose parent should be here and is not."""
    known = {span.span_id: span for span in spans}
    return [span for span in known.values() if span.parent_id is not None and span.parent_id not in known]


def draw(spans: Iterable[Span], *attributes: str) -> str:
    """The spans as an indented tree, a line each: name, outcome, and those of ``attributes`` that it has."""
    lines = []
    for top in roots_of(spans):
        for depth, span in top.walk():
            shown = [f"{key}={span.attributes[key]}" for key in attributes if key in span.attributes]
            lines.append(" ".join(["  " * depth + span.name, *([span.outcome] if span.outcome else []), *shown]))
    return "\n".join(lines)


def read_spans(path: str | Path, *, containing: Collection[str] = ()) -> list[Span]:
    """The spans of an OTLP JSON file (ours, or a collector's), and of those that were set aside from it.

    With ``containing``, only those exported together with one whose JSON has one of these texts, such as a trace's id:
    what is not wanted need not be parsed.
    """
    return [span for line in _lines(path, containing) for request in requests_in(line) for span in spans_in(request)]


def read_lines(path: str | Path, *, containing: Collection[str] = ()) -> list[dict[str, Any]]:
    """The JSON lines of a log file, and of those that were set aside from it, oldest first.

    With ``containing``, only those whose text has one of these.
    """
    return [line for text in _lines(path, containing) if (line := _whole(text)) is not None]


def read_collected(path: str | Path) -> list[list[dict[str, Any]]]:
    """What a collector wrote to its log file: for each line of the file its records, as the lines that they were.

    A record has what the application's own line has, but for ``trace_flags``; the order of its fields is not kept.
    """
    return [[record for request in requests_in(line) for record in records_in(request)] for line in _lines(path, ())]


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
            logs.fix_time(now)
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
_attached: list[tracing.Provider] = []


@contextmanager
def capturing(*, now: Callable[[], datetime] | None = None, seed: int | None = None) -> Iterator[Capture]:
    """Inside, spans and lines are captured, and telemetry's own errors are raised.

    ``now`` and ``seed`` are those of `Capture.fix`. A provider that is already there keeps its exporters.
    """
    _attach()
    exporter = InMemorySpanExporter()
    before, _switch.target = _switch.target, SimpleSpanProcessor(RedactingExporter(exporter))
    try:
        with logs.capture() as lines, _health.strict():
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
    if not isinstance(present, tracing.Provider):
        present = TracerProvider(id_generator=ids, shutdown_on_exit=False)
        present.add_span_processor(tracing.BoundContext())
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


def _whole(text: bytes) -> dict[str, Any] | None:
    """The line, or None for one that a full disk cut behind an inner brace."""
    try:
        return cast("dict[str, Any]", orjson.loads(text))
    except orjson.JSONDecodeError:
        return None


def _lines(path: str | Path, containing: Collection[str]) -> Iterator[bytes]:
    """Whole lines of the files set aside (the oldest has the highest number), then of ``path``; none cut by a full disk."""
    path = Path(path)
    wanted = [text.encode() for text in containing]
    aside = sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda file: -int(file.suffix[1:]))
    for file in [*aside, path]:
        if file.exists():
            with file.open("rb") as lines:
                whole = (line for line in lines if line.endswith(b"}\n"))
                yield from (line for line in whole if not wanted or any(text in line for text in wanted))
