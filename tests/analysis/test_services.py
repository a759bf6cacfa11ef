"""Which pull requests the rules call AI-assisted, and which they do not."""

from __future__ import annotations

import pytest

from apps.analysis.models import Analysis
from apps.analysis.services import AnalysisResult, analyze
from apps.integrations.services.github_nodes import Actor
from apps.pulls import metrics
from apps.pulls.models import WeeklyMetrics
from tests.integrations.histories import DAY, commit, pull_request, repository, whole
from tests.integrations.services.test_pull_request_store import store

pytestmark = pytest.mark.django_db


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
    store(tracked.pk, pull_request(1, body=body, author=Actor(author, "User")))
    assert analyze(team_id=tracked.team_id, repository_ids=[tracked.pk]) == AnalysisResult(1, 0)


def test_only_what_changed_is_analyzed_again() -> None:
    """A second analysis finds nothing due until a pull request is updated."""
    tracked = repository()
    store(tracked.pk, pull_request(1), pull_request(2))
    analyze(team_id=tracked.team_id, repository_ids=[tracked.pk])
    assert analyze(team_id=tracked.team_id, repository_ids=[tracked.pk]) == AnalysisResult(0, 0)
    store(tracked.pk, pull_request(2, author=Actor("devin-ai-integration[bot]", "Bot"), updated_at=DAY.replace(day=9)))
    assert analyze(team_id=tracked.team_id, repository_ids=[tracked.pk]) == AnalysisResult(1, 1)


def test_weekly_metrics_are_those_counted_by_hand() -> None:
    """Two pull requests of one week: medians, share; and a second computation changes nothing."""
    tracked = repository()
    store(
        tracked.pk,
        pull_request(1, additions=10, deletions=0),
        pull_request(2, additions=30, deletions=0, author=Actor("copilot", "Bot"), reviews=whole([])),
    )
    analyze(team_id=tracked.team_id, repository_ids=[tracked.pk])
    assert metrics.compute(team_id=tracked.team_id) == 1
    week = WeeklyMetrics.objects.get()
    assert (
        str(week.week),
        week.merged,
        week.cycle_time_hours,
        week.review_time_hours,
        week.size,
        week.ai_assisted_share,
    ) == (
        "2026-01-05",
        2,
        6.0,
        1.0,
        20.0,
        0.5,
    )
    assert metrics.compute(team_id=tracked.team_id) == 0
