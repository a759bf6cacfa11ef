"""Traces told by hand: spans with times in seconds after the run began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from apps.explain.decomposition import Decomposition, decompose
from apps.explain.parts import Part
from telemetry.reading import Span
from telemetry.timestamps import unix_nanoseconds

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BEGAN_NS = unix_nanoseconds(BEGAN)
ROOT_ID = "f" * 16
SYNC, STEP = "run/apps.integrations.tasks.sync_repository", "run/apps.integrations.tasks.run_phase"
_numbers = count(1)


def at(seconds: float) -> int:
    """Return that moment in Unix nanoseconds."""
    return BEGAN_NS + round(seconds * 1e9)


def span(
    name: str,
    start: float,
    end: float,
    *,
    parent: str | None = ROOT_ID,
    span_id: str | None = None,
    status: str = "OK",
    outcome: str | None = None,
    has: Mapping[str, Any] | None = None,
) -> Span:
    """Return a span that has these attributes."""
    return Span(
        name=name,
        trace_id="e" * 32,
        span_id=span_id or f"{next(_numbers):016x}",
        parent_id=parent,
        attributes={**(has or {}), **({} if outcome is None else {"sync.outcome": outcome})},
        status=status,
        status_message="",
        start_ns=at(start),
        end_ns=at(end),
        links=(),
        resource={},
    )


def root(end: float, *, run_id: int = 1, start: float = 0.0, span_id: str = ROOT_ID) -> Span:
    """Return a run's root span."""
    return span("sync.pipeline", start, end, parent=None, span_id=span_id, outcome="completed", has={"run_id": run_id})


def attempt(
    start: float,
    end: float,
    *inside: Span,
    number: int = 1,
    repo: int = 1,
    outcome: str = "completed",
    waited: float = 0.0,
    run_id: int = 1,
    parent: str = ROOT_ID,
    has: Mapping[str, Any] | None = None,
) -> list[Span]:
    """Return an attempt at a repository with what was `inside`; its message waited so long for a worker."""
    names = {"repo_id": repo, "run_id": run_id}
    status = "OK" if outcome == "completed" else "ERROR" if outcome in ("failed", "retrying") else "UNSET"
    task = {"celery.attempt": number, "celery.queue.wait_ms": waited * 1000, **names}
    run = span(SYNC, start, end, parent=parent, status=status, has=task)
    fields = {"full_name": f"o/{repo}", "sync.attempt": number, **names, **(has or {})}
    sync = span("sync.repo", start, end, parent=run.span_id, outcome=outcome, status=status, has=fields)
    return [run, sync, *(_put(one, sync.span_id, names) for one in inside)]


def step(start: float, end: float, *inside: Span, number: int = 1, waited: float = 0.0, status: str = "OK") -> list[Span]:
    """Return a phase's step."""
    task = {"celery.attempt": number, "celery.queue.wait_ms": waited * 1000, "run_id": 1}
    run = span(STEP, start, end, status=status, has=task)
    return [run, *(_put(one, run.span_id, {"run_id": 1}) for one in inside)]


def call(start: float, end: float) -> Span:
    """Return a GraphQL call."""
    return span("sync.api.graphql", start, end, outcome="completed")


def write(start: float, end: float) -> Span:
    """Return a batch write."""
    return span("sync.db.write", start, end, outcome="completed", has={"entity_type": "pull_request"})


def limit(start: float, end: float, reason: str, *, outcome: str = "completed") -> Span:
    """Return a wait for GitHub's limit by an attempt."""
    return span("sync.api.rate_wait", start, end, outcome=outcome, has={"sync.rate_wait.reason": reason})


def wait(name: str, start: float, end: float, *, repo: int = 1, has: Mapping[str, Any] | None = None) -> Span:
    """Return a wait between attempts."""
    return span(name, start, end, outcome="completed", has={"repo_id": repo, "run_id": 1, **(has or {})})


def message(start: float, end: float, *, repo: int | None = None, number: int = 1) -> Span:
    """Return a message that was sent, for a repository or a phase's step."""
    of = {} if repo is None else {"repo_id": repo}
    task = "run_phase" if repo is None else "sync_repository"
    sent = {"messaging.message.id": str(next(_numbers)), "celery.attempt": number, "run_id": 1, **of}
    return span(f"apply_async/apps.integrations.tasks.{task}", start, end, has=sent)


def moment(seconds: float) -> str:
    """Return that moment as an attribute holds it."""
    return (BEGAN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def told(*spans: Span | Sequence[Span], end: float, is_running: bool = False) -> Decomposition:
    """Decompose a run that was told."""
    flat = [one for each in spans for one in ([each] if isinstance(each, Span) else each)]
    return decompose(flat, start_ns=at(0), end_ns=at(end), is_running=is_running, reserved=[ROOT_ID])


def seconds(time: Decomposition) -> dict[str, float]:
    """Return the parts of the wall time that took any, in seconds; they sum to it, to the nanosecond."""
    assert sum(time.wall.values()) == time.end_ns - time.start_ns
    return taken(time.wall)


def taken(parts: Mapping[Part, int]) -> dict[str, float]:
    """Return the parts that took any time, in seconds."""
    return {part.key: value / 1e9 for part, value in parts.items() if value}


def _put(one: Span, parent: str, names: Mapping[str, Any]) -> Span:
    return replace(one, parent_id=parent, attributes={**one.attributes, **names})
