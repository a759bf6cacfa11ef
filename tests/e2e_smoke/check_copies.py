"""Check that every span and line has arrived once and unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from telemetry.reading import Span

Line = Mapping[str, Any]
T = TypeVar("T")

Key = Callable[[T], Hashable]
Name = Callable[[T], str]

REPEATED: Mapping[str, str] = {
    "graphql.operation.name": "query_name",
    "url.template": "endpoint",
    "db.collection.name": "entity_type",
    "http.response.status_code": "status_code",
    "error.type": "error_type",
    "celery.task_id": "task_id",
    "messaging.message.id": "task_id",
    "vcs.owner.name": "full_name",
    "vcs.repository.name": "full_name",
}
"""The standard keys that a span does not have in Jaeger where it has the key of ours that says the same."""

_NOT_COPIED = frozenset({"trace_flags"})  # which are the flags of a record


def span_key(span: Span) -> Hashable:
    """Return the identity of a span."""
    return (span.trace_id, span.span_id)


def line_key(line: Line) -> Hashable:
    """Return the whole content of a line, regardless of the order of its fields."""
    return _frozen({name: value for name, value in line.items() if name not in _NOT_COPIED})


def is_left_out(span: Span) -> bool:
    """Return whether the span is for files alone: Jaeger's pages would show nothing by it that its parent does not say."""
    if span.attributes.get("within.operation") in ("sync.api.graphql", "sync.api.rest"):
        return True
    return "celery.run.parent_id" in span.attributes and span.status != "ERROR" and span.end_ns - span.start_ns < 10_000_000


def missing(originals: Iterable[T], copies: Iterable[T], *, key: Key[T], name: Name[T]) -> Iterator[str]:
    """Yield, by name, how many originals have no copy."""
    expected, found = list(originals), set(map(key, copies))
    totals = Counter(map(name, expected))
    for what, count in Counter(name(each) for each in expected if key(each) not in found).items():
        yield f"{count} of {totals[what]} {what} missing"


def twice(originals: Iterable[T], copies: Iterable[T], *, key: Key[T], name: Name[T]) -> Iterator[str]:
    """Yield, by name, how many originals have too many copies."""
    once, wanted, found = {key(each): each for each in originals}, Counter(map(key, originals)), Counter(map(key, copies))
    for what, count in Counter(name(each) for which, each in once.items() if found[which] > wanted[which]).items():
        yield f"{count} {what} there more than once"


def strangers(originals: Iterable[T], copies: Iterable[T], *, key: Key[T], name: Name[T]) -> Iterator[str]:
    """Yield, by name, how many copies have no original."""
    known = set(map(key, originals))
    for what, count in Counter(name(each) for each in copies if key(each) not in known).items():
        yield f"{count} {what} that nobody wrote"


def changed(originals: Iterable[Span], copies: Iterable[Span]) -> Iterator[str]:
    """Yield the spans that arrived with another name, parent, time, status, link or attribute."""
    found = {span_key(span): span for span in copies}
    for span in originals:
        copy = found.get(span_key(span), span)
        for field in ("name", "parent_id", "start_ns", "end_ns", "status", "status_message", "links"):
            if getattr(copy, field) != getattr(span, field):
                yield f"{span.name} {span.span_id}: {field} is {getattr(copy, field)!r}, not {getattr(span, field)!r}"
        for key, value in span.attributes.items():
            if REPEATED.get(key) in span.attributes and key not in copy.attributes:
                continue
            if copy.attributes.get(key) != value and not isinstance(value, tuple):  # a list is JSON text in Jaeger
                yield f"{span.name} {span.span_id}: {key} is {copy.attributes.get(key)!r}, not {value!r}"


def _frozen(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        return frozenset((name, _frozen(each)) for name, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return (type(value) is bool, value)  # True does not equal 1 here
