"""Decode spans and log records from OTLP JSON, as file exporters and Jaeger's API write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from telemetry._suggestion import suggestion
from telemetry.timestamps import iso_microseconds

Attribute = str | int | float | bool | tuple[Any, ...]


class MissingKeyError(KeyError):
    """A line or a span lacks the key; the message lists the keys that it has."""

    def __str__(self) -> str:
        """Return the message unquoted; KeyError would quote it."""
        return str(self.args[0])


class Values(dict[str, Any]):
    """A line's fields or a span's attributes; looking up a missing key suggests similar ones."""

    def __missing__(self, key: str) -> Any:
        """Raise a `MissingKeyError`."""
        raise MissingKeyError(f"there is no {key!r}{suggestion(key, self)}: there are {', '.join(map(str, self)) or 'none'}")


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span, such as the exception that ended it."""

    name: str
    time_ns: int
    attributes: Mapping[str, Attribute]


@dataclass(slots=True)  # not frozen: a large trace has 100,000 spans, and freezing doubles the time each takes
class Span:
    """One span; ids are lower-case hexadecimal, times Unix nanoseconds, `status` is UNSET, OK or ERROR."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    attributes: Mapping[str, Attribute]
    status: str
    status_message: str
    start_ns: int
    end_ns: int
    links: tuple[tuple[str, str], ...]
    """Linked spans, as (trace id, span id)."""
    resource: Mapping[str, Attribute]
    is_open: bool = False
    """Whether it is still open; `end_ns` is then when it was seen to be."""
    events: tuple[SpanEvent, ...] = ()

    @property
    def outcome(self) -> str | None:
        """The value of `<namespace>.outcome`, if the span has it."""
        for key, value in self.attributes.items():
            if key.endswith(".outcome"):
                return str(value)
        return None

    @property
    def error_type(self) -> str | None:
        """The type of the error that it ended with; None if it did not fail, or if the type is unknown."""
        kinds = (self.attributes.get(key) for key in ("error.type", "error_type"))  # the latter alone in Jaeger
        error = next((kind for kind in kinds if kind), None) if self.status == "ERROR" else None
        return None if error is None else str(error)

    @property
    def duration_ms(self) -> float:
        """Its duration in milliseconds."""
        return (self.end_ns - self.start_ns) / 1e6


def spans_in(traces: Mapping[str, Any]) -> list[Span]:
    """Return the spans of `{"resourceSpans": [...]}`: an export request, or `result` of Jaeger's `/api/v3/traces`."""
    found: list[Span] = []
    for group in traces.get("resourceSpans", []):
        resource = _attributes(group.get("resource", {}))
        for scope in group.get("scopeSpans", []):
            found += [_span(span, resource=resource) for span in scope.get("spans", [])]
    return found


def records_in(logs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the records of `{"resourceLogs": [...]}`, each as its original flat line, without `trace_flags`."""
    return [
        _record(record)
        for group in logs.get("resourceLogs", [])
        for scope in group.get("scopeLogs", [])
        for record in scope.get("logRecords", [])
    ]


def requests_in(line: bytes) -> list[dict[str, Any]]:
    """Return the requests in a line of a file: one, or several if a collector stopped before it wrote a line end.

    A truncated request is skipped, but not the requests that follow it on the same line.
    """
    try:
        return [orjson.loads(line)]
    except orjson.JSONDecodeError:
        text, start, requests = line.decode(errors="replace"), 0, []
        while begin := _BEGIN.search(text, start):
            try:
                request, start = _decoder.raw_decode(text, begin.start())
                requests.append(request)
            except json.JSONDecodeError:
                start = begin.end()
        return requests


_decoder = json.JSONDecoder()
_BEGIN = re.compile(r'\{\s*"resource(?:Spans|Logs)"\s*:')  # never within a string: a quotation mark has a backslash there
_STATUS = {0: "UNSET", 1: "OK", 2: "ERROR", "STATUS_CODE_OK": "OK", "STATUS_CODE_ERROR": "ERROR"}


def _span(span: Mapping[str, Any], *, resource: Mapping[str, Attribute]) -> Span:
    status = span.get("status") or {}
    return Span(  # positional: keywords take a tenth longer, and a large trace has a hundred thousand spans
        span["name"],
        span["traceId"],
        span["spanId"],
        span.get("parentSpanId") or None,
        _attributes(span),
        _STATUS.get(status.get("code", 0), "UNSET"),
        status.get("message", ""),
        int(span["startTimeUnixNano"]),
        int(span["endTimeUnixNano"]),
        tuple([(link["traceId"], link["spanId"]) for link in span["links"]]) if "links" in span else (),
        resource,
        events=tuple(map(_event, span["events"])) if "events" in span else (),
    )


def _event(event: Mapping[str, Any]) -> SpanEvent:
    return SpanEvent(event.get("name", ""), int(event.get("timeUnixNano", 0)), _attributes(event))


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(record["timeUnixNano"]) // 1_000)
    ids = {name: record.get(key) for name, key in (("trace_id", "traceId"), ("span_id", "spanId"))}
    return Values(
        {
            "timestamp": iso_microseconds(moment),
            "level": record.get("severityText", ""),
            "event": _json(record.get("body", {})),
            **_fields(record.get("attributes", [])),
            **{name: value for name, value in ids.items() if value},
        }
    )


def _fields(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["key"]: _json(item.get("value", {})) for item in items}


def _json(value: dict[str, Any]) -> Any:
    """Return an OTLP value as JSON; unlike an attribute's value it may be null, a list or an object."""
    match value:
        case {"kvlistValue": inner}:
            return _fields(inner.get("values", []))
        case {"arrayValue": inner}:
            return [_json(item) for item in inner.get("values", [])]
    return _value(value) if value else None


def _attributes(holder: Mapping[str, Any]) -> Mapping[str, Attribute]:
    return Values({item["key"]: _value(item["value"]) for item in holder.get("attributes", ())})


def _value(value: Mapping[str, Any]) -> Attribute:
    """Return the content of an OTLP value, an object whose one key names the type; a trace has a million of them."""
    for kind, found in value.items():
        if kind in _AS_IT_IS:
            return found  # type: ignore[no-any-return]  # JSON says what it is
        if kind == "intValue":
            return int(found)
        if kind == "doubleValue":
            return float(found)
        if kind == "arrayValue" and "values" in found:
            return tuple(map(_value, found["values"]))
    return ""


_AS_IT_IS = frozenset({"stringValue", "boolValue"})
