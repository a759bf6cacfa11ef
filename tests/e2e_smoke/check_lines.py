"""Check that lines, spans, rows and the simulator's statistics agree on what happened and how often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from apps import catalog, machine_catalog  # noqa: F401  # the machine declares events of its own
from telemetry.catalog import check_line
from telemetry.model import Operation, declared_events
from telemetry.reading import Span
from tests.e2e_smoke.application import Run

Line = Mapping[str, Any]

OPERATIONS: Final[Mapping[str, type[Operation[Any]]]] = {
    operation.__operation__: operation
    for operation in (
        catalog.Pipeline,
        catalog.RepoSync,
        catalog.GraphQLCall,
        catalog.RestCall,
        catalog.RateWait,
        catalog.RowsWrite,
    )
}


def well_formed(lines: Sequence[Line]) -> Iterator[str]:
    """Yield how lines deviate from the catalog, and which of its events never happened."""
    problems = Counter(problem for line in lines for problem in check_line(line, context=catalog.CONTEXT))
    yield from (f"{problem} ({count} lines)" for problem, count in problems.items())
    happened = {line["event"] for line in lines}
    yield from (f"{event} never happened" for event in catalog.TABLE if event not in happened)


def event_names(records: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield the records, given by text and EventName, whose EventName is not that of their event."""
    declared = declared_events().keys()
    wrong = Counter((text, name) for text, name in records if name != (text if text in declared else ""))
    yield from (f"{count} records of {text} have the EventName {name!r}" for (text, name), count in wrong.items())


def of_spans(lines: Sequence[Line], spans: Sequence[Span]) -> Iterator[str]:
    """Yield the spans that have too few or too many lines, and the lines whose span is missing."""
    known = {(span.trace_id, span.span_id) for span in spans}
    lost = Counter(line["event"] for line in lines if "trace_id" in line and _ids(line) not in known)
    yield from (f"{count} lines of {event} name a span that is not there" for event, count in lost.items())
    told: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    events = {event for operation in OPERATIONS.values() for event, _ in operation.__lines__.values()}
    for line in lines:
        if line["event"] in events:
            told[_ids(line)][line["event"]] += 1
    for span in spans:
        if span.name in OPERATIONS:
            expected, written = _expected(span), told[span.trace_id, span.span_id]
            if expected != written:
                yield f"{span.name} {span.span_id} ({span.outcome}) has the lines {dict(written)}, not {dict(expected)}"


def counts(
    lines: Sequence[Line], runs: Sequence[Run], stats: Mapping[str, Any], scripted: Mapping[str, int]
) -> Iterator[str]:
    """Yield the events that did not happen as often as rows, simulator and scripted faults imply."""
    rows = [repository for run in runs for repository in run.repositories]
    expected = Counter(scripted) + Counter(
        {
            "sync.pipeline.started": len(runs),
            "sync.pipeline.completed": sum(run.state in ("completed", "partial") for run in runs),
            "sync.pipeline.failed": sum(run.state == "failed" for run in runs),
            "sync.pipeline.phase_changed": sum(_transitions(run) for run in runs),
            "sync.repo.started": sum(row.attempts for row in rows),
            "sync.repo.completed": sum(row.state == "completed" for row in rows),
            "sync.repo.failed": sum(row.state == "failed" for row in rows),
            "sync.api.graphql": stats["requests"]["graphql"],
            "sync.api.rest": stats["requests"]["rest"],
        }
    )
    written = Counter(line["event"] for line in lines)
    for event, count in expected.items():
        if written[event] != count:
            yield f"{event}: {written[event]} lines, and it happened {count} times"


def pull_requests(lines: Sequence[Line], runs: Sequence[Run], sizes: Mapping[str, int]) -> Iterator[str]:
    """Yield the repositories that are incomplete, have pull requests without a line, or skipped a step of progress.

    `sizes` are the pull requests of each repository at GitHub.
    """
    numbers: defaultdict[int, set[int]] = defaultdict(set)
    progress: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for line in lines:
        if line["event"] == "sync.pr.processed":
            numbers[line["repo_id"]].add(line["pr_number"])
        if line["event"] == "sync.repo.progress":
            progress[line["run_id"], line["repo_id"]].append(line["prs_done"])
    for row in {row.repo_id: row for run in runs for row in run.repositories}.values():
        size = sizes.get(row.full_name, 0)
        if not size == row.stored == len(numbers[row.repo_id]):
            yield f"{row.full_name}: {size} pull requests, {row.stored} stored, {len(numbers[row.repo_id])} with a line"
    for (run_id, repo_id), done in progress.items():
        if done != [10 * step for step in range(1, len(done) + 1)]:
            yield f"progress of repository {repo_id} in run {run_id} goes {done}"


def _ids(line: Line) -> tuple[str, str]:
    return str(line.get("trace_id")), str(line.get("span_id"))


def _expected(span: Span) -> Counter[str]:
    """Return the lines that a span with this outcome must have according to its declaration."""
    lines = OPERATIONS[span.name].__lines__
    always = {"started", "entered", "ended", span.outcome}
    return Counter(event for moment, (event, _) in lines.items() if moment in always)


def _transitions(run: Run) -> int:
    """Return how often a run changes its phase: a recent run has four and goes on to backfills, which have three each."""
    if run.state == "failed":  # every failure in the story happens in the first phase
        return 0
    return 3 + run.backfill if run.kind == "recent" else 2
