"""What the simulated GitHub holds; attributes are the GraphQL schema's field names in snake case.

Times are GitHub's own text, `YYYY-MM-DDTHH:MM:SSZ`: they sort as they are and are answered as they are.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Literal

WEB = "https://github.com"
LISTED_FILES = 3_000  # GitHub lists no more files of a pull request than this

ActorType = Literal["User", "Bot", "Organization", "Mannequin"]
PullRequestState = Literal["OPEN", "CLOSED", "MERGED"]
ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]
PatchStatus = Literal["ADDED", "CHANGED", "COPIED", "DELETED", "MODIFIED", "RENAMED"]

_NODE_PREFIX = {"User": "U", "Bot": "BOT", "Organization": "O", "Mannequin": "M"}


def node_id(prefix: str, *parts: object) -> str:
    """An opaque global id in GitHub's manner, the same for the same parts."""
    text = ":".join(str(part) for part in parts)
    return f"{prefix}_{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def stable_number(text: str) -> int:
    """A number of nine digits that belongs to this text."""
    return 100_000_000 + zlib.crc32(text.encode()) % 100_000_000


def object_id(*parts: object) -> str:
    """A git object id of forty hex digits, the same for the same parts."""
    return sha1(":".join(str(part) for part in parts).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Actor:
    """A user, bot or organization."""

    login: str
    typename: ActorType = "User"

    @property
    def database_id(self) -> int:
        return stable_number(self.login.lower())

    @property
    def id(self) -> str:
        return node_id(_NODE_PREFIX[self.typename], self.login)

    @property
    def name(self) -> str:
        return self.login

    @property
    def resource_path(self) -> str:
        return f"/apps/{self.login}" if self.typename == "Bot" else f"/{self.login}"

    @property
    def url(self) -> str:
        return WEB + self.resource_path

    @property
    def avatar_url(self) -> str:
        return f"https://avatars.githubusercontent.com/u/{self.database_id}?v=4"


@dataclass(frozen=True, slots=True)
class GitActor:
    """Who wrote a commit, as git knows them; `user` is None when no GitHub account has the address."""

    typename = "GitActor"
    name: str
    user: Actor | None
    date: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a pull request."""

    typename = "Commit"
    oid: str
    message: str
    author: GitActor
    authored_date: str
    committed_date: str
    additions: int
    deletions: int

    @property
    def id(self) -> str:
        return node_id("C", self.oid)

    @property
    def committer(self) -> GitActor:
        return self.author

    @property
    def abbreviated_oid(self) -> str:
        return self.oid[:7]

    @property
    def message_headline(self) -> str:
        return self.message.partition("\n")[0]

    @property
    def message_body(self) -> str:
        return self.message.partition("\n")[2].lstrip("\n")


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file that a pull request changes."""

    typename = "PullRequestChangedFile"
    path: str
    additions: int
    deletions: int
    change_type: PatchStatus = "MODIFIED"


@dataclass(frozen=True, slots=True)
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
            review.author: review.state
            for review in self.reviews
            if review.state in ("APPROVED", "CHANGES_REQUESTED")
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
