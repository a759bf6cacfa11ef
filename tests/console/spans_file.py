"""Spans as a process of this home would have written them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from telemetry.reading import Span


def write_spans(path: Path, spans: Iterable[Span], *, trace_id: str) -> None:
    """Write the spans into a file of OTLP JSON, as spans of that trace."""
    written = [
        {
            "name": span.name,
            "traceId": trace_id,
            "spanId": span.span_id,
            "parentSpanId": span.parent_id or "",
            "startTimeUnixNano": str(span.start_ns),
            "endTimeUnixNano": str(span.end_ns),
            "status": {"code": {"UNSET": 0, "OK": 1, "ERROR": 2}[span.status]},
            "links": [{"traceId": trace, "spanId": other} for trace, other in span.links],
            "attributes": [{"key": key, "value": _value(value)} for key, value in span.attributes.items()],
        }
        for span in spans
    ]
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": written}]}]}) + "\n")


def _value(value: object) -> dict[str, object]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}
