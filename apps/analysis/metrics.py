"""Compute a team's weekly metrics from its stored pull requests, in one statement."""

from __future__ import annotations

from collections import Counter

from django.db import connection, transaction

from apps import catalog
from apps.analysis.models import Analysis, WeeklyMetrics
from apps.pulls.models import Commit, PullRequest, Review
from apps.repositories.models import TrackedRepository
from telemetry import observe

_ADVISORY_LOCK = 7_305_119
"""Our key among PostgreSQL's advisory locks; the second key is the team's id."""


def compute(*, team_id: int) -> int:
    """Recompute the metrics of every week in which the team merged something, and return how many weeks changed.

    Weeks without merges have no row. Concurrent calls for one team wait for each other, since both would insert the
    same weeks.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_ADVISORY_LOCK, team_id])
        cursor.execute(_COUNT_WEEKS, [team_id])
        weeks = int(cursor.fetchone()[0])
        with observe(catalog.RowsWrite(entity_type="metric", rows=weeks)) as write:
            cursor.execute(_COMPUTE, {"team": team_id})
            done = Counter(action for (action,) in cursor.fetchall())
            write.completed(catalog.RowsWritten(created=done["INSERT"], updated=done["UPDATE"], deleted=done["DELETE"]))
    return sum(done.values())


_ANALYSES, _COMMITS, _METRICS, _PULL_REQUESTS, _REPOSITORIES, _REVIEWS = (
    model._meta.db_table for model in (Analysis, Commit, WeeklyMetrics, PullRequest, TrackedRepository, Review)
)

_COUNT_WEEKS = f"""
    SELECT count(DISTINCT date_trunc('week', p.merged_at AT TIME ZONE 'UTC'))
    FROM {_PULL_REQUESTS} p JOIN {_REPOSITORIES} r ON r.id = p.repository_id
    WHERE r.team_id = %s AND p.merged_at IS NOT NULL
"""  # noqa: S608  # only our own tables' names are put in

_COMPUTE = f"""
    MERGE INTO {_METRICS} AS t
    USING (
        SELECT date_trunc('week', p.merged_at AT TIME ZONE 'UTC')::date AS week,
            count(*)::int AS merged,
            percentile_cont(0.5) WITHIN GROUP (
                ORDER BY extract(epoch FROM p.merged_at - least(p.created_at, c.first)) / 3600
            ) AS cycle_time_hours,
            percentile_cont(0.5) WITHIN GROUP (
                ORDER BY extract(epoch FROM v.first - p.created_at) / 3600
            ) AS review_time_hours,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY p.additions + p.deletions) AS size,
            avg(a.is_ai_assisted::int)::float8 AS ai_assisted_share
        FROM {_PULL_REQUESTS} p
        JOIN {_REPOSITORIES} r ON r.id = p.repository_id
        LEFT JOIN {_ANALYSES} a ON a.pull_request_id = p.id
        LEFT JOIN LATERAL (
            SELECT min(authored_at) AS first FROM {_COMMITS} WHERE pull_request_id = p.id
        ) c ON true
        LEFT JOIN LATERAL (
            SELECT min(submitted_at) AS first FROM {_REVIEWS}
            WHERE pull_request_id = p.id AND author IS DISTINCT FROM p.author
        ) v ON true
        WHERE r.team_id = %(team)s AND p.merged_at IS NOT NULL
        GROUP BY 1
    ) AS s
    ON t.team_id = %(team)s AND t.week = s.week
    WHEN MATCHED AND (t.merged, t.cycle_time_hours, t.review_time_hours, t.size, t.ai_assisted_share)
        IS DISTINCT FROM (s.merged, s.cycle_time_hours, s.review_time_hours, s.size, s.ai_assisted_share)
        THEN UPDATE SET merged = s.merged, cycle_time_hours = s.cycle_time_hours,
            review_time_hours = s.review_time_hours, size = s.size, ai_assisted_share = s.ai_assisted_share
    WHEN NOT MATCHED THEN INSERT (team_id, week, merged, cycle_time_hours, review_time_hours, size, ai_assisted_share)
        VALUES (%(team)s, s.week, s.merged, s.cycle_time_hours, s.review_time_hours, s.size, s.ai_assisted_share)
    WHEN NOT MATCHED BY SOURCE AND t.team_id = %(team)s THEN DELETE
    RETURNING merge_action()
"""  # noqa: S608  # only our own tables' names are put in
