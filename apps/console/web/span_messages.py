"""Encode a run's spans for its picture: columnar messages, in any order, with nothing about others.

A picture takes any number of messages of these kinds: the `head`, `spans`, that they are `whole`, and where the `time`
went. A repeated span replaces what was known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from apps import catalog, machine_catalog
from apps.explain.decomposition import Decomposition
from apps.explain.idle import at_work, idle_times
from apps.explain.parts import WAITING, Part, key_of, part_of
from apps.integrations.models import PipelineRun
from telemetry import visible
from telemetry.reading import Span
from telemetry.timestamps import unix_nanoseconds

_DETAILS = (
    key_of(catalog.RepoSync, "full_name"),
    key_of(catalog.GraphQLCall, "query_name"),
    key_of(catalog.RestCall, "endpoint"),
    key_of(catalog.RowsWrite, "entity_type"),
    key_of(catalog.RateWait, "reason"),
    key_of(machine_catalog.QueueWait, "reason"),
)
"""What distinguishes rows with the same name, without whom a repository queued behind, who may be another team."""
_ATTEMPT = key_of(catalog.RepoSync, "attempt")
_TASKS = "apps.integrations.tasks."
_LONGEST = 300
_MS = 1_000_000
ERROR, OPEN = 1, 2
_FAILED = ("failed", "died")
_NONE = -1
_PARTS = {part: place for place, part in enumerate(Part)}


def head_of(run: PipelineRun, *, now: datetime) -> dict[str, Any]:
    """Return what is known of a run before its spans are read; `root` is the id of its present or future root span."""
    return {
        "head": {
            "run": run.pk,
            "root": run.traceparent.split("-")[2],
            "attempt": catalog.RepoSync.__operation__,
            "parts": [{"key": part.key, "words": part.value, "waits": part in WAITING} for part in Part],
            **_moments(run, now),
        }
    }


def spans_as_columns(run: PipelineRun, spans: Iterable[Span]) -> dict[str, Any]:
    """Return spans as columns: names, details and parents are listed once, and spans refer to them by index.

    Times are milliseconds since the run began; the index of something missing is -1. Flags: 1 is an error, 2 open.
    """
    names, details, parents = _Once(), _Once(), _Once()
    shown: dict[str, str] = {}
    ids, of_name, of_detail, of_parent = [], [], [], []
    starts, lengths, parts, flags, repositories = [], [], [], [], []
    for span in spans:
        attributes, part, outcome = span.attributes, part_of(span), span.outcome
        detail = _detail(span, outcome)
        for text in (span.name, detail):
            if text not in shown:
                shown[text] = visible(text.replace(_TASKS, ""))[:_LONGEST]
        ids.append(span.span_id)
        of_name.append(names.place(shown[span.name]))
        of_detail.append(details.place(shown[detail]))
        of_parent.append(_NONE if span.parent_id is None else parents.place(span.parent_id))
        starts.append(_ms(span.start_ns - run.started_ns))
        lengths.append(_ms(span.end_ns - span.start_ns))
        parts.append(_NONE if part is None else _PARTS[part])
        flags.append(ERROR * (span.status == "ERROR" or outcome in _FAILED) + OPEN * span.is_open)
        repositories.append(attributes.get("repo_id", _NONE))
    return {
        "spans": {
            "names": names.all,
            "details": details.all,
            "parents": parents.all,
            "id": ids,
            "name": of_name,
            "detail": of_detail,
            "parent": of_parent,
            "start": starts,
            "length": lengths,
            "part": parts,
            "flags": flags,
            "repository": repositories,
        }
    }


def time_as_columns(run: PipelineRun, spans: Sequence[Span], time: Decomposition | None, *, now: datetime) -> dict[str, Any]:
    """Return where a run's time went, from all of its spans: the critical path and the idle times.

    A stretch of the path is its start, length, part, and the span that shows it ("" if none).
    """
    idle = [] if time is None else idle_times(time.start_ns, time.end_ns, at_work(spans))
    path = time.path if time else ()
    moments = _moments(run, now)
    ends = (_ms(span.end_ns - run.started_ns) for span in spans)
    return {
        "time": {
            **moments,
            "length": max([_ms(time.end_ns - time.start_ns) if time else 0.0, *ends]),
            "idle": [(_ms(start - run.started_ns), _ms(end - start)) for start, end in idle],
            "critical": {
                "start": [_ms(stretch.start_ns - run.started_ns) for stretch in path],
                "length": [_ms(stretch.duration_ns) for stretch in path],
                "part": [_PARTS[stretch.part] for stretch in path],
                "id": [stretch.span_id or "" for stretch in path],
            },
        }
    }


class _Once:
    """Distinct values, in the order they came."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    @property
    def all(self) -> list[str]:
        return list(self._places)

    def place(self, value: str) -> int:
        return self._places.setdefault(value, len(self._places))


def _moments(run: PipelineRun, now: datetime) -> dict[str, Any]:
    """Return how long a run has taken according to its row, so far if it goes on."""
    ended = run.ended_at or now
    return {
        "is_running": run.ended_at is None,
        "now": _ms(unix_nanoseconds(now) - run.started_ns),
        "length": _ms(unix_nanoseconds(ended) - run.started_ns),
    }


def _detail(span: Span, outcome: str | None) -> str:
    attributes = span.attributes
    said = [str(attributes[key]) for key in _DETAILS if key in attributes]
    attempt = attributes.get(_ATTEMPT, 1)
    if attempt != 1:
        said.append(f"attempt {attempt}")
    if outcome is not None and outcome != "completed":
        said.append(outcome)
    if (error := span.error_type) and error != outcome:
        said.append(error)
    return "  ".join(said)


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / _MS, 3)
