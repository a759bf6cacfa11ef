"""Tell what spans and lines alone say about a run without rows: from files that somebody sent, or Jaeger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from apps import catalog
from apps.explain import event_names
from apps.explain.activities import ROOT, nanoseconds
from apps.explain.facts import RepositoryFacts, RunFacts
from apps.explain.parts import key_of
from apps.explain.story import CALLS, RATE_WAIT, SYNC, WRITE, Line, error_of, message_of
from telemetry.model import Outcome
from telemetry.reading import Span

_FULL_NAME, _ATTEMPT = key_of(catalog.RepoSync, "full_name"), key_of(catalog.RepoSync, "attempt")
_INSIDE = CALLS | {WRITE, RATE_WAIT}
_STATES = {
    Outcome.COMPLETED: "completed",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "cancelled",
    Outcome.RETRYING: "retrying",
    Outcome.WAITING: "waiting",
    Outcome.DIED: "retrying",
}


def facts_in(spans: Collection[Span], lines: Sequence[Line], *, trace_id: str) -> RunFacts | None:
    """Return what a trace says about its run; None for a trace that is not a run's.

    A run without a root span is unfinished, or its end was never emitted: it lasts until the last known moment.
    """
    root = next((span for span in spans if span.name == ROOT and not span.is_open), None)
    syncs = [span for span in spans if span.name == SYNC]
    if root is None and not syncs and not any("run_id" in span.attributes for span in spans):
        return None
    last = max(span.end_ns for span in spans)
    ended = None if root is None else _ended(root)
    run_id = next((found for span in spans if isinstance(found := span.attributes.get("run_id"), int)), None)
    started = next((line for line in lines if line.get("event") == event_names.RUN_STARTED), {})
    return RunFacts(
        run_id=run_id,
        trace_id=trace_id,
        root_id="" if root is None else root.span_id,
        state="running" if root is None else _state(root),
        phase=str((started if root is None else root.attributes).get("phase", "")),
        started_ns=min(span.start_ns for span in spans) if root is None else root.start_ns,
        ended_ns=ended,
        now_ns=max(last, ended or last),
        error_type=error_of(root) if root is not None and root.outcome == Outcome.FAILED else "",
        error_msg="" if root is None else message_of(root),
        repositories=tuple(_repositories(syncs, spans, lines, has_ended=root is not None)),
    )


def with_removed(facts: RunFacts, spans: Collection[Span], lines: Sequence[Line]) -> RunFacts:
    """Return a run's facts, adding from its trace the repositories that no longer have a row."""
    told = facts_in(spans, lines, trace_id=facts.trace_id) if facts.removed is not None and spans else None
    if told is None:
        return facts
    known = {one.repo_id for one in facts.repositories}
    return replace(facts, repositories=facts.repositories + tuple(x for x in told.repositories if x.repo_id not in known))


def _ended(root: Span) -> int:
    """Return when the run ended: its root span lasts longer, until the task that ended it has ended."""
    lasted = nanoseconds(root.attributes.get("duration_sec"), 1e9)
    return root.end_ns if lasted is None else root.start_ns + lasted


def _state(root: Span) -> str:
    if root.outcome == Outcome.COMPLETED:
        failed = root.attributes.get("repos_failed")
        return "partial" if isinstance(failed, int) and failed else "completed"
    return "cancelled" if root.outcome == Outcome.CANCELLED else "failed"


def _repositories(
    syncs: Sequence[Span], spans: Collection[Span], lines: Sequence[Line], *, has_ended: bool
) -> list[RepositoryFacts]:
    of: dict[int, list[Span]] = {}
    for sync in sorted(syncs, key=lambda span: span.start_ns):
        repo_id = sync.attributes.get("repo_id")
        if isinstance(repo_id, int):
            of.setdefault(repo_id, []).append(sync)
    of_sync = {sync.span_id: sync.attributes.get("repo_id") for sync in syncs}
    alive: dict[object, int] = {}
    for span in spans:
        if span.name in _INSIDE:
            repo_id = of_sync[span.parent_id] if span.parent_id in of_sync else span.attributes.get("repo_id")
            alive[repo_id] = max(alive.get(repo_id, 0), span.end_ns)
    return [_repository(repo_id, attempts, lines, alive, has_ended=has_ended) for repo_id, attempts in of.items()]


def _repository(
    repo_id: int, attempts: Sequence[Span], lines: Sequence[Line], alive: dict[object, int], *, has_ended: bool
) -> RepositoryFacts:
    last = attempts[-1]
    state = "running" if last.is_open else _STATES.get(Outcome(last.outcome), "running") if last.outcome else "running"
    if has_ended and state not in ("completed", "failed"):
        state = "failed" if state == "retrying" else "cancelled"
    progress = next(
        (
            line
            for line in reversed(lines)
            if line.get("event") == event_names.REPO_PROGRESS and line.get("repo_id") == repo_id
        ),
        {},
    )
    synced = last.attributes.get("prs_synced")
    done, total = (synced, synced) if isinstance(synced, int) else (progress.get("prs_done"), progress.get("prs_total"))
    number = last.attributes.get(_ATTEMPT)
    return RepositoryFacts(
        repo_id=repo_id,
        full_name=str(last.attributes.get(_FULL_NAME, f"repo_id {repo_id}")),
        state=state,
        error_type=error_of(last) if last.outcome != Outcome.COMPLETED else "",
        error_msg=message_of(last) if last.outcome != Outcome.COMPLETED else "",
        attempt=number if isinstance(number, int) else len(attempts),
        prs_done=done if isinstance(done, int) else None,
        prs_total=total if isinstance(total, int) else None,
        alive_ns=max(alive.get(repo_id, 0), last.end_ns),
        started_ns=attempts[0].start_ns,
        ended_ns=last.end_ns if state in ("completed", "failed", "cancelled") else None,
    )
