"""Write a span's steps as lines of the journal: how it started, what it has learned."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

from telemetry._boundary import text
from telemetry._boundary.spans import clean_attributes, clean_resource
from telemetry._export.marks import Mark
from telemetry._hexadecimal import span_digits, trace_digits

_PARTS = ("_attributes", "_links", "_events")
_SCOPE = "telemetry"  # the scope of spans opened here, which most are
Step = dict[str, Any]


def links_as(links: Iterable[Link]) -> list[list[Any]]:
    """Return links as the journal stores them."""
    return [
        [trace_digits(at.trace_id), span_digits(at.span_id), at.is_remote, plain(link.attributes)]
        for link in links
        for at in (link.context,)
    ]


def plain(attributes: Any) -> dict[str, Any]:
    """Return attributes as they may leave."""
    return clean_attributes(attributes) if attributes else {}


def status_as(code: StatusCode, description: str | None) -> list[Any]:
    """Return a status as the journal stores it."""
    return [code.value] if description is None else [code.value, text(description)]


def started(span: ReadableSpan, context: SpanContext) -> Step:
    """Return what is known of a span with these ids when it starts, without usual values."""
    parent, scope = span.parent, span.instrumentation_scope
    is_clean = getattr(span, "is_clean", False)
    attributes, links, events = (vars(span)[part] for part in _PARTS)  # the SDK's own properties copy each of them
    step: Step = {
        "id": span_digits(context.span_id),
        "trace": trace_digits(context.trace_id),
        "name": span.name if is_clean else text(span.name),
        "start": span.start_time,
        "at": time.time_ns(),
        "flags": int(context.trace_flags),
        "a": attributes if is_clean else plain(attributes),
    }
    if parent is not None:
        step["parent"] = span_digits(parent.span_id)
        if parent.is_remote:
            step["remote"] = True
    if context.trace_state:
        step["state"] = context.trace_state.to_header()
    if span.kind is not SpanKind.INTERNAL:
        step["kind"] = span.kind.value
    if scope is not None and scope.name != _SCOPE:
        step["scope"] = _scope(scope)
    if links:
        step["links"] = links_as(links)
    if events:
        step["events"] = [[text(event.name), event.timestamp, plain(event.attributes)] for event in events]
    return step


def _scope(scope: InstrumentationScope) -> list[Any]:
    return [text(scope.name), scope.version or "", scope.schema_url or "", plain(scope.attributes)]


def resource_as(resource: Resource) -> list[Any]:
    """Return a resource as the journal stores it."""
    clean = clean_resource(resource)
    return [dict(clean.attributes), clean.schema_url]


def line_of(step: Mapping[str, Any]) -> bytes:
    """Return a step as a line."""
    try:
        line = orjson.dumps(step, option=orjson.OPT_APPEND_NEWLINE)
        if b"null" not in line:
            return line
    except TypeError:  # a lone surrogate
        pass
    return json.dumps(step).encode() + b"\n"  # also keeps NaN, which orjson turns into null


def left_line(name: str, ids: Sequence[str], mark: Mark | None, **more: int) -> bytes:
    """Return the line saying that an exporter is done with these spans once they are counted under that mark."""
    counted = {} if mark is None else {"by": mark.by, "n": mark.number}
    return line_of({"left": name, "ids": list(ids), **counted, **more})
