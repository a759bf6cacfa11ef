"""Fill the tables with many teams' queued rows, and empty them again.

Every team has repositories of its own and shares its account with other teams. Every second account has teams whose recent
runs have just begun. Those of all other teams are over, and so is every third of their backfills, which are a run per
repository. Of what is queued every tenth backs off.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.integrations.models import PipelineRun, RepoSync
    from apps.repositories.models import TrackedRepository
    from apps.teams.models import Team

_TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
_BATCH = 5_000


@contextmanager
def queued_rows(*, teams: int, repositories: int, accounts: int) -> Iterator[int]:
    """Fill the tables for the block, which were and will be empty, and yield how many rows are queued."""
    empty()
    try:
        yield _fill(teams=teams, repositories=repositories, accounts=accounts)
    finally:
        empty()


def _fill(*, teams: int, repositories: int, accounts: int) -> int:
    """Store everything, and return how many rows are queued."""
    from apps.integrations.models import ApiLane, RepoSync
    from apps.integrations.runs.attempts import WAITING

    tracked = _tracked(teams=teams, repositories=repositories, accounts=accounts)
    ApiLane.objects.bulk_create(
        ApiLane(account=f"github.com/{number}", graphql_limit=5_000, graphql_remaining=4_000, graphql_reset_at=_ago(-1))
        for number in range(accounts)
    )
    begun = {number for number in range(teams) if number % 2 == number // accounts % 2 == 0}
    rows = _recent_rows(tracked, begun) + _backfill_rows(tracked, begun)
    RepoSync.objects.bulk_create(rows, batch_size=_BATCH)
    _execute("VACUUM ANALYZE")
    return sum(row.state in WAITING for row in rows)


def _tracked(*, teams: int, repositories: int, accounts: int) -> list[list[TrackedRepository]]:
    """Store the teams, and return their repositories."""
    from apps.repositories.models import GitHubConnection, TrackedRepository
    from apps.teams.models import Team

    owners: Sequence[Team] = Team.objects.bulk_create(
        Team(slug=f"team-{number}", name=f"Team {number}") for number in range(teams)
    )
    connections = GitHubConnection.objects.bulk_create(
        GitHubConnection(team=team, account=f"github.com/{number % accounts}", encrypted_token=b"")
        for number, team in enumerate(owners)
    )
    stored = TrackedRepository.objects.bulk_create(
        (
            TrackedRepository(team_id=connection.team_id, connection=connection, full_name=f"owner/repository-{number}")
            for connection in connections
            for number in range(repositories // teams)
        ),
        batch_size=_BATCH,
    )
    each = repositories // teams
    return [stored[begin : begin + each] for begin in range(0, len(stored), each)]


def _recent_rows(tracked: Sequence[Sequence[TrackedRepository]], begun: Collection[int]) -> list[RepoSync]:
    """Return the rows of a recent run of each team, which is over unless the team is one of the `begun`."""
    runs = _stored_runs(
        (theirs[0].team_id, "recent", "running" if number in begun else "completed") for number, theirs in enumerate(tracked)
    )
    return [_row(run, each) for run, theirs in zip(runs, tracked, strict=True) for each in theirs]


def _backfill_rows(tracked: Sequence[Sequence[TrackedRepository]], begun: Collection[int]) -> list[RepoSync]:
    """Return the rows of the backfills that follow the recent runs that are over; one in three is over, too."""
    theirs = [each for number, some in enumerate(tracked) if number not in begun for each in some]
    runs = _stored_runs(
        (each.team_id, "backfill", "completed" if number % 3 == 0 else "running") for number, each in enumerate(theirs)
    )
    return [_row(run, each) for run, each in zip(runs, theirs, strict=True)]


def _stored_runs(wanted: Iterator[tuple[int, str, str]]) -> Sequence[PipelineRun]:
    """Store a run for each team, kind and state."""
    from apps.integrations.models import PipelineRun

    phase = {
        ("recent", "running"): "syncing",
        ("recent", "completed"): "phase1_complete",
        ("backfill", "running"): "background_syncing",
        ("backfill", "completed"): "complete",
    }
    runs = PipelineRun.objects.bulk_create(
        (
            PipelineRun(
                team_id=team_id,
                kind=kind,
                state=state,
                phase=phase[kind, state],
                traceparent=_TRACEPARENT,
                started_ns=time.time_ns(),
                started_at=_ago(2),
                announced_at=_ago(2),
                ended_at=None if state == "running" else _ago(1),
                exported_at=None if state == "running" else _ago(1),
            )
            for team_id, kind, state in wanted
        ),
        batch_size=_BATCH,
    )
    return list(runs)


def _row(run: PipelineRun, repository: TrackedRepository) -> RepoSync:
    """Return a repository's row: queued, backing off, or completed with its run."""
    from apps.integrations.models import RepoSync

    of_run: dict[str, Any] = {
        "run": run,
        "repository": repository,
        "connection_id": repository.connection_id,
        "is_backfill": run.kind == "backfill",
    }
    if run.state != "running":
        of_run |= {"disposition": RepoSync.Disposition.SYNCED, "prs_done": 100, "ended_at": _ago(1)}
        return RepoSync(state=RepoSync.State.COMPLETED, attempt=1, due_at=_ago(2), admitted_at=_ago(1), **of_run)
    if repository.pk % 10 == 0:
        return RepoSync(state=RepoSync.State.RETRYING, attempt=1, due_at=_ago(-1), admitted_at=_ago(1), failures=1, **of_run)
    return RepoSync(due_at=_ago(2), **of_run)


def _ago(hours: float) -> Any:
    from apps.utils import clock

    return clock.now() - timedelta(hours=hours)


def empty() -> None:
    """Delete all teams with everything of theirs, and all lanes."""
    from apps.integrations.models import ApiLane
    from apps.teams.models import Team

    _execute(f"TRUNCATE {Team._meta.db_table}, {ApiLane._meta.db_table} CASCADE")


def _execute(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
