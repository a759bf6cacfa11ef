"""Fill the tables with so many pull requests and runs that a page which reads all of them is slow, and empty them again.

The first repository has a fifth of all pull requests, and none of those is AI-assisted: whoever looks for one there looks at
many. Each run is over ten repositories of a team; one in fifty has failed, and the newest hundred go on. Of one in twenty of
those that ended the causes are not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.queued_rows import empty

_TEAMS = 50
_REPOSITORIES = 40  # a team
_ROWS = 10  # a run


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What pages are asked for: a run, the largest repository, its pull request in the middle, its team, and who looks."""

    run: int
    repository: int
    pull_request: int
    team: str
    staff: str
    member: str


@contextmanager
def page_rows(*, pull_requests: int, runs: int) -> Iterator[Stored]:
    """Fill the tables for the block, which were and will be empty."""
    from django.contrib.auth.models import User

    empty()
    User.objects.all().delete()
    try:
        yield _fill(pull_requests=pull_requests, runs=runs)
    finally:
        empty()
        User.objects.all().delete()


def _fill(*, pull_requests: int, runs: int) -> Stored:
    from django.contrib.auth.models import User
    from django.db import connection

    from apps.integrations.models import PipelineRun
    from apps.pulls.models import PullRequest
    from apps.repositories.models import TrackedRepository
    from apps.teams.models import Membership, Team

    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(
                statement, {"teams": _TEAMS, "each": _REPOSITORIES, "rows": _ROWS, "prs": pull_requests, "runs": runs}
            )
        cursor.execute("VACUUM ANALYZE")
    team = Team.objects.get(slug="team-0")
    member = User.objects.create_user("page-member")
    Membership.objects.create(user=member, team=team)
    repository = TrackedRepository.objects.get(full_name="owner-0/repository-0")
    return Stored(
        run=PipelineRun.objects.filter(team=team).latest("pk").pk,
        repository=repository.pk,
        pull_request=PullRequest.objects.get(repository=repository, number=max(1, pull_requests // 10)).pk,
        team=team.slug,
        staff=User.objects.create_superuser("page-staff").username,
        member=member.username,
    )


_STATEMENTS = (
    """
    INSERT INTO teams_team (slug, name, share, created_at)
    SELECT 'team-' || n, 'Team ' || n, 1, now() FROM generate_series(0, %(teams)s - 1) AS n
    """,
    """
    INSERT INTO repositories_githubconnection (team_id, api_url, account, encrypted_token, token_fingerprint, created_at)
    SELECT id, 'https://api.github.com', 'api.github.com/bot-' || id %% 10, '', '', now() FROM teams_team
    """,
    """
    INSERT INTO repositories_trackedrepository (team_id, connection_id, full_name, is_archived, covered_from, covered_to,
        github_count, stored_count, counted_at, added_at)
    SELECT c.team_id, c.id, replace(t.slug, 'team', 'owner') || '/repository-' || n, false, 'epoch', now(), 500, 500, now(),
        now()
    FROM repositories_githubconnection c JOIN teams_team t ON t.id = c.team_id, generate_series(0, %(each)s - 1) AS n
    ORDER BY t.id, n
    """,
    """
    INSERT INTO integrations_pipelinerun (team_id, kind, state, phase, since, backfill, traceparent, links, started_ns,
        started_at, announced_at, ended_at, logged_at, exported_at, step_attempt, cancelled_by, resumed_by, repos_synced,
        repos_failed, total_prs, error_type, error_msg)
    SELECT t.id, s.kind, s.state, CASE s.kind
            WHEN 'recent' THEN CASE s.state WHEN 'completed' THEN 'phase1_complete' ELSE 'syncing' END
            ELSE CASE s.state WHEN 'completed' THEN 'complete' ELSE 'background_syncing' END
        END,
        s.at - interval '30 days', false, '00-' || md5(n::text) || '-' || left(md5(n::text), 16) || '-01', '[]',
        extract(epoch FROM s.at) * 1000000000, s.at, s.at, s.ended, s.ended, s.ended, 0, '', '', %(rows)s, 0, 400,
        CASE s.state WHEN 'failed' THEN 'every_repository_failed' ELSE '' END,
        CASE s.state WHEN 'failed' THEN 'GitHub: 401: Bad credentials' ELSE '' END
    FROM generate_series(1, %(runs)s) AS n
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM teams_team) t ON t.place = n %% %(teams)s,
    LATERAL (
        SELECT CASE WHEN n > %(runs)s * 0.99 THEN 'running' WHEN n %% 51 = 0 THEN 'failed' ELSE 'completed' END AS state,
            CASE WHEN n / %(teams)s %% 5 = 4 THEN 'backfill' ELSE 'recent' END AS kind,
            now() - (%(runs)s - n) * interval '3 minutes' AS at
    ) AS b, LATERAL (SELECT b.*, CASE b.state WHEN 'running' THEN NULL ELSE b.at + interval '2 minutes' END AS ended) AS s
    ORDER BY n
    """,
    """
    INSERT INTO console_runcauses (run_id, codes, had_spans, of_rules, explained_at)
    SELECT id, CASE WHEN state = 'failed' THEN ARRAY['token_refused'] WHEN id %% 501 = 0 THEN ARRAY['lane_busy']
            WHEN id %% 9 = 0 THEN ARRAY['primary_limit'] ELSE '{}' END, true, 'rules', ended_at
    FROM integrations_pipelinerun WHERE ended_at IS NOT NULL AND id %% 20 > 0
    """,
    """
    INSERT INTO integrations_reposync (run_id, repository_id, connection_id, is_backfill, state, disposition, note, gaps,
        attempt, attempt_traceparent, failures, due_at, wait_reason, paged, prs_done, prs_total, requests, points,
        error_type, error_msg, started_at, ended_at)
    SELECT r.id, o.id, o.connection_id, r.kind = 'backfill',
        CASE r.state WHEN 'running' THEN 'queued' ELSE r.state END,
        CASE r.state WHEN 'running' THEN '' WHEN 'failed' THEN 'failed' ELSE 'synced' END, '',
        CASE WHEN r.id %% 20 = 0 THEN '[{"pull_request": 1, "list": "files", "stored": 3, "total": 9}]' ELSE '[]' END::jsonb,
        1, '', 0, r.started_at, '', true, 40, 40, 3, 3,
        CASE r.state WHEN 'failed' THEN 'unauthorized' ELSE '' END,
        CASE r.state WHEN 'failed' THEN 'GitHub: 401: Bad credentials' ELSE '' END, r.started_at, r.ended_at
    FROM integrations_pipelinerun r, generate_series(0, %(rows)s - 1) AS n
    JOIN LATERAL (
        SELECT o.id, o.connection_id FROM repositories_trackedrepository o WHERE o.team_id = r.team_id
        ORDER BY o.id OFFSET (r.id / %(teams)s * %(rows)s + n) %% %(each)s LIMIT 1
    ) AS o ON true
    ORDER BY r.id
    """,
    """
    INSERT INTO integrations_pointsspent (connection_id, repository_id, hour, points)
    SELECT connection_id, repository_id, date_trunc('hour', started_at, 'UTC'), sum(points)
    FROM integrations_reposync GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO pulls_pullrequest (repository_id, github_id, number, title, body, state, is_draft, url, author, created_at,
        updated_at, merged_at, base_ref, head_ref, additions, deletions, changed_files, reviews_total, commits_total,
        files_total)
    SELECT o.id, n, n, 'change ' || md5(n::text), repeat('what it does ', 20),
        (ARRAY['MERGED', 'MERGED', 'CLOSED', 'OPEN'])[1 + n %% 4], false, 'https://github.com/o/n/pull/' || n,
        'user-' || n %% 97, s.at, s.at, CASE WHEN n %% 4 < 2 THEN s.at END, 'main', 'topic', n %% 300, n %% 70, 3, 1, 1, 3
    FROM (
            SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS all
            FROM repositories_trackedrepository
        ) AS o,
        LATERAL generate_series(1, CASE o.place WHEN 0 THEN %(prs)s / 5 ELSE %(prs)s * 4 / 5 / (o.all - 1) END) AS n,
        LATERAL (SELECT now() - n * interval '1 minute' AS at) AS s
    """,
    """
    INSERT INTO analysis_analysis (pull_request_id, is_ai_assisted, tools, evidence, of_update)
    SELECT p.id, s.found, CASE WHEN s.found THEN ARRAY['Claude Code'] ELSE '{}' END,
        CASE WHEN s.found THEN 'Claude Code: commit 0123456789' ELSE '' END, p.updated_at
    FROM pulls_pullrequest p, LATERAL (
        SELECT p.number %% 3 = 0 AND p.repository_id <> (SELECT min(id) FROM repositories_trackedrepository) AS found
    ) AS s
    """,
    """
    INSERT INTO analysis_weeklymetrics (team_id, week, merged, cycle_time_hours, review_time_hours, size, ai_assisted_share)
    SELECT id, date_trunc('week', now() AT TIME ZONE 'UTC')::date - 7 * n, 20 + n, 30 + n, 4, 120, 0.3
    FROM teams_team, generate_series(0, 104) AS n
    """,
)
"""Each in one statement: a million rows are there in less than a minute."""
