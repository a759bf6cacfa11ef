"""Read spans back from an OTLP JSON request written by `otlp_json`, so that any exporter can take them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import orjson
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

T = TypeVar("T")
Json = Mapping[str, Any]

_IS_REMOTE = 0x200
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def spans_of(request: bytes) -> list[ReadableSpan]:
    """Return the spans of one request; raise ValueError if it is not one."""
    try:
        return [
            _span(span, resource, scope)
            for group in orjson.loads(request)["resourceSpans"]
            for resource in [Resource(_attributes(group["resource"]), group.get("schemaUrl"))]
            for inner in group["scopeSpans"]
            for scope in [_scope(inner)]
            for span in inner["spans"]
        ]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"this is not an OTLP request: {error!r}") from error


def _scope(inner: Json) -> InstrumentationScope | None:
    scope = inner["scope"]
    if not scope:
        return None
    return InstrumentationScope(scope["name"], scope.get("version"), inner.get("schemaUrl"), _attributes(scope))


def _span(span: Json, resource: Resource, scope: InstrumentationScope | None) -> ReadableSpan:
    trace_id, status = span["traceId"], span["status"]
    state = TraceState.from_header([span["traceState"]]) if "traceState" in span else None
    parent = _context(trace_id, span["parentSpanId"], span) if "parentSpanId" in span else None
    return ReadableSpan(
        span["name"],
        context=SpanContext(int(trace_id, 16), int(span["spanId"], 16), False, _SAMPLED, state),
        parent=parent,
        resource=resource,
        attributes=_bounded_attributes(span),
        events=_bounded([_event(event) for event in span.get("events", ())], span.get("droppedEventsCount", 0)),
        links=_bounded([_link(link) for link in span.get("links", ())], span.get("droppedLinksCount", 0)),
        kind=SpanKind(span["kind"] - 1),
        status=Status(StatusCode(status.get("code", 0)), status.get("message")),
        start_time=_time(span["startTimeUnixNano"]),
        end_time=_time(span["endTimeUnixNano"]),
        instrumentation_scope=scope,
    )


def _event(event: Json) -> Event:
    return Event(event["name"], _bounded_attributes(event), _time(event["timeUnixNano"]))


def _link(link: Json) -> Link:
    return Link(_context(link["traceId"], link["spanId"], link), _bounded_attributes(link))


def _context(trace_id: str, span_id: str, holder: Json) -> SpanContext:
    is_remote = bool(holder.get("flags", 0) & _IS_REMOTE)
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, _SAMPLED)


def _time(text: str) -> int | None:
    return None if text == "None" else int(text)


def _bounded_attributes(holder: Json) -> BoundedAttributes:
    made = BoundedAttributes(attributes=_attributes(holder))
    made.dropped = holder.get("droppedAttributesCount", 0)
    return made


def _bounded(items: Sequence[T], dropped: int) -> Sequence[T]:
    made: BoundedList[T] = BoundedList.from_seq(len(items), items)
    made.dropped = dropped
    return made


def _attributes(holder: Json) -> dict[str, Any]:
    return {item["key"]: _value(item["value"]) for item in holder.get("attributes", ())}


def _value(value: Json) -> Any:
    for kind, inner in value.items():
        match kind:
            case "intValue":
                return int(inner)
            case "doubleValue":
                return float(inner)
            case "bytesValue":
                return base64.b64decode(inner)
            case "arrayValue":
                return tuple(_value(item) for item in inner.get("values", ()))
            case "kvlistValue":
                return {item["key"]: _value(item["value"]) for item in inner.get("values", ())}
            case _:
                return inner
    return None
