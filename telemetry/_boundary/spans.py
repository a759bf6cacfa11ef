"""Whole spans on their way out: those that other instrumentations made, and that nobody has looked at yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue

from telemetry._boundary.texts import text
from telemetry._boundary.values import attribute, key


def clean_span(span: ReadableSpan) -> ReadableSpan:
    """Return `span` itself if all of it may leave, as nearly always; else a copy that may.

    A span whose class says `is_clean` was cleaned as it was filled.
    """
    if getattr(span, "is_clean", False) or _is_clean(span):
        return span
    return ReadableSpan(
        text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=clean_attributes(span.attributes),
        events=[Event(text(event.name), clean_attributes(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context, clean_attributes(link.attributes)) for link in span.links],
        kind=span.kind,
        status=_clean_status(span.status),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def clean_attributes(attributes: Mapping[str, Any] | None) -> dict[str, AttributeValue]:
    """Return attributes as they may leave."""
    return {key(name): attribute(name, value) for name, value in (attributes or {}).items()}


def _clean_status(status: Status) -> Status:
    return status if status.description is None else Status(status.status_code, text(status.description))


def _is_clean(span: ReadableSpan) -> bool:
    description = span.status.description
    return (
        text(span.name) == span.name
        and (description is None or text(description) == description)
        and _are_clean(span.attributes)
        and all(text(event.name) == event.name and _are_clean(event.attributes) for event in span.events)
        and all(_are_clean(link.attributes) for link in span.links)
    )


def _are_clean(attributes: Any) -> bool:
    if not attributes:
        return True
    for name, value in attributes.copy().items():  # the SDK's own iteration costs a call for each key
        kind = type(value)
        if kind is bool or kind is float or (kind is int and -(2**63) <= value < 2**63):
            continue
        if attribute(name, value) != value or key(name) != name:
            return False
    return True
