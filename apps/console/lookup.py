"""Find what a person names: a run's number, a task's id, a trace's id, or context such as `team_id=7`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.conf import settings

from apps import catalog
from apps.integrations.models import PipelineRun
from telemetry import trace_id_of
from telemetry.model import Level
from telemetry.reading import Files, Source

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_TASK_ID = re.compile(r"[0-9a-f-]{36}")
_CONTEXT = re.compile(rf"({'|'.join(catalog.CONTEXT)}|trace_id)=(.+)", re.DOTALL)


class NotFoundError(Exception):
    """Nothing here has that name."""


@dataclass(frozen=True, slots=True)
class Query:
    """Lines and spans whose `key` has one of `values`."""

    key: str
    values: frozenset[str]


def written_here() -> Files:
    """Return the files that the processes of this home write, as the environment names them, and what is open now."""
    return Files(
        traces=settings.SYNCTRACE_TRACES_FILE, lines=settings.SYNCTRACE_LOG_FILE, journal=settings.SYNCTRACE_JOURNAL
    )


def parse(name: str) -> Query:
    """Return what RUN, TASK_ID, TRACE_ID or KEY=VALUE asks for; a run brings the backfills that follow it."""
    if match := _CONTEXT.fullmatch(name):
        return Query(match[1], frozenset({match[2]}))
    if _is_number(name):
        run = PipelineRun.objects.filter(pk=int(name)).first()
        if run is None:
            raise NotFoundError(f"There is no run {name}. The latest: {_latest()}.")
        following = PipelineRun.objects.filter(follows=run).values_list("pk", flat=True)
        return Query("run_id", frozenset({str(run.pk), *map(str, following)}))
    if _TRACE_ID.fullmatch(name):
        return Query("trace_id", frozenset({name}))
    if _TASK_ID.fullmatch(name):
        return Query("task_id", frozenset({name}))
    raise NotFoundError(f"{name!r} is no run number, task id, trace id, or KEY=VALUE such as team_id=7.")


def one_trace(name: str) -> str:
    """Return the run, task or trace that `name` means, be it KEY=VALUE; `NotFoundError` for a KEY that many traces have."""
    match = _CONTEXT.fullmatch(name)
    if match is None:
        return name
    if match[1] in ("team_id", "repo_id"):
        raise NotFoundError(f"{name} has many traces: `logs {name}` prints its lines, each with its trace_id.")
    return match[2]


def find_lines(source: Source, query: Query, *, event: str = "*", level: str = "debug") -> list[dict[str, Any]]:
    """Return the lines asked for, in the order they were written; `level` is the lowest."""
    lowest = Level[level.upper()]
    return [
        line
        for line in source.find_lines(**{query.key: query.values})
        if fnmatchcase(str(line.get("event")), event) and _level_of(line) >= lowest
    ]


def latest_run() -> PipelineRun:
    """Return the recent run that was started last; those that follow it are found by it."""
    run = PipelineRun.objects.filter(kind=PipelineRun.Kind.RECENT).order_by("-pk").first()
    if run is None:
        raise NotFoundError(f"There is no run yet: start one with `{settings.SYNCTRACE_COMMAND} sync OWNER/NAME`.")
    return run


def find_run(name: str) -> PipelineRun | None:
    """Return the run with that number, task or trace, or None."""
    runs = PipelineRun.objects.order_by("-pk")
    if _is_number(name):
        return runs.filter(pk=int(name)).first()
    if _TRACE_ID.fullmatch(name):
        return runs.filter(traceparent__contains=f"-{name}-").first()
    if not _TASK_ID.fullmatch(name):
        return None
    return runs.filter(task_id=name).last()  # the run it started: those that follow have its id, and higher numbers


def numbered_run(name: str) -> PipelineRun:
    """Return the run with that number, task or trace; raise `NotFoundError`, with what there is, if there is none."""
    run = find_run(name)
    if run is None:
        parse(name)  # says what is no name at all, or no run's number
        raise NotFoundError(f"There is no run {name}. The latest: {_latest()}.")
    return run


def trace_of_task(source: Source, task_id: str) -> str | None:
    """Return the trace that a task ran in, or None when no span is of that task."""
    return next((span.trace_id for span in source.find_spans(task_id=task_id)), None)


def trace_ids(run: PipelineRun) -> tuple[str, dict[str, str]]:
    """Return the run's trace, and what it is linked to, by trace id."""
    linked = {}
    if run.follows is not None:
        linked[trace_id_of(run.follows.traceparent)] = f"run {run.follows.pk}, which it follows"
    for other in PipelineRun.objects.filter(follows=run).order_by("pk"):
        linked[trace_id_of(other.traceparent)] = f"run {other.pk}, {PipelineRun.Kind(other.kind).label}, {other.state}"
    return trace_id_of(run.traceparent), linked


def _level_of(line: dict[str, Any]) -> int:
    return Level.named(str(line.get("level"))) or Level.DEBUG


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19  # what a bigint holds, and no trace id


def _latest() -> str:
    return ", ".join(str(pk) for pk in PipelineRun.objects.order_by("-pk").values_list("pk", flat=True)[:5]) or "none yet"
