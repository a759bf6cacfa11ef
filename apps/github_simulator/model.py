"""The data of the simulated GitHub; attributes are the GraphQL schema's field names in snake case.

Times are in GitHub's own format, `YYYY-MM-DDTHH:MM:SSZ`: as text they sort in order, and they are sent as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from apps.github_simulator.actors import Actor
from apps.github_simulator.forks import Fork, NamedRepository
from apps.github_simulator.git import ChangedFile, Commit
from apps.github_simulator.identity import WebPage, node_id, object_id

LISTED_FILES = 3_000
"""The most files of one pull request that GitHub lists."""

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
        """The global node id."""
        return node_id("PRR", self.database_id)


@dataclass(slots=True, eq=False, kw_only=True)
class PullRequest(WebPage):
    """One pull request with its commits, files and reviews."""

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
        """The numeric id."""
        return self.repository.database_id * 100_000 + self.number

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("PR", self.repository.database_id, self.number)

    @property
    def additions(self) -> int:
        """The number of lines added, over all files."""
        return sum(file.additions for file in self.files)

    @property
    def deletions(self) -> int:
        """The number of lines deleted, over all files."""
        return sum(file.deletions for file in self.files)

    @property
    def changed_files(self) -> int:
        """The number of files, including those beyond the listed ones."""
        return len(self.files)

    @property
    def merged(self) -> bool:
        """Whether it has been merged."""
        return self.state == "MERGED"

    @property
    def closed(self) -> bool:
        """Whether it has been merged or closed without merging."""
        return self.state != "OPEN"

    @property
    def base_ref_name(self) -> str:
        """The branch that it targets."""
        return self.repository.default_branch

    @property
    def base_ref_oid(self) -> str:
        """A made-up commit id for the target branch."""
        return object_id("base", self.repository.database_id, self.number)

    @property
    def head_ref_oid(self) -> str:
        """The id of its last commit."""
        return self.commits[-1].oid if self.commits else object_id("head", self.id)

    @property
    def head_repository_owner(self) -> Actor | None:
        """The owner of the repository that it comes from; None if that is deleted."""
        return self.head_repository.owner if self.head_repository else None

    @property
    def is_cross_repository(self) -> bool:
        """Whether it comes from another repository, such as a fork."""
        return self.head_repository is not self.repository

    @property
    def review_decision(self) -> str | None:
        """The verdict of the latest review by each reviewer: one request for changes outweighs all approvals."""
        opinions = {
            review.author: review.state for review in self.reviews if review.state in ("APPROVED", "CHANGES_REQUESTED")
        }
        if "CHANGES_REQUESTED" in opinions.values():
            return "CHANGES_REQUESTED"
        return "APPROVED" if opinions else None

    @property
    def resource_path(self) -> str:
        """The path of its page."""
        return f"/{self.repository.name_with_owner}/pull/{self.number}"

    def review_id(self, position: int) -> int:
        """Return the numeric id of the review at `position` in the pull request's history."""
        return self.database_id * 10_000 + position


def by_updated_at(pull_request: PullRequest) -> tuple[str, int]:
    """Return the sort key of a listing in order of update."""
    return pull_request.updated_at, pull_request.database_id


def by_created_at(pull_request: PullRequest) -> tuple[str, int]:
    """Return the sort key of a listing in order of creation."""
    return pull_request.created_at, pull_request.database_id


@dataclass(frozen=True, slots=True)
class PullRequestCommit(WebPage):
    """A commit in the context of a pull request."""

    typename = "PullRequestCommit"
    pull_request: PullRequest
    commit: Commit

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("PURC", self.pull_request.database_id, self.commit.oid)

    @property
    def resource_path(self) -> str:
        """The path of its page."""
        return f"{self.pull_request.resource_path}/commits/{self.commit.oid}"


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch, of which only the name is known."""

    typename = "Ref"
    name: str


@dataclass(slots=True, eq=False, kw_only=True)
class Repository(NamedRepository):
    """One repository; its ids are derived from its original name and survive a rename."""

    is_fork = False
    is_disabled = False
    is_locked = False
    is_empty = False
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
    def default_branch_ref(self) -> Branch:
        """The default branch."""
        return Branch(self.default_branch)

    @property
    def archived_at(self) -> str | None:
        """When it was archived; None if it is not."""
        return self.updated_at if self.is_archived else None

    @property
    def visibility(self) -> str:
        """PRIVATE or PUBLIC."""
        return "PRIVATE" if self.is_private else "PUBLIC"
