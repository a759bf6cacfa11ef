"""Pull requests as GitHub would tell them, for tests that need some."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.integrations.services.github_nodes import (
    Actor,
    CommitNode,
    Connection,
    FileNode,
    PullRequestNode,
    ReviewNode,
)
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team

DAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""A Monday at noon."""


def whole(nodes: list[Any], total: int | None = None) -> Connection[Any]:
    """A list read to its end, or one of ``total`` as far as ``nodes`` go."""
    return Connection(tuple(nodes), len(nodes) if total is None else total, False, None)


def review(name: str = "r1", **changes: Any) -> ReviewNode:
    """An approval an hour after opening."""
    node = ReviewNode(name, 1, Actor("ben", "User"), "APPROVED", "", DAY + timedelta(hours=1), "c1")
    return replace(node, **changes)


def commit(oid: str = "c1", **changes: Any) -> CommitNode:
    """A commit two hours before opening."""
    node = CommitNode(oid, "do it", DAY - timedelta(hours=2), DAY - timedelta(hours=2), "ada", "Ada", 3, 1)
    return replace(node, **changes)


def file(path: str = "a.py", **changes: Any) -> FileNode:
    """A changed file."""
    return replace(FileNode(path, 3, 1, "MODIFIED"), **changes)


def pull_request(number: int = 1, **changes: Any) -> PullRequestNode:
    """A merged pull request with one review, commit and file."""
    node = PullRequestNode(
        id=f"PR_{number}",
        full_database_id=1000 + number,
        number=number,
        title=f"change {number}",
        body="",
        state="MERGED",
        is_draft=False,
        url=f"https://github.com/o/n/pull/{number}",
        author=Actor("ada", "User"),
        merged_by=Actor("ben", "User"),
        created_at=DAY,
        updated_at=DAY + timedelta(hours=4),
        merged_at=DAY + timedelta(hours=4),
        closed_at=DAY + timedelta(hours=4),
        merge_commit_oid="m1",
        base_ref="main",
        head_ref="topic",
        head_repository="ada/n",
        additions=3,
        deletions=1,
        changed_files=1,
        reviews=whole([review(f"r{number}")]),
        commits=whole([commit(f"c{number}")]),
        files=whole([file()]),
    )
    return replace(node, **changes)


def repository(full_name: str = "o/n", team: str = "team") -> TrackedRepository:
    """A tracked repository of a team of its own."""
    owner, _ = Team.objects.get_or_create(slug=team, defaults={"name": team})
    connection, _ = GitHubConnection.objects.get_or_create(
        team=owner, account="github.test/ada", defaults={"encrypted_token": b""}
    )
    return TrackedRepository.objects.create(team=owner, connection=connection, full_name=full_name)
