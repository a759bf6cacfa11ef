"""What GitHub tells us, as frozen types; what GitHub may leave out is ``None``. No I/O.

Names follow GitHub's GraphQL schema (https://docs.github.com/graphql/reference/objects); datetimes are aware, in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something; ``kind`` is GitHub's type: ``User``, ``Bot``, ``Organization``, ``Mannequin``, ..."""

    login: str
    kind: str


@dataclass(frozen=True, slots=True)
class ReviewNode:
    """One review; ``state`` is GitHub's ``PullRequestReviewState``; ``author`` is None for a deleted account."""

    id: str
    full_database_id: int | None
    author: Actor | None
    state: str
    body: str
    submitted_at: datetime | None
    commit_oid: str | None


@dataclass(frozen=True, slots=True)
class CommitNode:
    """One commit of a pull request; ``author_login`` is None where git's author is no GitHub user."""

    oid: str
    message: str
    authored_at: datetime
    committed_at: datetime
    author_login: str | None
    author_name: str | None
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class FileNode:
    """One changed file; ``change_type`` is GitHub's ``PatchStatus``."""

    path: str
    additions: int
    deletions: int
    change_type: str


@dataclass(frozen=True, slots=True)
class Connection(Generic[T]):
    """A list as far as it was read: complete when ``len(nodes) == total_count``."""

    nodes: tuple[T, ...]
    total_count: int
    has_next_page: bool
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class PullRequestNode:
    """One pull request with its lists.

    ``files`` is None where GitHub cannot say what changed. ``head_repository`` is ``owner/name``, None when the fork is
    deleted; ``author`` and ``merged_by`` are None for deleted accounts.
    """

    id: str
    full_database_id: int
    number: int
    title: str
    body: str
    state: str
    is_draft: bool
    url: str
    author: Actor | None
    merged_by: Actor | None
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
    reviews: Connection[ReviewNode]
    commits: Connection[CommitNode]
    files: Connection[FileNode] | None


@dataclass(frozen=True, slots=True)
class RepositoryNode:
    """A repository as GraphQL names it; ``full_name`` is its present name, also when it was asked for by an old one."""

    id: str
    database_id: int | None
    full_name: str
    is_archived: bool


@dataclass(frozen=True, slots=True)
class PullRequestPage:
    """Pull requests, the last updated first, each with the cursor behind which the next begins.

    ``total_count`` counts the whole repository, ``window_count`` the window asked for (GitHub's search index: an
    estimate), ``newest_updated_at`` is when a pull request last changed; both only where they were asked for. ``cost``
    is in points, over all calls that the page took; None where GitHub does not say.
    """

    repository: RepositoryNode
    items: tuple[tuple[str, PullRequestNode], ...]
    total_count: int
    has_next_page: bool
    end_cursor: str | None
    window_count: int | None
    newest_updated_at: datetime | None
    cost: int | None


@dataclass(frozen=True, slots=True)
class RepositoryInfo:
    """A repository as REST names it; ``renamed_from`` is the name it was asked for by, where that is not its own."""

    id: int
    full_name: str
    archived: bool
    private: bool
    renamed_from: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What is left of one budget; ``resource`` is GitHub's name for it: ``core``, ``graphql``, ..."""

    limit: int
    remaining: int
    used: int
    reset_at: datetime
    resource: str


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer, read to its end; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
