"""A run's spans as a picture wants them: in the order of the tree, as columns, with the critical path; nothing of others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from apps import catalog
from apps.console.collecting import nothing_collected
from apps.console.run_times import spans_of, time_of_spans
from apps.console.web.kept import Kept
from apps.console.web.looking_on import run_looked_at, turns
from apps.explain.idle import at_work, idle_times
from apps.explain.parts import WAITING, Part, part_of
from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry import trace_id_of, visible
from telemetry.reading import Files, Span, roots_of
from telemetry.timestamps import unix_nanoseconds

_DETAILS = ("full_name", "query_name", "endpoint", "entity_type", "sync.rate_wait.reason", "sync.queue.reason")
"""What tells a row from others of its name. Behind whom a repository queued is not here: that may be another team's."""
_TASKS = "apps.integrations.tasks."
_ATTEMPT = catalog.RepoSync.__operation__
_MS = 1_000_000
_ERROR, _OPEN, ON_PATH = 1, 2, 4
_FAILED = ("failed", "died")
_NONE = -1
_LOOKS_AGAIN = 15.0
"""Seconds after which a run that goes on is read again though no process has said anything: it may have died."""

_answers: Kept[bytes] = Kept(4)  # a large run's has ten megabytes
_reading = Lock()


@login_not_required  # it asks itself, and not each time
@require_safe
def spans(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Answer with the spans of a run's trace, those that are open included, as JSON; not again while they are the same."""
    run = run_looked_at(request, run_id)
    if run is None:
        return redirect_to_login(request.get_full_path())
    version = _version(run)
    if request.headers.get("If-None-Match") == version:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(_content(run, version), content_type="application/json")
    response.headers["ETag"] = version
    response.headers["X-Again-Ms"] = str(round(1e3 * turns.take()))
    response.headers["Cache-Control"] = "no-store"
    return response


def _content(run: PipelineRun, version: str) -> bytes:
    """Return the spans as JSON, which is made once for all who ask while a run goes on."""
    with _reading:
        content = _answers.get(run.pk, version)
        if content is None:
            with nothing_collected():
                content = orjson.dumps(waterfall_of(run))
            if run.ended_at is None:
                _answers.put(run.pk, version, content)
        return content


def waterfall_of(run: PipelineRun) -> dict[str, Any]:
    """Return the picture's data: times are milliseconds since the run began, names and parts stand once.

    A row is a span: the place of its name, its depth, start, length, the place of its part (-1: none), flags, and the place
    of its repository (-1: none). Flags: 1 is an error, 2 is open, 4 is on the critical path. `ids` are the rows' span ids.
    A stretch of the critical path is its start, length, part, and the row that says so (-1: none).
    """
    found = spans_of(run)
    time = time_of_spans(run, found)
    on_path = frozenset() if time is None else time.on_path(found)
    names: dict[str, int] = {}
    repositories: dict[object, int] = {}
    parts = {part: place for place, part in enumerate(Part)}
    rows, details, ids = [], [], []
    for depth, span in _walk(found):
        part = part_of(span)
        repository = span.attributes.get("repo_id")
        rows.append(
            (
                names.setdefault(visible(span.name.replace(_TASKS, "")), len(names)),
                depth,
                _ms(span.start_ns - run.started_ns),
                _ms(span.end_ns - span.start_ns),
                _NONE if part is None else parts[part],
                _ERROR * _is_error(span) + _OPEN * span.is_open + ON_PATH * (span.span_id in on_path),
                _NONE if repository is None else repositories.setdefault(repository, len(repositories)),
            )
        )
        details.append(_detail(span))
        ids.append(span.span_id)
    places = {span_id: place for place, span_id in enumerate(ids)}
    idle = [] if time is None else idle_times(time.start_ns, time.end_ns, at_work(found))
    return {
        "run": run.pk,
        "is_running": run.ended_at is None,
        "now": _ms(unix_nanoseconds(clock.now()) - run.started_ns),
        "length": max([_ms(time.end_ns - time.start_ns) if time else 0.0, *(row[2] + row[3] for row in rows)]),
        "names": list(names),
        "attempt": names.get(_ATTEMPT, _NONE),
        "parts": [{"key": part.key, "words": part.value, "waits": part in WAITING} for part in Part],
        "rows": rows,
        "details": details,
        "ids": ids,
        "idle": [(_ms(start - run.started_ns), _ms(end - start)) for start, end in idle],
        "critical": [
            (
                _ms(stretch.start_ns - run.started_ns),
                _ms(stretch.duration_ns),
                parts[stretch.part],
                places.get(stretch.span_id or "", _NONE),
            )
            for stretch in (time.path if time else ())
        ],
    }


def _version(run: PipelineRun) -> str:
    """Return what tells the spans of a run from those that it had: what processes say of those not exported yet.

    That is in small files, and so can be asked for each second.
    """
    said = Files(journal=settings.SYNCTRACE_JOURNAL).trace(trace_id_of(run.traceparent))
    unfinished = [(span.span_id, span.is_open, span.status, len(span.attributes), len(span.events)) for span in said]
    again = int(time.time() / _LOOKS_AGAIN) if run.ended_at is None or unfinished else 0
    mark = orjson.dumps([run.state, run.exported_at, again, unfinished])
    return f'"{blake2b(mark, digest_size=8).hexdigest()}"'


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
