"""A run's page: how it stands and why, how far it is, what it waits for, and each repository's result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db.models import Case, IntegerField, Value, When
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404

from apps.console.web.page import Page
from apps.console.web.run_phases import phases_of
from apps.console.web.runs import lines_of
from apps.console.web.sight import Sight
from apps.console.web.why import Why, why_of, why_soon
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.queue import tell_places
from apps.utils.jaeger import trace_page
from telemetry import trace_id_of

ROWS_SHOWN = 100
_NAMED = 3
_TROUBLED = ("failed", "partial")
_BY_TROUBLE = Case(
    When(state="failed", then=Value(0)),
    When(state="running", then=Value(1)),
    When(state="retrying", then=Value(2)),
    When(state="waiting", then=Value(3)),
    When(state="queued", then=Value(4)),
    When(state="cancelled", then=Value(5)),
    default=Value(6),
    output_field=IntegerField(),
)


def run_seen(sight: Sight, run_id: int) -> PipelineRun:
    """Return a run, or raise Http404, also for one that the user may not see."""
    if run_id >= 2**63:
        raise Http404
    return get_object_or_404(sight.runs().select_related("team", "follows"), pk=run_id)


def _read(
    sight: Sight, query: QueryDict, *, run_id: int, why: Callable[[PipelineRun, Sight], Why | None] = why_of
) -> dict[str, Any]:
    run = run_seen(sight, run_id)
    (line,) = lines_of([run])
    rows, more = _rows(sight, run, query)
    trace_id = trace_id_of(run.traceparent)
    followers = list(sight.runs().filter(follows=run).order_by("pk"))
    return {
        "line": line,
        "run": run,
        "why": why(run, sight),
        "rows": rows,
        "more_rows": more,
        "rows_from": _offset(query),
        "standings": sorted(Counter(row.standing for row in rows).items()),
        "now": _now(run, rows),
        "phases": phases_of(run),
        "trace_id": trace_id,
        "jaeger": trace_page(trace_id),
        "resumed_as": [each for each in followers if each.kind == run.kind],
        "left_to_resume": _left(run),
        "backfills": [each for each in followers if each.kind != run.kind],
        "may_act": sight.may_act_for(run.team_id),
        "failed_before": _neighbour(sight, run, newer=False),
        "failed_after": _neighbour(sight, run, newer=True),
    }


def _left(run: PipelineRun) -> frozenset[int]:
    """Return which repositories of an ended run can be resumed, by row id."""
    if run.ended_at is None or run.state == PipelineRun.State.COMPLETED:
        return frozenset()
    return frozenset(row.pk for row in pipeline.left_to_resume(run))


def _rows(sight: Sight, run: PipelineRun, query: QueryDict) -> tuple[list[RepoSync], int | None]:
    """Return the run's repositories from the requested one on, troubles first, and where the next page begins."""
    begin = _offset(query)
    ordered = run.repo_syncs.select_related("repository", "connection").order_by(_BY_TROUBLE, "pk")
    found = list(ordered[begin : begin + ROWS_SHOWN + 1])
    rows, more = found[:ROWS_SHOWN], len(found) > ROWS_SHOWN
    for row in rows:
        row.run = run
    tell_places(rows, sees=sight.has)
    return rows, begin + ROWS_SHOWN if more else None


def _offset(query: QueryDict) -> int:
    text = query.get("from", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _now(run: PipelineRun, rows: Sequence[RepoSync]) -> str:
    """Return a sentence on what the run does now or waits for; "" once it has ended."""
    unfinished = [row for row in rows if row.state not in RepoSync.ENDED] if run.ended_at is None else []
    if not unfinished:
        return ""
    working = [row.repository.full_name for row in unfinished if not row.waits_for]
    if not working:
        first = min(unfinished, key=lambda row: row.due_at)
        return f"Nothing of it works now. {first.repository.full_name} is {first.said}."
    waiting = len(unfinished) - len(working)
    others = f"; {waiting:,} more wait" if waiting > 1 else "; one more waits" if waiting else ""
    named = ", ".join(working[:_NAMED]) + (f" and {len(working) - _NAMED:,} more" if len(working) > _NAMED else "")
    return f"At work: {named}{others}."


def _neighbour(sight: Sight, run: PipelineRun, *, newer: bool) -> int | None:
    """Return the next run that failed, wholly or partly."""
    failed = sight.runs().filter(state__in=_TROUBLED)
    if newer:
        return failed.filter(pk__gt=run.pk).order_by("pk").values_list("pk", flat=True).first()
    return failed.filter(pk__lt=run.pk).order_by("-pk").values_list("pk", flat=True).first()


run = Page(template="console/run.html", part="console/parts/run.html", read=_read, read_at_once=partial(_read, why=why_soon))
