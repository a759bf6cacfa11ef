"""Pull requests as GitHub reports them, for tests that need some."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from apps.integrations.github.nodes import (
    Actor,
    CommitNode,
    Connection,
    FileNode,
    GitActor,
    GitCommit,
    Login,
    ObjectId,
    PageInfo,
    PullRequestNode,
    RepositoryName,
    ReviewNode,
)
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.services.mapping import page_rows
from apps.pulls.store import store_page
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team

DAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""A Monday at noon."""


def whole(nodes: list[Any], total: int | None = None) -> Connection[Any]:
    """Return a list read to its end, or one of `total` as far as `nodes` go."""
    return Connection(
        nodes=tuple(nodes),
        total_count=len(nodes) if total is None else total,
        page_info=PageInfo(has_next_page=False, end_cursor=None),
    )


def user(login: str) -> Actor:
    """Return a person."""
    return Actor(login=login, kind="User")


def review(name: str = "r1", **changes: Any) -> ReviewNode:
    """Return an approval an hour after opening."""
    node = ReviewNode(
        id=name,
        full_database_id="1",
        author=user("ben"),
        state="APPROVED",
        body="",
        submitted_at=DAY + timedelta(hours=1),
        commit=ObjectId(oid="c1"),
    )
    return replace(node, **changes)


def commit(oid: str = "c1", **changes: Any) -> CommitNode:
    """Return a commit two hours before opening."""
    inner = GitCommit(
        oid=oid,
        message="do it",
        authored_date=DAY - timedelta(hours=2),
        committed_date=DAY - timedelta(hours=2),
        author=GitActor(name="Ada", user=Login(login="ada")),
        additions=3,
        deletions=1,
    )
    return CommitNode(commit=replace(inner, **changes))


def file(path: str = "a.py", **changes: Any) -> FileNode:
    """Return a changed file."""
    return replace(FileNode(path=path, additions=3, deletions=1, change_type="MODIFIED"), **changes)


def pull_request(number: int = 1, **changes: Any) -> PullRequestNode:
    """Return a merged pull request with one review, commit and file."""
    node = PullRequestNode(
        id=f"PR_{number}",
        full_database_id=str(1000 + number),
        number=number,
        title=f"change {number}",
        body="",
        state="MERGED",
        is_draft=False,
        url=f"https://github.com/o/n/pull/{number}",
        author=user("ada"),
        merged_by=user("ben"),
        created_at=DAY,
        updated_at=DAY + timedelta(hours=4),
        merged_at=DAY + timedelta(hours=4),
        closed_at=DAY + timedelta(hours=4),
        merge_commit=ObjectId(oid="m1"),
        base_ref_name="main",
        head_ref_name="topic",
        head_repository=RepositoryName(name_with_owner="ada/n"),
        additions=3,
        deletions=1,
        changed_files=1,
        reviews=whole([review(f"r{number}")]),
        commits=whole([commit(f"c{number}")]),
        files=whole([file()]),
    )
    return replace(node, **changes)


def repository(full_name: str = "o/n", team: str = "team") -> TrackedRepository:
    """Return a tracked repository of a team of its own."""
    owner, _ = Team.objects.get_or_create(slug=team, defaults={"name": team})
    connection, _ = GitHubConnection.objects.get_or_create(
        team=owner, account="github.test/ada", defaults={"encrypted_token": b""}
    )
    return TrackedRepository.objects.create(team=owner, connection=connection, full_name=full_name)


def store(repository_id: int, *nodes: PullRequestNode) -> int:
    """Store the nodes as one page, and return how many were new."""
    return store_page(repository_id=repository_id, rows=page_rows(nodes, repository_id=repository_id))


def repo_sync(run: PipelineRun, tracked: TrackedRepository, **fields: Any) -> RepoSync:
    """Store a repository's row in a run, due when the run began, and return it."""
    return RepoSync.objects.create(
        run=run,
        repository=tracked,
        connection=tracked.connection,
        is_backfill=run.kind == PipelineRun.Kind.BACKFILL,
        **{"due_at": run.started_at, **fields},
    )


def copied(run: PipelineRun, count: int) -> list[PipelineRun]:
    """Return as many other runs, that no task has started, which are as a run is."""
    kept = PipelineRun.objects.filter(pk=run.pk).values().get() | {"id": None, "task_id": None}
    return PipelineRun.objects.bulk_create(PipelineRun(**kept) for _ in range(count))
