"""Which pull requests the rules call AI-assisted, and which they do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.analysis.assistance import AnalysisResult, analyze, analyze_statement
from apps.analysis.models import Analysis
from apps.analysis.rules import RULES
from apps.integrations.github.nodes import Actor
from apps.pulls.models import Commit, PullRequest
from apps.repositories.models import TrackedRepository
from tests.integrations.histories import DAY, commit, pull_request, repository, store, whole

pytestmark = pytest.mark.django_db

_PULL_REQUESTS = 60


@pytest.mark.parametrize(
    ("message", "tool"),
    [
        ("x\n\nCo-authored-by: Claude <noreply@anthropic.com>", "Claude Code"),
        ("x\n\nCo-Authored-By: Claude Sonnet 4 <a@b>", "Claude Code"),
        ("x\n\nCo-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>", "GitHub Copilot"),
        ("x\n\nCo-authored-by: Cursor Agent <cursoragent@cursor.com>", "Cursor"),
        ("x\n\nCo-authored-by: aider (gpt-4o) <noreply@aider.chat>", "aider"),
        ("x\n\nAssisted-by: Gemini", "Gemini"),
        ("x\n\nGenerated-by: Codex", "Codex"),
    ],
)
def test_trailers_give_tools_away(message: str, tool: str) -> None:
    """A trailer in a commit names the tool."""
    tracked = repository()
    store(tracked.pk, pull_request(1, commits=whole([commit(message=message)])))
    assert analyze(team_id=tracked.team_id, repository_ids=[tracked.pk]) == AnalysisResult(1, 1)
    assert Analysis.objects.get().tools == [tool]


@pytest.mark.parametrize(
    ("body", "author"),
    [
        ("Fix the cursor position", "ada"),
        ("Document how Copilot and Claude Code are configured", "ada"),
        ("Bump x from 1 to 2", "dependabot[bot]"),
        ("Co-authored-by: Claudette <c@example.org>", "ada"),
    ],
)
def test_talk_of_a_tool_is_no_assistance(body: str, author: str) -> None:
    """Words about tools, names like theirs, and other bots do not count."""
    tracked = repository()
    store(tracked.pk, pull_request(1, body=body, author=Actor(login=author, kind="User")))
    assert analyze(team_id=tracked.team_id, repository_ids=[tracked.pk]) == AnalysisResult(1, 0)


def test_only_what_changed_is_analyzed_again() -> None:
    """A second analysis finds nothing due until a pull request is updated."""
    tracked = repository()
    store(tracked.pk, pull_request(1), pull_request(2))
    analyze(team_id=tracked.team_id, repository_ids=[tracked.pk])
    assert analyze(team_id=tracked.team_id, repository_ids=[tracked.pk]) == AnalysisResult(0, 0)
    store(
        tracked.pk,
        pull_request(2, author=Actor(login="devin-ai-integration[bot]", kind="Bot"), updated_at=DAY.replace(day=9)),
    )
    assert analyze(team_id=tracked.team_id, repository_ids=[tracked.pk]) == AnalysisResult(1, 1)


def test_a_backfill_that_no_statistics_know_of_is_not_compared_pair_by_pair() -> None:
    """Where the planner expects one row, 1,812 pull requests once took more than 270 s, and half a second otherwise."""
    _history("o/old", pull_requests=5 * _PULL_REQUESTS)
    with connection.cursor() as cursor:
        for model in (PullRequest, Commit, TrackedRepository):
            cursor.execute(f"ANALYZE {model._meta.db_table}")
        new = _history("o/new", pull_requests=_PULL_REQUESTS)
        statement, parameters = analyze_statement(team_id=new.team_id, repository_ids=[new.pk])
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        ((plan,),) = cursor.fetchone()
    most = max(_rows_looked_at(node) for node in _nodes(plan["Plan"]))
    assert most <= 2 * _PULL_REQUESTS * len(RULES)


def _history(name: str, *, pull_requests: int) -> TrackedRepository:
    tracked = repository(name)
    trailer = "Co-authored-by: Claude"
    numbers = range(1, pull_requests + 1)
    store(tracked.pk, *[pull_request(n, commits=whole([commit(oid=f"{n:040}", message=trailer)])) for n in numbers])
    return tracked


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _rows_looked_at(node: dict[str, Any]) -> float:
    removed = sum(value for key, value in node.items() if key.startswith("Rows Removed"))
    return float(node["Actual Loops"] * (node["Actual Rows"] + removed))
