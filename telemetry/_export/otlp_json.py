"""Write spans as an OTLP JSON request (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).

The document is the same as opentelemetry-exporter-otlp-json-common makes, but built from plain dicts instead of a
message class for each value: the exporting thread competes with the work that it records, and that took three times as
long as the span itself.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext

from telemetry._hexadecimal import span_digits, trace_digits

Json = dict[str, Any]

_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_SHORT = 64


def request(spans: Iterable[ReadableSpan]) -> bytes:
    """Return one `ExportTraceServiceRequest` with `spans` as a line."""
    # By identity: a resource's hash is computed from its JSON each time, and one provider has one resource.
    groups: dict[int, tuple[Resource, dict[int, tuple[InstrumentationScope | None, list[Json]]]]] = {}
    for span in spans:
        _, scopes = groups.setdefault(id(span.resource), (span.resource, {}))
        _, written = scopes.setdefault(id(span.instrumentation_scope), (span.instrumentation_scope, []))
        written.append(_span(span))
    document = {
        "resourceSpans": [
            _present(
                resource={"attributes": _attributes(resource.attributes)},
                scopeSpans=[_scope_spans(scope, written) for scope, written in scopes.values()],
                schemaUrl=resource.schema_url,
            )
            for resource, scopes in groups.values()
        ]
    }
    try:
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a lone surrogate, as in a file name that is not UTF-8: one text must not cost the whole batch
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _scope_spans(scope: InstrumentationScope | None, spans: list[Json]) -> Json:
    if scope is None:
        return {"scope": {}, "spans": spans}
    named = _present(name=scope.name, version=scope.version, attributes=_attributes(scope.attributes))
    return _present(scope=named, spans=spans, schemaUrl=scope.schema_url)


def _span(span: ReadableSpan) -> Json:
    context, status = span.get_span_context(), span.status
    written: Json = {
        "traceId": trace_digits(context.trace_id) if context else "0" * 32,
        "spanId": span_digits(context.span_id) if context else "0" * 16,
        "flags": _flags(span.parent),
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "status": _present(message=status.description, code=status.status_code.value),
    }
    if span.parent is not None:
        written["parentSpanId"] = span_digits(span.parent.span_id)
    if context and context.trace_state:
        written["traceState"] = context.trace_state.to_header()
    if span.attributes:
        written["attributes"] = _attributes(span.attributes)
    if span.events:
        written["events"] = [_event(event) for event in span.events]
    if span.links:
        written["links"] = [_link(link) for link in span.links]
    return written | _present(
        droppedAttributesCount=span.dropped_attributes,
        droppedEventsCount=span.dropped_events,
        droppedLinksCount=span.dropped_links,
    )


def _event(event: Event) -> Json:
    return _present(
        timeUnixNano=str(event.timestamp),
        name=event.name,
        attributes=_attributes(event.attributes),
        droppedAttributesCount=event.dropped_attributes,
    )


def _link(link: Link) -> Json:
    return _present(
        traceId=trace_digits(link.context.trace_id),
        spanId=span_digits(link.context.span_id),
        attributes=_attributes(link.attributes),
        droppedAttributesCount=link.dropped_attributes,
        flags=_flags(link.context),
    )


def _flags(context: SpanContext | None) -> int:
    return _HAS_IS_REMOTE | (_IS_REMOTE if context is not None and context.is_remote else 0)


def _attributes(attributes: Any) -> list[Json]:
    if not attributes:
        return []
    values = attributes.copy()  # the SDK's own iteration costs a call for each key
    return [
        _repeated(key, value)
        if type(value) is int or (type(value) is str and len(value) <= _SHORT)
        else {"key": key, "value": _value(value)}
        for key, value in values.items()
    ]


@lru_cache(maxsize=2048, typed=True)
def _repeated(key: str, value: object) -> Json:
    """Return an attribute whose value nearly always repeats an earlier span's; callers must not change the result."""
    return {"key": key, "value": _value(value)}


def _value(value: object) -> Json:
    """Return an `AnyValue`; 64-bit integers are text, as everywhere in protobuf's JSON."""
    kind = type(value)
    if kind is str:
        return {"stringValue": value}
    if kind is int:
        return {"intValue": str(value)}
    if kind is bool:
        return {"boolValue": value}
    if kind is float:
        return {"doubleValue": _double(value)}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"kvlistValue": _present(values=[{"key": str(key), "value": _value(item)} for key, item in value.items()])}
    if isinstance(value, str | int | float):  # a subclass, such as an enum's member
        return _value(str.__str__(value) if isinstance(value, str) else value.real)
    if isinstance(value, Sequence):
        return {"arrayValue": _present(values=[_value(item) for item in value])}
    return {}


def _double(value: Any) -> float | str:
    """Return a number, or the word for one of the three values that JSON has no number for."""
    if value != value:  # only NaN differs from itself
        return "NaN"
    return value if abs(value) != float("inf") else "Infinity" if value > 0 else "-Infinity"


def _present(**fields: Any) -> Json:
    """Return `fields` without those at their default, which protobuf's JSON omits."""
    return {name: value for name, value in fields.items() if value}
