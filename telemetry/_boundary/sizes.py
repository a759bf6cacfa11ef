"""How large spans are on the wire, and what is left of one that is larger than any receiver takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status

from telemetry._boundary.spans import copy_of
from telemetry._boundary.texts import text

_SPAN_BYTES = 256
_EVENT_BYTES = 64
_VALUE_BYTES = 16
_CUT = 512
_FLAT = frozenset({str, int, float, bool})
_MOST_ATTRIBUTES = 256
_MOST_LINKS = 128


def size_of(span: ReadableSpan) -> int:
    """Return about how many bytes a span takes."""
    return (
        _SPAN_BYTES
        + _size(span.name)
        + _size(span.status.description)
        + _size_of_all(span.attributes)
        + sum([_EVENT_BYTES + _size(event.name) + _size_of_all(event.attributes) for event in span.events])
        + sum([_EVENT_BYTES + _size_of_all(link.attributes) for link in span.links])
    )


def shrunk(span: ReadableSpan, most_bytes: int) -> ReadableSpan:
    """Return a span of at most about `most_bytes`: texts are cut short, the last events and links kept."""
    attributes = _short(span.attributes)
    links = [Link(link.context) for link in span.links[-_MOST_LINKS:]]
    left = most_bytes - _SPAN_BYTES - _size_of_all(attributes) - _EVENT_BYTES * len(links)
    events: list[Event] = []
    for event in reversed(span.events):
        short = Event(text(event.name, limit=_CUT), _short(event.attributes), event.timestamp)
        left -= _EVENT_BYTES + _size(short.name) + _size_of_all(short.attributes)
        if left < 0:
            break
        events.append(short)
    return copy_of(
        span,
        name=text(span.name, limit=_CUT),
        attributes=attributes,
        events=events[::-1],
        links=links,
        status=Status(span.status.status_code, _cut(span.status.description)),
        resource=span.resource,
        scope=span.instrumentation_scope,
    )


def _short(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    items = list((attributes or {}).items())[-_MOST_ATTRIBUTES:]
    return {name: value if _size(value) <= _CUT else _cut(str(value)) for name, value in items}


def _cut(value: str | None) -> str | None:
    return None if value is None else text(value, limit=_CUT)


def _size_of_all(attributes: Mapping[str, Any] | None) -> int:
    if not attributes:
        return 0
    values = attributes.values()
    texts = "".join([*attributes, *[value for value in values if type(value) is str]])  # measured at once: most are short
    size = _VALUE_BYTES * len(attributes) + _size(texts)
    if not _FLAT.issuperset(map(type, values)):
        size += sum(_size(value) for value in values if type(value) not in _FLAT)
    return size


def _size(value: Any) -> int:
    if type(value) is str:
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, Mapping):
        return _size_of_all(value)
    return sum(_sizes(value)) if isinstance(value, tuple | list) else 0


def _sizes(values: tuple[Any, ...] | list[Any]) -> Iterator[int]:
    for value in values:
        yield _VALUE_BYTES + _size(value)
