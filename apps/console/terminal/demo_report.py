"""Show what the demo did: what was synced, its trace, where the time went, one line, and where to look further."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from apps import catalog
from apps.console.lookup import Query, find_lines, trace_ids
from apps.console.results import results_of
from apps.console.terminal.fitting import fitted, json_lines, sentence_lines
from apps.console.terminal.trace_tree import time_lines, tree_lines
from apps.integrations.models import PipelineRun
from apps.utils.jaeger import trace_page
from telemetry.reading import Files, Span

_TREE_LINES = 32


def show(console: Console, runs: Sequence[PipelineRun], *, spans: Sequence[Span], source: Files, command: str) -> None:
    """Print the report; `spans` are those of the first run, `command` is how its reader calls manage.py."""
    for line in report(runs, spans=spans, source=source, command=command, width=console.width):
        console.out(fitted(line, console.width), highlight=False)


def report(runs: Sequence[PipelineRun], *, spans: Sequence[Span], source: Files, command: str, width: int) -> Iterator[str]:
    """Yield the report's lines, none of them wider than `width` where its words allow."""
    first = runs[0]
    trace_id, linked = trace_ids(first)
    yield from _headed(f"The trace of run {first.pk}", width)
    yield from tree_lines(spans, limit=_TREE_LINES)
    for other, what in linked.items():
        yield f"linked: {other}  {what}"
    yield from _headed("Where the time went, over all runs", width)
    yield from time_lines([*spans, *(span for other in linked for span in source.trace(other))])
    wait = catalog.RateWait.__operation__
    for line in find_lines(source, Query("trace_id", frozenset({trace_id})), event=wait)[:1]:
        yield from _headed("One event is one line", width)
        yield from json_lines(line, width)
    yield from _headed("What is stored", width)
    yield from sentence_lines(_stored(runs), width)
    yield from _headed("Look further", width)
    yield f"{command} trace {first.pk}"
    yield f"{command} logs {first.pk} --level warning"
    yield f"{command} logs team_id={first.team_id} --event 'sync.api.*'"
    if page := trace_page(trace_id):
        yield page


def _headed(title: str, width: int) -> list[str]:
    return ["", f"── {title} ".ljust(min(width, 100), "─")]


def _stored(runs: Sequence[PipelineRun]) -> str:
    results = [result for run in runs for result in results_of(run)]
    names = " and ".join(dict.fromkeys(result.repository for result in results))
    totals = {
        what: sum(getattr(result, what.replace(" ", "_")) for result in results)
        for what in ("pull requests", "reviews", "commits", "files")
    }
    counts = ", ".join(f"{count:,} {what}" for what, count in totals.items())
    requests, points = (sum(getattr(result, name) for result in results) for name in ("requests", "points"))
    return f"{counts} of {names}, with {requests} requests and {points} points."
