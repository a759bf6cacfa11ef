"""The objects of the simulated GitHub, with the GraphQL schema's field names in snake case as attributes.

Times are strings in GitHub's format, `YYYY-MM-DDTHH:MM:SSZ`, which can be sorted and sent without conversion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from apps.github_simulator.actors import WEB, Actor, node_id, stable_number
from apps.github_simulator.git import ChangedFile, Commit, object_id

LISTED_FILES = 3_000  # the most files of a pull request that GitHub lists

PullRequestState = Literal["OPEN", "CLOSED", "MERGED"]
ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]


@dataclass(frozen=True, slots=True)
class Review:
    """A review of a pull request; `submitted_at` is None while it is pending."""

    typename = "PullRequestReview"
    database_id: int
    author: Actor | None
    state: ReviewState
    created_at: str
    submitted_at: str | None
    body: str = ""

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("PRR", self.database_id)

    @property
    def updated_at(self) -> str:
        """The time of the last update, which is that of creation."""
        return self.created_at

    @property
    def published_at(self) -> str | None:
        """The time of publication, which is that of submission."""
        return self.submitted_at

    @property
    def body_text(self) -> str:
        """The body as plain text."""
        return self.body


@dataclass(slots=True, eq=False, kw_only=True)
class PullRequest:
    """A pull request with its commits, files and reviews."""

    typename = "PullRequest"
    repository: Repository
    number: int
    title: str
    body: str
    state: PullRequestState
    author: Actor | None
    created_at: str
    updated_at: str
    merged_at: str | None = None
    closed_at: str | None = None
    merged_by: Actor | None = None
    merge_commit: Commit | None = None
    is_draft: bool = False
    head_ref_name: str
    head_repository: Repository | Fork | None
    commits: list[Commit] = field(default_factory=list)
    files: list[ChangedFile] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)

    @property
    def database_id(self) -> int:
        """The numeric id, derived from the repository's id and the number."""
        return self.repository.database_id * 100_000 + self.number

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("PR", self.repository.database_id, self.number)

    @property
    def additions(self) -> int:
        """The number of lines added in all files."""
        return sum(file.additions for file in self.files)

    @property
    def deletions(self) -> int:
        """The number of lines deleted in all files."""
        return sum(file.deletions for file in self.files)

    @property
    def changed_files(self) -> int:
        """The number of changed files."""
        return len(self.files)

    @property
    def merged(self) -> bool:
        """Whether the pull request has been merged."""
        return self.state == "MERGED"

    @property
    def closed(self) -> bool:
        """Whether the pull request is closed or merged."""
        return self.state != "OPEN"

    @property
    def published_at(self) -> str:
        """The time of publication, which is that of creation."""
        return self.created_at

    @property
    def body_text(self) -> str:
        """The body as plain text."""
        return self.body

    @property
    def base_ref_name(self) -> str:
        """The name of the target branch, which is always the default branch."""
        return self.repository.default_branch

    @property
    def base_ref_oid(self) -> str:
        """The object id of the commit at the target branch's tip."""
        return object_id("base", self.repository.database_id, self.number)

    @property
    def head_ref_oid(self) -> str:
        """The object id of the latest commit, or a made-up one if there are no commits."""
        return self.commits[-1].oid if self.commits else object_id("head", self.id)

    @property
    def base_repository(self) -> Repository:
        """The repository that the pull request targets."""
        return self.repository

    @property
    def head_repository_owner(self) -> Actor | None:
        """The owner of the head repository, or None if that no longer exists."""
        return self.head_repository.owner if self.head_repository else None

    @property
    def is_cross_repository(self) -> bool:
        """Whether the head is in another repository than the base."""
        return self.head_repository is not self.repository

    @property
    def review_decision(self) -> str | None:
        """The decision from each reviewer's latest verdict, where one request for changes outweighs any approvals."""
        opinions = {
            review.author: review.state for review in self.reviews if review.state in ("APPROVED", "CHANGES_REQUESTED")
        }
        if "CHANGES_REQUESTED" in opinions.values():
            return "CHANGES_REQUESTED"
        return "APPROVED" if opinions else None

    @property
    def resource_path(self) -> str:
        """The path of the page on GitHub."""
        return f"/{self.repository.name_with_owner}/pull/{self.number}"

    @property
    def url(self) -> str:
        """The URL of the page on GitHub."""
        return WEB + self.resource_path

    @property
    def permalink(self) -> str:
        """The permanent URL of the page on GitHub."""
        return self.url


@dataclass(frozen=True, slots=True)
class PullRequestCommit:
    """A commit as part of a pull request."""

    typename = "PullRequestCommit"
    pull_request: PullRequest
    commit: Commit

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("PURC", self.pull_request.database_id, self.commit.oid)

    @property
    def resource_path(self) -> str:
        """The path of the page on GitHub."""
        return f"{self.pull_request.resource_path}/commits/{self.commit.oid}"

    @property
    def url(self) -> str:
        """The URL of the page on GitHub."""
        return WEB + self.resource_path


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch, of which only the name is known."""

    typename = "Ref"
    name: str


@dataclass(slots=True, eq=False, kw_only=True)
class Repository:
    """A repository; its ids derive from the name it was created with, so they survive a rename."""

    typename = "Repository"
    owner: Actor
    name: str
    database_id: int
    created_at: str
    pushed_at: str
    updated_at: str
    description: str | None = None
    default_branch: str = "main"
    is_archived: bool = False
    is_private: bool = False
    pull_requests: dict[int, PullRequest] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("R", self.database_id)

    @property
    def is_fork(self) -> bool:
        """False, as no simulated repository is a fork."""
        return False

    @property
    def is_disabled(self) -> bool:
        """False, as no simulated repository is disabled."""
        return False

    @property
    def is_locked(self) -> bool:
        """False, as no simulated repository is locked."""
        return False

    @property
    def is_empty(self) -> bool:
        """False, as every simulated repository has a default branch."""
        return False

    @property
    def default_branch_ref(self) -> Branch:
        """The default branch."""
        return Branch(self.default_branch)

    @property
    def archived_at(self) -> str | None:
        """The time of archiving, which is that of the last update, or None if not archived."""
        return self.updated_at if self.is_archived else None

    @property
    def visibility(self) -> str:
        """The visibility, `PRIVATE` or `PUBLIC`."""
        return "PRIVATE" if self.is_private else "PUBLIC"

    @property
    def name_with_owner(self) -> str:
        """The full name, `owner/name`."""
        return f"{self.owner.login}/{self.name}"

    @property
    def resource_path(self) -> str:
        """The path of the page on GitHub."""
        return f"/{self.name_with_owner}"

    @property
    def url(self) -> str:
        """The URL of the page on GitHub."""
        return WEB + self.resource_path


@dataclass(frozen=True, slots=True)
class Fork:
    """A contributor's fork, which exists only as the head of pull requests."""

    typename = "Repository"
    owner: Actor
    name: str

    @property
    def database_id(self) -> int:
        """The numeric id, derived from the full name."""
        return stable_number(self.name_with_owner.lower())

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("R", self.database_id)

    @property
    def is_fork(self) -> bool:
        """True."""
        return True

    @property
    def name_with_owner(self) -> str:
        """The full name, `owner/name`."""
        return f"{self.owner.login}/{self.name}"

    @property
    def resource_path(self) -> str:
        """The path of the page on GitHub."""
        return f"/{self.name_with_owner}"

    @property
    def url(self) -> str:
        """The URL of the page on GitHub."""
        return WEB + self.resource_path
