"""Decide for each new or changed pull request whether it was AI-assisted, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps import catalog
from apps.analysis.models import Analysis
from apps.analysis.rules import RULES
from apps.pulls.models import Commit, PullRequest
from apps.repositories.models import TrackedRepository
from telemetry import observe


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """How many pull requests were analyzed, and how many of those were AI-assisted."""

    analyzed: int
    ai_assisted: int


def analyze(*, team_id: int, repository_ids: Sequence[int]) -> AnalysisResult:
    """Analyze those pull requests of the team's repositories that are new or were updated since their last analysis."""
    with observe(catalog.RowsWrite(entity_type="analysis", rows=_count_due(team_id, repository_ids))) as write:
        with connection.cursor() as cursor:
            cursor.execute(*analyze_statement(team_id=team_id, repository_ids=repository_ids))
            rows = cursor.fetchall()
        created = sum(is_new for is_new, _ in rows)
        write.completed(catalog.RowsWritten(created=created, updated=len(rows) - created))
    return AnalysisResult(analyzed=len(rows), ai_assisted=sum(assisted for _, assisted in rows))


def analyze_statement(*, team_id: int, repository_ids: Sequence[int]) -> tuple[str, list[Any]]:
    """Return the statement that analyzes due pull requests, and its parameters.

    It returns a row for each pull request: whether it had no analysis before, and whether it was AI-assisted.
    """
    words = ["|".join(f"%{word}%" for word in rule.words) for rule in RULES]
    texts, logins = [rule.text for rule in RULES], [rule.login for rule in RULES]
    return _ANALYZE, [team_id, list(repository_ids), [rule.tool for rule in RULES], words, texts, logins]


def _count_due(team_id: int, repository_ids: Sequence[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({_DUE}) AS due", [team_id, list(repository_ids)])  # noqa: S608  # as below
        return int(cursor.fetchone()[0])


_ANALYSES, _COMMITS, _PULL_REQUESTS, _REPOSITORIES = (
    model._meta.db_table for model in (Analysis, Commit, PullRequest, TrackedRepository)
)

_DUE = f"""
    SELECT p.id, p.author, p.body, p.updated_at
    FROM {_PULL_REQUESTS} p
    JOIN {_REPOSITORIES} r ON r.id = p.repository_id AND r.team_id = %s
    LEFT JOIN {_ANALYSES} a ON a.pull_request_id = p.id
    WHERE p.repository_id = ANY(%s) AND a.of_update IS DISTINCT FROM p.updated_at
"""  # noqa: S608  # only our own tables' names are put in


def _matches(text: str) -> str:
    """Return the SQL condition that `text` has the rule's mark; it is a CASE, because AND guarantees no order."""
    words = "string_to_array(rules.words, '|')"
    return f"CASE WHEN lower({text}) LIKE ANY ({words}) THEN {text} ~* rules.pattern ELSE false END"


# `substring` returns what the pattern's first group matches, so the whole pattern is wrapped in one.
# `due` and `marks` are combined by a union, not a join: for new rows, which it has no statistics about, the planner
# expects one row, and would find all marks again for each pull request.
_ANALYZE = f"""
    WITH due AS ({_DUE}),
    rules AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS s(tool, words, pattern, login)),
    marks AS (
        SELECT due.id, due.updated_at, NULL AS tool, NULL AS evidence FROM due
        UNION ALL
        SELECT due.id, due.updated_at, rules.tool, 'account ' || due.author
        FROM due JOIN rules ON due.author ~* rules.login
        UNION ALL
        SELECT due.id, due.updated_at, rules.tool,
            'description: ' || btrim(substring(due.body FROM '(?i)(' || rules.pattern || ')'), E' \\t\\r\\n')
        FROM due JOIN rules ON {_matches("due.body")}
        UNION ALL
        SELECT due.id, due.updated_at, rules.tool, 'commit ' || left(c.oid, 10)
        FROM due JOIN {_COMMITS} c ON c.pull_request_id = due.id
        JOIN rules ON {_matches("c.message")} OR c.author_login ~* rules.login
    ),
    decided AS (
        SELECT id, updated_at,
            coalesce(array_agg(DISTINCT tool) FILTER (WHERE tool IS NOT NULL), '{{}}') AS tools,
            coalesce(string_agg(DISTINCT tool || ': ' || evidence, E'\\n'), '') AS evidence
        FROM marks
        GROUP BY id, updated_at
    )
    INSERT INTO {_ANALYSES} AS t (pull_request_id, is_ai_assisted, tools, evidence, of_update)
    SELECT id, cardinality(tools) > 0, tools, evidence, updated_at FROM decided ORDER BY id
    ON CONFLICT (pull_request_id) DO UPDATE
        SET is_ai_assisted = excluded.is_ai_assisted, tools = excluded.tools, evidence = excluded.evidence,
            of_update = excluded.of_update
    RETURNING old.id IS NULL, new.is_ai_assisted
"""  # noqa: S608  # only our own tables' names are put in
