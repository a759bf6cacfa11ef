"""Whole spans on their way out: those that other instrumentations made, and that nobody has looked at yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, Status
from opentelemetry.util.types import AttributeValue

from telemetry import _health
from telemetry._boundary.objects import key_of, words
from telemetry._boundary.texts import text
from telemetry._boundary.values import attribute

T = TypeVar("T")

_KNOWN_AT_MOST = 64
_LATEST = 2**63
_DESCRIBING = 64 * 1024  # characters of what every request says again: whose spans these are


def clean_span(span: ReadableSpan) -> ReadableSpan:
    """Return `span` itself if all of it may leave, as nearly always; else a copy that may.

    A span whose class says `is_clean` was cleaned as it was filled. One that cannot be looked at leaves empty.
    """
    if getattr(span, "is_clean", False):
        return span
    try:
        resource, scope = clean_resource(span.resource), clean_scope(span.instrumentation_scope)
        if resource is span.resource and scope is span.instrumentation_scope and _is_clean(span):
            return span
        return copy_of(
            span,
            name=words(span.name),
            attributes=clean_attributes(span.attributes),
            events=[_event(event, clean_attributes(event.attributes), span) for event in span.events],
            links=[Link(link.context, _like(link.attributes, clean_attributes(link.attributes))) for link in span.links],
            status=_clean_status(span.status),
            resource=resource,
            scope=scope,
        )
    except Exception as problem:  # noqa: BLE001  # somebody's class of spans or attributes
        _health.problem(problem)
        return ReadableSpan(
            "[unprintable span]",
            context=span.get_span_context(),
            parent=span.parent,
            kind=_kind(span),
            status=Status(span.status.status_code),
            start_time=_start(span),
            end_time=_end(span),
        )


def clean_attributes(attributes: Mapping[str, Any] | None) -> dict[str, AttributeValue]:
    """Return attributes as they may leave; keys that become the same are told apart."""
    clean: dict[str, AttributeValue] = {}
    for number, (name, value) in enumerate((attributes or {}).items(), 1):
        shown = key_of(name)
        if shown in clean:  # two that are secrets, or too long
            shown = f"{shown} ({number})"
        clean[shown] = attribute(shown, value)
    return clean


def clean_resource(resource: Resource) -> Resource:
    """Return `resource` itself if all of it may leave, else one that may, always the same."""
    return _known(
        _resources,
        resource,
        lambda: (
            resource
            if _may_leave(resource.schema_url) and _describes(resource.attributes)
            else Resource(_description(resource.attributes), words(resource.schema_url))
        ),
    )


def copy_of(
    span: ReadableSpan,
    *,
    name: str,
    attributes: Mapping[str, Any],
    events: Sequence[Event],
    links: Sequence[Link],
    status: Status,
    resource: Resource,
    scope: InstrumentationScope | None,
) -> ReadableSpan:
    """Return a span that differs from `span` in these parts alone; what was dropped from it stays counted."""
    return ReadableSpan(
        name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=resource,
        attributes=_like(span.attributes, attributes, dropped=span.dropped_attributes),
        events=_bounded(events, span.dropped_events + len(span.events) - len(events)),
        links=_bounded(links, span.dropped_links + len(span.links) - len(links)),
        kind=_kind(span),
        status=status,
        start_time=_start(span),
        end_time=_end(span),
        instrumentation_scope=scope,
    )


def nanoseconds(value: object) -> int | None:
    """Return a moment in Unix nanoseconds as an exporter can write it; None for what is none."""
    if type(value) is int and 0 <= value < _LATEST:
        return value
    if not isinstance(value, int | float) or not 0 <= value < _LATEST:
        return None
    return int(value)  # of `time.time() * 1e9`


def _is_moment(value: object) -> bool:
    return nanoseconds(value) is value


def _start(span: ReadableSpan) -> int | None:
    return nanoseconds(span.start_time) or nanoseconds(span.end_time)


def _end(span: ReadableSpan) -> int | None:
    return nanoseconds(span.end_time) or nanoseconds(span.start_time)


def _kind(span: ReadableSpan) -> SpanKind:
    return span.kind if isinstance(span.kind, SpanKind) else SpanKind.INTERNAL


def _event(event: Event, attributes: Mapping[str, Any], span: ReadableSpan) -> Event:
    return Event(words(event.name), _like(event.attributes, attributes), nanoseconds(event.timestamp) or _end(span))


def _like(before: Any, attributes: Mapping[str, Any], *, dropped: int | None = None) -> BoundedAttributes:
    """Return attributes of which as many were dropped as `before`."""
    made = BoundedAttributes(attributes=attributes)
    made.dropped = getattr(before, "dropped", 0) if dropped is None else dropped
    return made


def _bounded(items: Sequence[T], dropped: int) -> Sequence[T]:
    made: BoundedList[T] = BoundedList.from_seq(len(items), items)
    made.dropped = dropped
    return made


def _clean_status(status: Status) -> Status:
    return status if status.description is None else Status(status.status_code, words(status.description))


def _may_leave(said: object) -> bool:
    """Return whether what should be a text, if there is any, is one that may leave as it is."""
    return said is None or (type(said) is str and text(said) == said)


def _is_clean(span: ReadableSpan) -> bool:
    return (
        _is_moment(span.start_time)
        and _is_moment(span.end_time)
        and isinstance(span.kind, SpanKind)
        and type(span.name) is str
        and _may_leave(span.name)
        and _may_leave(span.status.description)
        and _are_clean(span.attributes)
        and all(
            _is_moment(event.timestamp)
            and type(event.name) is str
            and _may_leave(event.name)
            and _are_clean(event.attributes)
            for event in span.events
        )
        and all(_are_clean(link.attributes) for link in span.links)
    )


def _are_clean(attributes: Any) -> bool:
    if not attributes:
        return True
    for name, value in attributes.copy().items():  # the SDK's own iteration costs a call for each key
        if key_of(name) != name:
            return False
        clean = attribute(name, value)
        if clean is not value and clean != value:
            return False
    return True


def _describes(attributes: Any) -> bool:
    return _are_clean(attributes) and _length_of(attributes) <= _DESCRIBING


def _description(attributes: Mapping[str, Any] | None) -> dict[str, AttributeValue]:
    """Return attributes of a resource or a scope as they may leave: as many as every request has room for."""
    clean, left = clean_attributes(attributes), _DESCRIBING
    kept: dict[str, AttributeValue] = {}
    for name, value in clean.items():
        left -= _length_of({name: value})
        if left >= 0:
            kept[name] = value
    return kept if len(kept) == len(clean) else {**kept, "attributes_left_out": len(clean) - len(kept)}


def _length_of(attributes: Mapping[str, Any] | None) -> int:
    return sum(len(name) + len(str(value)) for name, value in (attributes or {}).items())


_resources: dict[int, tuple[Resource, Resource]] = {}
_scopes: dict[int, tuple[InstrumentationScope, InstrumentationScope]] = {}


def clean_scope(scope: InstrumentationScope | None) -> InstrumentationScope | None:
    """Return `scope` itself if all of it may leave, else one that may, always the same."""
    if scope is None:
        return None
    return _known(
        _scopes,
        scope,
        lambda: (
            scope
            if all(map(_may_leave, (scope.name, scope.version, scope.schema_url))) and _describes(scope.attributes)
            else InstrumentationScope(
                words(scope.name), _words(scope.version), _words(scope.schema_url), _description(scope.attributes)
            )
        ),
    )


def _words(said: object) -> str | None:
    return None if said is None else words(said)


def _known(known: dict[int, tuple[T, T]], original: T, cleaned: Callable[[], T]) -> T:
    """Return what `original` was cleaned to before; by identity, for a resource's hash is made from its JSON each time."""
    found = known.get(id(original))
    if found is None or found[0] is not original:
        if len(known) >= _KNOWN_AT_MOST:
            known.clear()
        found = known[id(original)] = original, cleaned()
    return found[1]
