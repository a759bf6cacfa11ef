"""Check that a run's trace is complete: its tree, outcomes, durations and links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from telemetry.reading import Span, orphans_of
from tests.e2e_smoke.application import Run

ATTEMPT: Final = "run/apps.integrations.tasks.sync_repository"
PHASE: Final = "run/apps.integrations.tasks.run_phase"
STARTS: Final = "apply_async/apps.integrations.tasks.start_pipeline"

PARENTS: Final[Mapping[str, frozenset[str | None]]] = {
    "sync.pipeline": frozenset({None}),
    ATTEMPT: frozenset({"sync.pipeline"}),
    PHASE: frozenset({"sync.pipeline"}),
    # Whoever starts a run writes its rows first, so that the message which hastens it belongs to its trace.
    STARTS: frozenset({"sync.pipeline"}),
    "run/apps.integrations.tasks.start_pipeline": frozenset({"sync.pipeline", STARTS}),
    "sync.queue.wait": frozenset({"sync.pipeline"}),
    "sync.run.link": frozenset({"sync.pipeline", PHASE}),
    "sync.backoff": frozenset({"sync.pipeline"}),
    "sync.parked": frozenset({"sync.pipeline"}),
    "sync.missing": frozenset({"sync.pipeline"}),
    "sync.lane.wait": frozenset({"sync.repo"}),
    "sync.repo": frozenset({ATTEMPT}),
    "sync.api.graphql": frozenset({"sync.repo"}),
    "sync.api.rest": frozenset({"sync.repo"}),
    "sync.api.rate_wait": frozenset({"sync.repo"}),
    "sync.db.write": frozenset({"sync.repo", PHASE}),
    "POST": frozenset({"sync.api.graphql"}),
    "GET": frozenset({"sync.api.rest"}),
    # An attempt is sent in its own run's trace, whoever admits it; a step by the task that finished the one before, or by a
    # sweep, which has no span of its own.
    "apply_async/apps.integrations.tasks.sync_repository": frozenset({"sync.pipeline"}),
    "apply_async/apps.integrations.tasks.run_phase": frozenset({PHASE, ATTEMPT, "sync.pipeline"}),
}
"""The parents that a span may have, by name."""

CLOCK_NS: Final = 2_000_000
"""Tolerance between spans: all processes read the same clock, but at slightly different moments."""
TAIL_NS: Final = 5_000_000_000
"""How much longer than its run a root may be: as long as the task goes on that has ended it, on a busy machine."""
SLACK_MS: Final = 500.0
"""Tolerance between a span's duration and the one measured for its line, on a busy machine."""


def shape(run: Run, spans: Sequence[Span]) -> Iterator[str]:
    """Yield the errors in the tree of the run's trace."""
    tops = [span for span in spans if span.parent_id is None]
    if [(span.name, span.span_id) for span in tops] != [("sync.pipeline", run.root_id)]:
        yield f"its roots are {[(span.name, span.span_id) for span in tops]}, not sync.pipeline {run.root_id}"
    yield from (f"{span.name} {span.span_id} has a parent that is not there" for span in orphans_of(spans))
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        above = by_id.get(span.parent_id or "")
        if span.name not in PARENTS:
            yield f"{span.name} is no span of the design's tree"
        elif (above.name if above else None) not in PARENTS[span.name]:
            yield f"{span.name} stands under {above.name if above else None}"
    attempts = sum(repository.attempts for repository in run.repositories)
    counts = Counter(span.name for span in spans)
    for name, count in ((ATTEMPT, attempts), ("sync.repo", attempts)):
        if counts[name] != count:
            yield f"{counts[name]} {name} for {count} attempts"
    for outer, inner in (("sync.api.graphql", "POST"), ("sync.api.rest", "GET")):
        if counts[outer] != counts[inner]:
            yield f"{counts[outer]} {outer}, but {counts[inner]} {inner} in them"


def verdicts(run: Run, spans: Sequence[Span]) -> Iterator[str]:
    """Yield the errors in the outcomes and statuses of the spans."""
    status = {"completed": "OK", "failed": "ERROR", "retrying": "ERROR", "waiting": "UNSET", "cancelled": "UNSET"}
    partial = run.state == "partial"  # it completed, and something is missing all the same
    for span in spans:
        if span.span_id == run.root_id and partial and (span.outcome, span.status) == ("completed", "ERROR"):
            continue
        if span.name.startswith("sync.") and status.get(span.outcome or "") != span.status:
            yield f"{span.name} {span.span_id} ended {span.outcome} with status {span.status}"
        if span.name.startswith("run/") and span.status == "UNSET":
            yield f"{span.name} {span.span_id} does not say how it ended"
        if span.name == "sync.pipeline" and span.outcome != run.state:
            yield f"the root says {span.outcome}, the run {run.state}"


def durations(run: Run, spans: Sequence[Span], lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the spans whose times contradict the run's row, their parent or their lines."""
    by_id = {span.span_id: span for span in spans}
    ended_ns = run.ended_ns or 0
    for span in spans:
        if span.span_id == run.root_id and (
            span.start_ns != run.started_ns or not ended_ns <= span.end_ns <= ended_ns + TAIL_NS
        ):
            yield f"the root is from {span.start_ns} to {span.end_ns}, the run from {run.started_ns} to {run.ended_ns}"
        above = by_id.get(span.parent_id or "")
        if above is None:
            continue
        if span.start_ns < above.start_ns - CLOCK_NS or span.end_ns > above.end_ns + CLOCK_NS:
            yield f"{span.name} {span.span_id} is not within its parent {above.name}"
        if span.name.startswith("sync.") and span.name != "sync.run.link" and span.end_ns > ended_ns + CLOCK_NS:
            yield f"{span.name} {span.span_id} ends after the run"
    for line in lines:
        told = by_id.get(line.get("span_id", ""))
        if told is None:
            continue
        if "duration_ms" in line and line["duration_ms"] != told.attributes.get("duration_ms"):
            yield f"{line['event']} took {line['duration_ms']} ms, its span says {told.attributes.get('duration_ms')}"
        slept = 0 if told.outcome == "waiting" else line.get("wait_seconds", 0)  # otherwise the attempt ends and is resumed
        measured = line.get("duration_ms") or (line.get("duration_sec", 0) or slept) * 1_000
        waited = float(str(told.attributes.get("sync.lane.wait_ms", 0)))  # for its turn, which is part of the span
        lasted = (ended_ns - run.started_ns) / 1e6 if told.span_id == run.root_id else told.duration_ms  # a root has a tail
        if measured and abs(lasted - waited - measured) > SLACK_MS:
            yield f"{line['event']} took {measured:.3f} ms, its span {told.duration_ms:.3f} ms with {waited:.3f} ms of wait"


def links(run: Run, runs: Sequence[Run], spans: Sequence[Span], everything: Sequence[Span]) -> Iterator[str]:
    """Yield missing and dangling links: of the run with those before and after it, of each attempt with the previous one.

    The root has none: Jaeger's page draws no critical path for it then.
    """
    present = {(span.trace_id, span.span_id) for span in everything}
    for span in spans:
        yield from (
            f"{span.name} {span.span_id} is linked to what is not there" for link in span.links if link not in present
        )
        if span.span_id == run.root_id and span.links:
            yield "its root is linked, instead of the spans below it"
    yield from _links_of_runs(run, runs, spans)
    yield from _links_of_attempts(run, spans)


def _links_of_runs(run: Run, runs: Sequence[Run], spans: Sequence[Span]) -> Iterator[str]:
    linked = {link for span in spans for link in span.links}
    before = next((each for each in runs if each.id == run.follows), None)
    if before is not None and (before.trace_id, before.root_id) not in linked:
        yield f"it is not linked to run {before.id}, which it follows"
    relations = {span.attributes.get("sync.link.relation") for span in spans if span.links}
    is_inside = any(span.name.endswith(".start_pipeline") for span in spans)
    if before is None and "started_by" not in relations and not is_inside:
        yield "it is not linked to the task that started it"
    for after in (each for each in runs if each.follows == run.id and each.kind == "backfill"):
        if (after.trace_id, after.root_id) not in linked:
            yield f"it is not linked to run {after.id}, which follows it"


def _links_of_attempts(run: Run, spans: Sequence[Span]) -> Iterator[str]:
    attempts: dict[tuple[object, int], Span] = {}
    for span in spans:
        if span.name == ATTEMPT:
            attempts[span.attributes.get("repo_id"), int(str(span.attributes.get("celery.attempt", 0)))] = span
    for (repo_id, number), span in attempts.items():
        previous = attempts.get((repo_id, number - 1))
        if number > 1 and (previous is None or (previous.trace_id, previous.span_id) not in span.links):
            yield f"attempt {number} at repository {repo_id} is not linked to the one before"
    for repository in run.repositories:
        numbers = sorted(number for repo_id, number in attempts if repo_id == repository.repo_id)
        if numbers != list(range(1, repository.attempts + 1)):
            yield f"attempts {numbers} at {repository.full_name}, its row counts {repository.attempts}"
