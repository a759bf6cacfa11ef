"""Rows as the store writes them: a field is a column, in the table's order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PullRequestRow:
    """A row of PullRequest; its key is (repository_id, number)."""

    repository_id: int
    github_id: int
    number: int
    title: str
    body: str
    state: str
    is_draft: bool
    url: str
    author: str | None
    author_kind: str | None
    merged_by: str | None
    created_at: datetime
    updated_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    merge_commit_oid: str | None
    base_ref: str
    head_ref: str
    head_repository: str | None
    additions: int
    deletions: int
    changed_files: int
    reviews_total: int
    commits_total: int
    files_total: int | None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A row of Review, of the pull request with ``number``."""

    number: int
    node_id: str
    github_id: int | None
    author: str | None
    author_kind: str | None
    state: str
    body: str
    submitted_at: datetime | None
    commit_oid: str | None


@dataclass(frozen=True, slots=True)
class CommitRow:
    """A row of Commit, of the pull request with ``number``."""

    number: int
    oid: str
    message: str
    author_login: str | None
    author_name: str | None
    authored_at: datetime
    committed_at: datetime
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of ChangedFile, of the pull request with ``number``."""

    number: int
    path: str
    additions: int
    deletions: int
    change_type: str


@dataclass(frozen=True, slots=True)
class PageRows:
    """A page's rows; ``complete_*`` are the pull requests whose list is whole, so that what is not in it has gone."""

    pull_requests: tuple[PullRequestRow, ...]
    reviews: tuple[ReviewRow, ...]
    commits: tuple[CommitRow, ...]
    files: tuple[FileRow, ...]
    complete_reviews: frozenset[int]
    complete_commits: frozenset[int]
    complete_files: frozenset[int]
