"""GitHub's nodes as rows. Pure: what PostgreSQL cannot hold is mended here, and a page never holds a key twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from apps.integrations.github.nodes import Connection, PullRequestNode
from apps.pulls.rows import CommitRow, FileRow, PageRows, PullRequestRow, ReviewRow
from apps.utils.text import storable as text

R = TypeVar("R")


def page_rows(nodes: Sequence[PullRequestNode], *, repository_id: int) -> PageRows:
    """The rows of ``nodes``, the first of two with the same key: GitHub lists the last updated first."""
    pull_requests = _distinct(nodes, lambda node: node.number)
    return PageRows(
        pull_requests=tuple(_pull_request(node, repository_id) for node in pull_requests),
        reviews=tuple(row for node in pull_requests for row in _reviews(node)),
        commits=tuple(row for node in pull_requests for row in _commits(node)),
        files=tuple(row for node in pull_requests for row in _files(node)),
        complete_reviews=frozenset(node.number for node in pull_requests if _is_whole(node.reviews)),
        complete_commits=frozenset(node.number for node in pull_requests if _is_whole(node.commits)),
        complete_files=frozenset(node.number for node in pull_requests if node.files and _is_whole(node.files)),
    )


def _optional(value: str | None) -> str | None:
    return None if value is None else text(value)


def _pull_request(node: PullRequestNode, repository_id: int) -> PullRequestRow:
    return PullRequestRow(
        repository_id=repository_id,
        github_id=node.full_database_id,
        number=node.number,
        title=text(node.title),
        body=text(node.body),
        state=node.state,
        is_draft=node.is_draft,
        url=node.url,
        author=node.author.login if node.author else None,
        author_kind=node.author.kind if node.author else None,
        merged_by=node.merged_by.login if node.merged_by else None,
        created_at=node.created_at,
        updated_at=node.updated_at,
        merged_at=node.merged_at,
        closed_at=node.closed_at,
        merge_commit_oid=node.merge_commit_oid,
        base_ref=text(node.base_ref),
        head_ref=text(node.head_ref),
        head_repository=node.head_repository,
        additions=node.additions,
        deletions=node.deletions,
        changed_files=node.changed_files,
        reviews_total=node.reviews.total_count,
        commits_total=node.commits.total_count,
        files_total=node.files.total_count if node.files else None,
    )


def _reviews(node: PullRequestNode) -> Iterable[ReviewRow]:
    for review in _distinct(node.reviews.nodes, lambda review: review.id):
        yield ReviewRow(
            number=node.number,
            node_id=review.id,
            github_id=review.full_database_id,
            author=review.author.login if review.author else None,
            author_kind=review.author.kind if review.author else None,
            state=review.state,
            body=text(review.body),
            submitted_at=review.submitted_at,
            commit_oid=review.commit_oid,
        )


def _commits(node: PullRequestNode) -> Iterable[CommitRow]:
    for commit in _distinct(node.commits.nodes, lambda commit: commit.oid):
        yield CommitRow(
            number=node.number,
            oid=commit.oid,
            message=text(commit.message),
            author_login=commit.author_login,
            author_name=_optional(commit.author_name),
            authored_at=commit.authored_at,
            committed_at=commit.committed_at,
            additions=commit.additions,
            deletions=commit.deletions,
        )


def _files(node: PullRequestNode) -> Iterable[FileRow]:
    for file in _distinct(node.files.nodes if node.files else (), lambda file: text(file.path)):
        yield FileRow(
            number=node.number,
            path=text(file.path),
            additions=file.additions,
            deletions=file.deletions,
            change_type=file.change_type,
        )


def _is_whole(connection: Connection[R]) -> bool:
    return len(connection.nodes) >= connection.total_count


def _distinct(items: Iterable[R], key: Callable[[R], Hashable]) -> list[R]:
    seen: dict[Hashable, R] = {}
    for item in items:
        seen.setdefault(key(item), item)
    return list(seen.values())
