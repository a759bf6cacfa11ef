"""What the simulated GitHub holds; attributes are the GraphQL schema's field names in snake case.

Times are GitHub's own text, `YYYY-MM-DDTHH:MM:SSZ`: they sort as they are and are answered as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from apps.github_simulator.actors import WEB, Actor, node_id, stable_number
from apps.github_simulator.git import ChangedFile, Commit, object_id

LISTED_FILES = 3_000  # GitHub lists no more files of a pull request than this

PullRequestState = Literal["OPEN", "CLOSED", "MERGED"]
ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review of a pull request; `submitted_at` is None while it is pending."""

    typename = "PullRequestReview"
    database_id: int
    author: Actor | None
    state: ReviewState
    created_at: str
    submitted_at: str | None
    body: str = ""

    @property
    def id(self) -> str:
        return node_id("PRR", self.database_id)

    @property
    def updated_at(self) -> str:
        return self.created_at

    @property
    def published_at(self) -> str | None:
        return self.submitted_at

    @property
    def body_text(self) -> str:
        return self.body


@dataclass(slots=True, eq=False, kw_only=True)
class PullRequest:
    """One pull request with everything under it."""

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
        return self.repository.database_id * 100_000 + self.number

    @property
    def id(self) -> str:
        return node_id("PR", self.repository.database_id, self.number)

    @property
    def additions(self) -> int:
        return sum(file.additions for file in self.files)

    @property
    def deletions(self) -> int:
        return sum(file.deletions for file in self.files)

    @property
    def changed_files(self) -> int:
        return len(self.files)

    @property
    def merged(self) -> bool:
        return self.state == "MERGED"

    @property
    def closed(self) -> bool:
        return self.state != "OPEN"

    @property
    def published_at(self) -> str:
        return self.created_at

    @property
    def body_text(self) -> str:
        return self.body

    @property
    def base_ref_name(self) -> str:
        return self.repository.default_branch

    @property
    def base_ref_oid(self) -> str:
        return object_id("base", self.repository.database_id, self.number)

    @property
    def head_ref_oid(self) -> str:
        return self.commits[-1].oid if self.commits else object_id("head", self.id)

    @property
    def base_repository(self) -> Repository:
        return self.repository

    @property
    def head_repository_owner(self) -> Actor | None:
        return self.head_repository.owner if self.head_repository else None

    @property
    def is_cross_repository(self) -> bool:
        return self.head_repository is not self.repository

    @property
    def review_decision(self) -> str | None:
        """The last opinion of each reviewer decides: one that asks for changes outweighs approvals."""
        opinions = {
            review.author: review.state for review in self.reviews if review.state in ("APPROVED", "CHANGES_REQUESTED")
        }
        if "CHANGES_REQUESTED" in opinions.values():
            return "CHANGES_REQUESTED"
        return "APPROVED" if opinions else None

    @property
    def resource_path(self) -> str:
        return f"/{self.repository.name_with_owner}/pull/{self.number}"

    @property
    def url(self) -> str:
        return WEB + self.resource_path

    @property
    def permalink(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class PullRequestCommit:
    """A commit as part of a pull request."""

    typename = "PullRequestCommit"
    pull_request: PullRequest
    commit: Commit

    @property
    def id(self) -> str:
        return node_id("PURC", self.pull_request.database_id, self.commit.oid)

    @property
    def resource_path(self) -> str:
        return f"{self.pull_request.resource_path}/commits/{self.commit.oid}"

    @property
    def url(self) -> str:
        return WEB + self.resource_path


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch, known by its name only."""

    typename = "Ref"
    name: str


@dataclass(slots=True, eq=False, kw_only=True)
class Repository:
    """One repository; its ids come from the name it was created with and survive a rename."""

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
        return node_id("R", self.database_id)

    @property
    def is_fork(self) -> bool:
        return False

    @property
    def is_disabled(self) -> bool:
        return False

    @property
    def is_locked(self) -> bool:
        return False

    @property
    def is_empty(self) -> bool:
        return False

    @property
    def default_branch_ref(self) -> Branch:
        return Branch(self.default_branch)

    @property
    def archived_at(self) -> str | None:
        return self.updated_at if self.is_archived else None

    @property
    def visibility(self) -> str:
        return "PRIVATE" if self.is_private else "PUBLIC"

    @property
    def name_with_owner(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def resource_path(self) -> str:
        return f"/{self.name_with_owner}"

    @property
    def url(self) -> str:
        return WEB + self.resource_path


@dataclass(frozen=True, slots=True)
class Fork:
    """A contributor's fork, known only as the head of pull requests."""

    typename = "Repository"
    owner: Actor
    name: str

    @property
    def database_id(self) -> int:
        return stable_number(self.name_with_owner.lower())

    @property
    def id(self) -> str:
        return node_id("R", self.database_id)

    @property
    def is_fork(self) -> bool:
        return True

    @property
    def name_with_owner(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def resource_path(self) -> str:
        return f"/{self.name_with_owner}"

    @property
    def url(self) -> str:
        return WEB + self.resource_path
