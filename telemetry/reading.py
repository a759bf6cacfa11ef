"""Read spans and lines back: from files of ours or of a collector, from Jaeger's API, as the same types and trees."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from telemetry._decoding import Attribute, Span, records_in, requests_in, spans_in

__all__ = [
    "Attribute",
    "Node",
    "Span",
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
