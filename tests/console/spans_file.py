"""Spans as a process of this home would have written them, and the row of the run that they are of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from apps.integrations.models import PipelineRun
from telemetry.reading import Span
from tests.explain.told import BEGAN, BEGAN_NS, ROOT_ID
from tests.integrations.histories import repository


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


def ended_run(*, trace_id: str, seconds: float) -> PipelineRun:
    """Store a recent run that completed after so many seconds, as told spans have it."""
    return PipelineRun.objects.create(
        team=repository().team,
        kind="recent",
        state="completed",
        phase="phase1_complete",
        traceparent=f"00-{trace_id}-{ROOT_ID}-01",
        started_ns=BEGAN_NS,
        started_at=BEGAN,
        ended_at=BEGAN + timedelta(seconds=seconds),
    )


def _value(value: object) -> dict[str, object]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}
