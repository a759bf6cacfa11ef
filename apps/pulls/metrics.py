"""The computing_metrics phase: a team's merged pull requests by week, recomputed from what is stored."""

from __future__ import annotations

from collections import Counter

from django.db import connection, transaction

from apps import catalog
from telemetry import observe

_ONE_AT_A_TIME = 7_305_119  # our key among PostgreSQL's advisory locks, with the team's id


def compute(*, team_id: int) -> int:
    """Every week in which the team merged something has its metrics, no other week has any; how many weeks changed.

    One at a time a team: two runs may come to it at once, and each would insert the same weeks.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_ONE_AT_A_TIME, team_id])
        cursor.execute(_WEEKS, [team_id])
        weeks = int(cursor.fetchone()[0])
        with observe(catalog.RowsWrite(entity_type="metric", rows=weeks)) as write:
            cursor.execute(_COMPUTE, {"team": team_id})
            done = Counter(action for (action,) in cursor.fetchall())
            write.completed(catalog.RowsWritten(created=done["INSERT"], updated=done["UPDATE"], deleted=done["DELETE"]))
    return sum(done.values())


_WEEKS = """
    SELECT count(DISTINCT date_trunc('week', p.merged_at AT TIME ZONE 'UTC'))
    FROM pulls_pullrequest p JOIN repositories_trackedrepository r ON r.id = p.repository_id
    WHERE r.team_id = %s AND p.merged_at IS NOT NULL
"""

_COMPUTE = """
    MERGE INTO pulls_weeklymetrics AS t
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
        FROM pulls_pullrequest p
        JOIN repositories_trackedrepository r ON r.id = p.repository_id
        LEFT JOIN analysis_analysis a ON a.pull_request_id = p.id
        LEFT JOIN LATERAL (
            SELECT min(authored_at) AS first FROM pulls_commit WHERE pull_request_id = p.id
        ) c ON true
        LEFT JOIN LATERAL (
            SELECT min(submitted_at) AS first FROM pulls_review
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
"""
