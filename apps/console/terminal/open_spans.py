"""Lay out spans open now for people: by process, indented, with how long and about what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from apps import catalog
from apps.console.terminal.fitting import wrapped
from apps.console.terminal.trace_tree import label_of
from telemetry.reading import Span, roots_of
from telemetry.timestamps import iso_microseconds, iso_seconds

_SECONDS_WIDTH = 9


def open_lines(spans: Sequence[Span], *, width: int | None = None) -> Iterator[str]:
    """Yield a heading for each process, and a line for each of its open spans: how long, what, and for which work."""
    for process, group in groupby(sorted(spans, key=_process), key=_process):
        own = list(group)
        yield from wrapped(_heading(own[0], process), width, hang=2)
        for top in roots_of(own):
            for depth, span in top.walk():
                yield from wrapped(_line(depth, span), width, hang=_SECONDS_WIDTH + 6 + 2 * depth)


def as_json(span: Span) -> dict[str, Any]:
    """Return an open span for programs."""
    return {
        "name": span.name,
        "since": iso_microseconds(_started(span)),
        "seconds": round(span.duration_ms / 1000, 3),
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "process": span.resource.get("process.pid"),
        "host": span.resource.get("host.name"),
        "attributes": dict(span.attributes),
    }


def _process(span: Span) -> tuple[str, int]:
    pid = span.resource.get("process.pid")
    return str(span.resource.get("host.name", "?")), pid if isinstance(pid, int) else 0


def _started(span: Span) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=span.start_ns // 1000)


def _heading(span: Span, process: tuple[str, int]) -> str:
    host, pid = process
    return f"process {pid or '?'} on {host}  ({span.resource.get('service.name', '?')})"


def _line(depth: int, span: Span) -> str:
    context = " ".join(f"{key}={span.attributes[key]}" for key in catalog.CONTEXT if key in span.attributes)
    since = f"since {iso_seconds(_started(span))}"
    label = label_of(replace(span, is_open=False))  # here all spans are open
    parts = (label, *((since, context, f"trace {span.trace_id}") if depth == 0 else ()))
    return f"{span.duration_ms / 1000:>{_SECONDS_WIDTH}.1f} s  {'  ' * depth}{'  '.join(part for part in parts if part)}"
