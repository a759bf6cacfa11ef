"""A run's spans as a picture wants them: in the order of the tree, as columns, with the critical path; nothing of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.console.run_times import spans_of, time_of_spans
from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.explain.parts import Part, part_of
from apps.integrations.models import PipelineRun
from telemetry import visible
from telemetry.reading import Span, roots_of

_DETAILS = ("full_name", "query_name", "endpoint", "entity_type", "sync.rate_wait.reason", "sync.queue.reason")
"""What tells a row from others of its name. Behind whom a repository queued is not here: that may be another team's."""
_TASKS = "apps.integrations.tasks."
_MS = 1_000_000
_ERROR, _OPEN = 1, 2
_FAILED = ("failed", "died")


@require_safe
def spans(request: HttpRequest, run_id: int) -> HttpResponse:
    """Answer with the spans of a run's trace, those that are open included, as JSON."""
    run = run_seen(Sight.of(request.user), run_id)
    response = HttpResponse(orjson.dumps(waterfall_of(run)), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def waterfall_of(run: PipelineRun) -> dict[str, Any]:
    """Return the picture's data: times are milliseconds since the run began, names and parts stand once.

    A row is a span: the place of its name, its depth, start, length, the place of its part (-1: none), and flags: 1 is an
    error, 2 is open.
    """
    found = spans_of(run)
    names: dict[str, int] = {}
    parts = {part: place for place, part in enumerate(Part)}
    rows, details = [], []
    for depth, span in _walk(found):
        part = part_of(span)
        rows.append(
            (
                names.setdefault(visible(span.name.replace(_TASKS, "")), len(names)),
                depth,
                _ms(span.start_ns - run.started_ns),
                _ms(span.end_ns - span.start_ns),
                -1 if part is None else parts[part],
                _ERROR * _is_error(span) + _OPEN * span.is_open,
            )
        )
        details.append(_detail(span))
    time = time_of_spans(run, found)
    return {
        "run": run.pk,
        "is_running": run.ended_at is None,
        "length": max([_ms(time.end_ns - time.start_ns) if time else 0.0, *(row[2] + row[3] for row in rows)]),
        "names": list(names),
        "parts": [{"key": part.key, "words": part.value} for part in Part],
        "rows": rows,
        "details": details,
        "critical": [
            (_ms(stretch.start_ns - run.started_ns), _ms(stretch.duration_ns), parts[stretch.part])
            for stretch in (time.path if time else ())
        ],
    }


def _walk(found: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Yield the spans with their depths, parents first."""
    for top in roots_of(found):
        yield from top.walk()


def _is_error(span: Span) -> bool:
    return span.status == "ERROR" or span.outcome in _FAILED


def _detail(span: Span) -> str:
    said = [str(span.attributes[key]) for key in _DETAILS if key in span.attributes]
    attempt = span.attributes.get("sync.attempt", 1)
    ending = [word for word in (span.outcome if span.outcome != "completed" else None, span.error_type) if word]
    return visible("  ".join([*said, *([f"attempt {attempt}"] if attempt != 1 else []), *ending]))[:300]


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / _MS, 3)
