"""Arrange spans as trees, siblings in the order they started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from telemetry._decoding import Span


@dataclass(frozen=True, slots=True)
class Node:
    """A span and its children in the order they started."""

    span: Span
    children: tuple[Node, ...]

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Span]]:
        """Yield this span and its descendants, parents first, each with its depth."""
        yield depth, self.span
        for child in self.children:
            yield from child.walk(depth + 1)


def roots_of(spans: Iterable[Span]) -> tuple[Node, ...]:
    """Return the spans as trees; a span whose parent is not among them is a root."""
    ordered = in_order(spans)
    children: dict[str | None, list[Span]] = {span.span_id: [] for span in ordered}
    tops: list[Span] = []
    for span in ordered:
        children.get(span.parent_id, tops).append(span)

    def node(span: Span) -> Node:
        return Node(span, tuple(map(node, children[span.span_id])))

    return tuple(map(node, tops))


def orphans_of(spans: Iterable[Span]) -> list[Span]:
    """Return the spans whose parent is missing from among them."""
    known = {span.span_id: span for span in spans}
    return [span for span in known.values() if span.parent_id is not None and span.parent_id not in known]


def draw(spans: Iterable[Span], *attributes: str) -> str:
    """Draw the spans as an indented tree, one line each: its name, how it ended, and those of `attributes` it has.

    How it ended is its outcome, or `error` for a failed span of another library, followed by the error's type.
    """
    return "\n".join(
        " ".join(["  " * depth + span.name, *_ending(span), *_shown(span, attributes)])
        for top in roots_of(spans)
        for depth, span in top.walk()
    )


def in_order(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in the order they started; of a root emitted twice, the last version counts."""
    return sorted({span.span_id: span for span in spans}.values(), key=attrgetter("start_ns", "end_ns"))


def _ending(span: Span) -> list[str]:
    words = (span.outcome or ("error" if span.status == "ERROR" else None), span.error_type)
    return [word for word in words if word]


def _shown(span: Span, attributes: Iterable[str]) -> list[str]:
    return [f"{key}={span.attributes[key]}" for key in attributes if key in span.attributes]
