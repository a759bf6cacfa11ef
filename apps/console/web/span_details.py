"""Details of single spans: their attributes, events, lines and links."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps import machine_catalog
from apps.console.log_lines import Wanted, find_lines
from apps.console.run_times import source_of, spans_of
from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.console.web.why import telling
from apps.explain.parts import key_of
from apps.explain.story import Line
from apps.integrations.models import PipelineRun
from apps.utils.jaeger import trace_page
from telemetry import trace_id_of
from telemetry.reading import Span

_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_MOST_LINES = 200
"""The most of each for one span; the rest is counted."""
_MOST_TEXT = 4_000
_HEAD = ("timestamp", "level", "event")
_OF_EVERY_LINE = frozenset({*_HEAD, "trace_id", "span_id", "trace_flags", "exception"})
_BEHIND_RUN = frozenset({key_of(machine_catalog.QueueWait, "behind_run"), "behind_run"})
"""The attribute with the run of the repository that was ahead: only for those who see every team."""


@require_safe
def span(request: HttpRequest, run_id: int, span_id: str) -> HttpResponse:
    """Answer with the details of one span of a run as JSON; an unreadable span may still have lines."""
    sight = Sight.of(request.user)
    run = run_seen(sight, run_id)
    if not _SPAN_ID.fullmatch(span_id):
        raise Http404
    trace_id, source = trace_id_of(run.traceparent), source_of(run)
    found = source.find_spans(span_id=span_id, trace_id=trace_id) or [
        each for each in spans_of(run) if each.span_id == span_id
    ]
    lines = find_lines(source, Wanted({"span_id": frozenset({span_id}), "trace_id": frozenset({trace_id})}))
    details = details_of(run, found, lines, sight, of_spans=[span_id])[span_id]
    response = HttpResponse(orjson.dumps(details), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


@dataclass(frozen=True, slots=True)
class _Words:
    """Formats values for a reader."""

    tell: Callable[[str], str]
    sees_all: bool

    def text(self, value: object) -> str:
        """Return a value as text."""
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        return self.tell(text)[:_MOST_TEXT]

    def fields(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return values by name as text, without unknown ones and those on every line."""
        left_out = _OF_EVERY_LINE if self.sees_all else _OF_EVERY_LINE | _BEHIND_RUN
        return [(name, self.text(value)) for name, value in values.items() if value is not None and name not in left_out]


def details_of(
    run: PipelineRun, spans: Sequence[Span], lines: Sequence[Line], sight: Sight, *, of_spans: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the details of the spans with the ids `of_spans`, from the `spans` and `lines` of a run.

    They are as stored, without secrets; other teams' repositories are not named.
    """
    known = {each.span_id: each for each in spans}
    lines_of: dict[str, list[Line]] = {}
    for line in lines:
        lines_of.setdefault(str(line.get("span_id")), []).append(line)
    events = [event.attributes for each in spans for event in each.events]
    holders = (*(each.attributes for each in spans), *events, *lines)
    tell = telling([value for each in holders for value in each.values() if isinstance(value, str)], sight)
    words, linked = _Words(tell, sees_all=sight.teams is None), _linked(run, spans, sight)
    return {
        span_id: {**_of_span(known.get(span_id), run, linked, words), **_of_lines(lines_of.get(span_id, []), words)}
        for span_id in of_spans
    }


def _of_span(span: Span | None, run: PipelineRun, linked: Mapping[str, tuple[str, str]], words: _Words) -> dict[str, Any]:
    if span is None:
        return {"is_found": False, "attributes": [], "events": [], "links": []}
    head = [("span", span.span_id), ("began", f"{datetime.fromtimestamp(span.start_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S.%f}Z")]
    if span.status_message:
        head.append(("status", f"{span.status}: {words.text(span.status_message)}"))
    return {
        "is_found": True,
        "attributes": [*head, *words.fields(span.attributes)],
        "events": [{"name": event.name, "fields": words.fields(event.attributes)} for event in span.events],
        "links": _links(span, linked, run),
    }


def _of_lines(lines: Sequence[Line], words: _Words) -> dict[str, Any]:
    shown = [
        {
            **{name: str(line.get(name, "")) for name in _HEAD},
            "fields": words.fields(line),
            "exception": words.text(str(line.get("exception") or "")),
        }
        for line in lines[:_MOST_LINES]
    ]
    return {"lines": shown, "lines_left_out": max(0, len(lines) - _MOST_LINES)}


def _links(span: Span, linked: Mapping[str, tuple[str, str]], run: PipelineRun) -> list[dict[str, str]]:
    """Return a span's links: other runs, spans of this one, and Jaeger's page."""
    is_root = span.span_id == run.traceparent.split("-")[2]
    found: list[dict[str, str]] = []
    for trace_id, span_id in dict.fromkeys([*span.links, *((each, "") for each in linked if is_root)]):
        if trace_id == span.trace_id:
            found.append({"words": f"span {span_id}", "span": span_id})
        elif trace_id in linked:
            words, address = linked[trace_id]
            found.append({"words": words, "address": address})
    if page := trace_page(span.trace_id):
        found.append({"words": "In Jaeger", "address": f"{page}?uiFind={span.span_id}"})
    return found


def _linked(run: PipelineRun, spans: Sequence[Span], sight: Sight) -> dict[str, tuple[str, str]]:
    """Return the visible runs before and after a run by trace id, in words and with their pages."""
    if not any(span.links or span.parent_id is None for span in spans):
        return {}
    others = sight.runs().filter(Q(pk=run.follows_id) | Q(follows=run)).order_by("pk")
    return {
        trace_id_of(other.traceparent): (_relation(other, run), reverse("run", kwargs={"run_id": other.pk}))
        for other in others
    }


def _relation(other: PipelineRun, run: PipelineRun) -> str:
    if other.pk == run.follows_id:
        return f"run {other.pk}, which it {'takes up' if run.resumed_by else 'follows'}"
    return f"run {other.pk}, which {'takes it up' if other.kind == run.kind else 'reads its older history'}"
