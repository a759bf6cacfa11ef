"""Rows as the store writes them: each field is a column of the same name. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from apps.catalog import EntityType

ListName = Literal["reviews", "commits", "files"]
"""The stored lists of a pull request."""


class PullRequestRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of `PullRequest`; its key is `repository_id` and `number`."""

    repository_id: int
    github_id: int | None
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
    additions: int | None
    deletions: int | None
    changed_files: int | None
    reviews_total: int
    commits_total: int
    files_total: int | None


class ListRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of one of a pull request's lists; `number` is the pull request's."""

    number: int


class ReviewRow(ListRow, frozen=True, kw_only=True):
    """A row of `Review`."""

    node_id: str
    github_id: int | None
    author: str | None
    author_kind: str | None
    state: str
    body: str
    submitted_at: datetime | None
    commit_oid: str | None


class CommitRow(ListRow, frozen=True, kw_only=True):
    """A row of `Commit`."""

    oid: str
    message: str
    author_login: str | None
    author_name: str | None
    authored_at: datetime | None
    committed_at: datetime | None
    additions: int | None
    deletions: int | None


class FileRow(ListRow, frozen=True, kw_only=True):
    """A row of `ChangedFile`."""

    path: str
    additions: int | None
    deletions: int | None
    change_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredList:
    """One list of a pull request as it is stored.

    `model` is a Django label, `key` the column that distinguishes a pull request's rows, and `total` the column of
    `PullRequest` with GitHub's own count of them.
    """

    name: ListName
    entity_type: EntityType
    row: type[ListRow]
    model: str
    key: str
    total: str


REVIEWS = StoredList(
    name="reviews", entity_type="review", row=ReviewRow, model="pulls.Review", key="node_id", total="reviews_total"
)
COMMITS = StoredList(
    name="commits", entity_type="commit", row=CommitRow, model="pulls.Commit", key="oid", total="commits_total"
)
FILES = StoredList(
    name="files", entity_type="file", row=FileRow, model="pulls.ChangedFile", key="path", total="changed_files"
)
LISTS = (REVIEWS, COMMITS, FILES)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListRows:
    """A page's rows of one list.

    `complete` holds the numbers of the pull requests whose list is complete: any other stored row of theirs is gone
    from GitHub.
    """

    rows: tuple[ListRow, ...]
    complete: frozenset[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRows:
    """A page's rows; no two have the same key."""

    pull_requests: tuple[PullRequestRow, ...]
    lists: Mapping[ListName, ListRows]

    def counts(self) -> Mapping[ListName, Counter[int]]:
        """Return how many rows of each list each pull request has on this page, by its number."""
        return {name: Counter(row.number for row in found.rows) for name, found in self.lists.items()}
