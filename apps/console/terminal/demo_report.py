"""Show what the demo did: its trace, one event as a line, where the time went, what is stored, and where to look next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from apps import catalog
from apps.console.log_lines import Wanted, find_lines
from apps.console.lookup import trace_ids
from apps.console.results import results_of
from apps.console.terminal.calling import call_of
from apps.console.terminal.counting import counted
from apps.console.terminal.fitting import json_lines, wrapped
from apps.console.terminal.time_table import time_lines
from apps.console.terminal.trace_tree import tree_lines
from apps.explain.evidence import reserved_roots, time_in
from apps.integrations.models import PipelineRun
from apps.utils.jaeger import trace_page
from telemetry import visible
from telemetry.reading import Source, Span

_TREE_LINES = 32
_JSON_LINES = 3
_LONGEST_RULE = 100


def show(console: Console, runs: Sequence[PipelineRun], *, spans: Sequence[Span], source: Source) -> None:
    """Print the report; `spans` are those of the first run."""
    for line in report(runs, spans=spans, source=source, width=console.width):
        console.out(visible(line), style="bold" if line.startswith("──") else None, highlight=False)


def report(runs: Sequence[PipelineRun], *, spans: Sequence[Span], source: Source, width: int) -> Iterator[str]:
    """Yield the report's lines, no wider than `width` if words allow."""
    first = runs[0]
    trace_id, linked = trace_ids(first)
    yield from _headed(f"The trace of run {first.pk}", width)
    yield from tree_lines(spans, limit=_TREE_LINES, width=width, reserved=reserved_roots(runs))
    for line in find_lines(source, Wanted({"trace_id": frozenset({trace_id})}), event=catalog.RateWait.__operation__)[:1]:
        yield from _headed("One of its lines", width)
        yield from json_lines(line, width, most=_JSON_LINES)
    yield from _headed("Where the time went", width)
    all_spans = [*spans, *(span for other in linked for span in source.trace(other))]
    yield from time_lines(time_in(all_spans, runs), width=width)
    yield from _headed("What is stored", width)
    yield from _stored(runs, width)
    yield from _headed("Look further", width)
    yield from _called("why it went so", f"explain {first.pk}", width)
    yield from _called("the whole trace", f"trace {first.pk}", width)
    yield from _called("waits and failures", f"logs {first.pk} --level warning", width)
    api_calls = f"{catalog.RestCall.__operation__.rpartition('.')[0]}.*"
    yield from _called("every request", f"logs {first.pk} --event '{api_calls}'", width)
    if page := trace_page(trace_id):
        yield page


def _headed(title: str, width: int) -> list[str]:
    return ["", f"── {title} ".ljust(min(width, _LONGEST_RULE), "─")]


def _stored(runs: Sequence[PipelineRun], width: int) -> Iterator[str]:
    results = [result for run in runs for result in results_of(run)]
    stored = (
        f"stored in all: {counted(sum(result.pull_requests for result in results), 'pull request')}",
        counted(sum(result.reviews for result in results), "review"),
        counted(sum(result.commits for result in results), "commit"),
        counted(sum(result.files for result in results), "file"),
    )
    names = " and ".join(dict.fromkeys(result.repository for result in results))
    took = max(run.ended_at for run in runs if run.ended_at) - runs[0].started_at
    requests = counted(sum(result.requests for result in results), "request")
    points = counted(sum(result.points for result in results), "point")
    read = f"read now: {counted(sum(result.pull_requests_read for result in results), 'pull request')}"
    cost = f"in {took.total_seconds():.0f} s, with {requests} for {points}"
    for line in ("  ".join(stored), f"of {names}", f"{read} {cost}"):
        yield from wrapped(line, width)


def _called(what: str, command: str, width: int) -> list[str]:
    return wrapped(f"{what:18}  {call_of(command)}", width, hang=4)
