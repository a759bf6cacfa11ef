"""How much one span may hold, according to `OTEL_*_LIMIT` or its provider."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import SpanLimits, Tracer

from telemetry import _health


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Counts, and the characters of one value; without a limit, a count is the largest possible, and the length None."""

    attributes: int
    events: int
    links: int
    event_attributes: int
    link_attributes: int
    length: int | None
    event_length: int | None


def limits_of(tracer: Tracer) -> Limits:
    """Return the limits of a tracer's spans."""
    given = getattr(tracer, "_span_limits", None)  # the SDK has no public way to them
    if given is not _Known.given:
        _Known.given, _Known.limits = given, _limits(given)
    return _Known.limits


def _limits(given: object) -> Limits:
    try:
        known = given if isinstance(given, SpanLimits) else SpanLimits()
    except ValueError as problem:  # the environment has something other than a number
        _health.problem(problem)
        return _DEFAULT
    return Limits(
        attributes=_count(known.max_span_attributes),
        events=_count(known.max_events),
        links=_count(known.max_links),
        event_attributes=_count(known.max_event_attributes),
        link_attributes=_count(known.max_link_attributes),
        length=known.max_span_attribute_length,
        event_length=known.max_attribute_length,
    )


def within(attributes: Mapping[str, Any], *, most: int, length: int | None) -> Mapping[str, Any]:
    """Return the newest `most` attributes, each text cut to `length` characters, and count the rest, as the SDK does."""
    cut = attributes if length is None else {name: _cut(value, length) for name, value in attributes.items()}
    return cut if len(cut) <= most else BoundedAttributes(most, cut, immutable=False)


def _count(limit: int | None) -> int:
    return sys.maxsize if limit is None else limit


def _cut(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, tuple | list):
        return tuple(_cut(item, length) for item in value)
    return {name: _cut(item, length) for name, item in value.items()} if isinstance(value, Mapping) else value


_DEFAULT = Limits(
    attributes=128, events=128, links=128, event_attributes=128, link_attributes=128, length=None, event_length=None
)


class _Known:
    """The limits looked up last: a provider's limits are one object."""

    given: object = object()  # of no tracer
    limits = _DEFAULT
