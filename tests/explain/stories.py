"""Runs told by hand, as far as explaining them goes: facts, spans and lines, in seconds after the run began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.explain.explanation import Explanation, explain
from apps.explain.facts import RepositoryFacts, RunFacts, Surroundings
from apps.explain.story import Line, Story
from telemetry.reading import Span
from tests.explain.told import ROOT_ID, at, moment, root, span

TRACE = "e" * 32


def refused(
    start: float, end: float, error: str, *, status: int | None = None, query: str = "PullRequests", outcome: str = "failed"
) -> Span:
    """Return a GraphQL call that ended with an error."""
    http = {} if status is None else {"http.response.status_code": status}
    fields = {"query_name": query, "sync.page.size": 25, "error.type": error, "error_msg": f"GitHub: {error}", **http}
    return span("sync.api.graphql", start, end, outcome=outcome, status="ERROR", has=fields)


def asked(start: float, end: float, *, query: str = "PullRequests", points: int = 1) -> Span:
    """Return a GraphQL call that was answered."""
    fields = {"query_name": query, "points_cost": points, "sync.page.nodes": 25, "status": "ok"}
    return span("sync.api.graphql", start, end, outcome="completed", has=fields)


def line(seconds: float, event: str, **fields: Any) -> Line:
    """Return a line of the run's trace; `trace_id=None` is one of no trace."""
    stamp = moment(seconds).replace("Z", ".000000Z")
    return {"timestamp": stamp, "level": "warning", "event": event, "trace_id": TRACE, "run_id": 1, **fields}


def repository(number: int = 1, state: str = "completed", **known: Any) -> RepositoryFacts:
    """Return the facts of a repository, which has read all of its ten pull requests unless told otherwise."""
    return RepositoryFacts(
        **{
            "repo_id": number,
            "full_name": f"o/{number}",
            "state": state,
            "row": number,
            "attempt": 1,
            "prs_done": 10,
            "prs_total": 10,
            "account": "github.test/ada",
            **known,
        }
    )


def told_run(
    *spans: Span | Sequence[Span],
    end: float | None,
    now: float = 0.0,
    state: str = "completed",
    repositories: Sequence[RepositoryFacts] = (),
    lines: Sequence[Line] = (),
    around: Surroundings | None = None,
    others: Sequence[Line] = (),
    has_root: bool = True,
    **known: Any,
) -> Explanation:
    """Explain a run that ended after so many seconds (None: it goes on at `now`)."""
    flat = [one for each in spans for one in ([each] if isinstance(each, Span) else each)]
    facts = RunFacts(
        **{
            "run_id": 1,
            "trace_id": TRACE,
            "root_id": ROOT_ID,
            "state": state if end is not None else "running",
            "phase": "syncing",
            "started_ns": at(0),
            "ended_ns": None if end is None else at(end),
            "now_ns": at(now if end is None else end),
            "has_row": True,
            "repositories": tuple(repositories or [repository()]),
            **known,
        }
    )
    roots = [root(end)] if has_root and end is not None else []
    return explain(Story(facts, spans=[*roots, *flat], lines=lines, surroundings=around), others=others)


def codes_of(explanation: Explanation) -> list[str]:
    """Return the codes of the causes, the decisive one first."""
    return [finding.code.name for finding in explanation.causes]


def proofs_of(explanation: Explanation, number: int = 0) -> list[str]:
    """Return what proves a cause, as words and the kind of proof."""
    steps = [step.as_json() for step in explanation.causes[number].chain]
    return [f"{step['says']} [{next(key for key in step if key not in ('says', 'trace_id'))}]" for step in steps]


def only(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return these fields."""
    return {name: fields[name] for name in names}
