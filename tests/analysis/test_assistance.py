"""Which pull requests the rules call AI-assisted, and which they do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.analysis.assistance import AnalysisResult, analyze, analyze_statement
from apps.analysis.models import Analysis
from apps.analysis.rules import RULES
from apps.integrations.github.nodes import Actor, GitActor, Login
from apps.pulls.models import Commit, PullRequest
from apps.repositories.models import TrackedRepository
from telemetry.testing import Capture
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


def test_what_is_asked_for_is_analyzed_and_counted(captrace: Capture) -> None:
    """Of the team's own repositories those named: another one of it, and another team's, have no analysis."""
    asked, beside, other = repository("o/a"), repository("o/b"), repository("o/c", team="other")
    for tracked in (asked, beside, other):
        store(tracked.pk, pull_request(1, body="Generated with Claude Code"), pull_request(2), pull_request(3))
    assert analyze(team_id=asked.team_id, repository_ids=[asked.pk, other.pk]) == AnalysisResult(3, 1)
    assert set(Analysis.objects.values_list("pull_request__repository", flat=True)) == {asked.pk}
    store(asked.pk, pull_request(1, updated_at=DAY.replace(day=9)), pull_request(4), pull_request(5))
    captrace.clear()
    assert analyze(team_id=asked.team_id, repository_ids=[asked.pk]) == AnalysisResult(3, 0)
    written = captrace.span("sync.db.write").attributes
    keys = ("entity_type", "db.operation.batch.size", "created", "updated")
    assert [written[key] for key in keys] == ["analysis", 3, 2, 1]


def test_a_tool_is_found_by_what_it_wrote_or_by_its_account() -> None:
    """In a description, a commit's message, its author's login or the pull request's; each says where, in any case."""
    tracked = repository()
    store(
        tracked.pk,
        pull_request(1, body="first\nGENERATED WITH CLAUDE CODE\nlast"),
        pull_request(2, author=Actor(login="Copilot", kind="Bot")),
        pull_request(3, commits=whole([commit("0123456789abcdef", author=_account("cursoragent"))])),
        pull_request(
            4,
            body="https://app.devin.ai/sessions/1",
            commits=whole([commit("a" * 40), commit("b" * 40, message="x\n\nAssisted-by: Gemini")]),
        ),
        pull_request(5),
        pull_request(6, body="x\r\n\r\nCo-authored-by: Claude <c@example.org>\r\n"),
    )
    assert analyze(team_id=tracked.team_id, repository_ids=[tracked.pk]) == AnalysisResult(6, 5)
    found = Analysis.objects.order_by("pull_request__number").values_list("is_ai_assisted", "tools", "evidence")
    assert list(found) == [
        (True, ["Claude Code"], "Claude Code: description: GENERATED WITH CLAUDE CODE"),
        (True, ["GitHub Copilot"], "GitHub Copilot: account Copilot"),
        (True, ["Cursor"], "Cursor: commit 0123456789"),
        (True, ["Devin", "Gemini"], "Devin: description: app.devin.ai/sessions/\nGemini: commit bbbbbbbbbb"),
        (False, [], ""),
        (True, ["Claude Code"], "Claude Code: description: Co-authored-by: Claude"),
    ]


def _account(login: str) -> GitActor:
    return GitActor(name="Somebody", user=Login(login=login))


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
