"""Find what a person names: a run's number, a task's id, a trace's id, or context such as ``team_id=7``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.integrations.models import PipelineRun
from telemetry import trace_id_of
from telemetry.reading import Span, read_lines, read_spans

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_CONTEXT = re.compile(r"(team_id|repo_id|run_id|task_id|trace_id)=(.+)")


class NotFoundError(Exception):
    """Nothing here has that name."""


@dataclass(frozen=True, slots=True)
class Query:
    """Lines and spans whose ``key`` is ``value``, or one of ``values``."""

    key: str
    values: frozenset[str]

    def matches(self, line: dict[str, Any]) -> bool:
        """Whether the line is one of those asked for."""
        return str(line.get(self.key)) in self.values

    def texts(self) -> list[str]:
        """What a line of ours holds if it is one of those asked for, its values being numbers or texts."""
        return [f'"{self.key}":{value}' for name in self.values for value in (name, f'"{name}"')]


def parse(name: str) -> Query:
    """What ``name`` asks for: RUN, TASK_ID, TRACE_ID, or KEY=VALUE; a run brings the backfills that follow it."""
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
    if re.fullmatch(r"[0-9a-f-]{36}", name):
        return Query("task_id", frozenset({name}))
    raise NotFoundError(f"{name!r} is no run number, task id, trace id, or KEY=VALUE such as team_id=7.")


def one_trace(name: str) -> str:
    """The run, task or trace that ``name`` means, be it KEY=VALUE; `NotFoundError` for a KEY that many traces have."""
    match = _CONTEXT.fullmatch(name)
    if match is None:
        return name
    if match[1] in ("team_id", "repo_id"):
        raise NotFoundError(f"{name} has many traces: `logs {name}` prints its lines, each with its trace_id.")
    return match[2]


def find_lines(home: Path, query: Query, *, event: str = "*", level: str = "debug") -> Iterator[dict[str, Any]]:
    """The lines asked for, in time order, from the file and those set aside."""
    lines = (
        line
        for line in read_lines(home / "logs.jsonl", containing=query.texts())
        if query.matches(line) and fnmatchcase(line["event"], event) and _LEVELS.get(line["level"], 0) >= _LEVELS[level]
    )
    yield from sorted(lines, key=lambda line: str(line["timestamp"]))


def latest_run() -> PipelineRun:
    """The run that was started last; those that follow it are found by it."""
    run = PipelineRun.objects.filter(kind=PipelineRun.Kind.RECENT).order_by("-pk").first()
    if run is None:
        raise NotFoundError(f"There is no run yet: start one with `{settings.SYNCTRACE_COMMAND} sync OWNER/NAME`.")
    return run


def find_run(name: str) -> PipelineRun | None:
    """The run with that number, task or trace; None when no run has it."""
    runs = PipelineRun.objects.order_by("-pk")
    if _is_number(name):
        return runs.filter(pk=int(name)).first()
    if _TRACE_ID.fullmatch(name):
        return runs.filter(traceparent__contains=f"-{name}-").first()
    return runs.filter(task_id=name).last()  # the run it started: those that follow have its id, and higher numbers


def trace_of_task(home: Path, task_id: str) -> str | None:
    """The trace that the task ran in; None when no span is of that task."""
    spans = read_spans(home / "traces.jsonl", containing=[task_id])
    return next((span.trace_id for span in spans if task_id == span.attributes.get("task_id")), None)


def find_trace(home: Path, trace_id: str) -> list[Span]:
    """The trace's spans, each once."""
    spans = read_spans(home / "traces.jsonl", containing=[trace_id])
    return list({span.span_id: span for span in spans if span.trace_id == trace_id}.values())


def trace_ids(run: PipelineRun) -> tuple[str, dict[str, str]]:
    """The run's trace, and what it is linked to, by trace id."""
    linked = {}
    if run.follows is not None:
        linked[trace_id_of(run.follows.traceparent)] = f"run {run.follows.pk}, which it follows"
    for other in PipelineRun.objects.filter(follows=run).order_by("pk"):
        linked[trace_id_of(other.traceparent)] = f"run {other.pk}, {PipelineRun.Kind(other.kind).label}, {other.state}"
    return trace_id_of(run.traceparent), linked


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19  # what a bigint holds, and no trace id


def _latest() -> str:
    return ", ".join(str(pk) for pk in PipelineRun.objects.order_by("-pk").values_list("pk", flat=True)[:5]) or "none yet"
