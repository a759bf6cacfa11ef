"""GitHub's answers as typed values, which msgspec decodes from JSON. Pure.

Each GraphQL node declares the fields that our documents select, under GitHub's names in snake case
(https://docs.github.com/graphql/reference/objects). What GitHub may leave out is None. Numbers and texts that our
tables could not hold are refused here, with their path.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct, field

T = TypeVar("T")

Int = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
"""GraphQL's Int has 32 bits."""
BigInt = Annotated[int, Meta(ge=0, le=2**63 - 1)] | Annotated[str, Meta(pattern=r"\A[0-9]{1,18}\Z")]
"""GitHub sends it as text, for clients whose numbers are too small."""
DateTime = Annotated[datetime, Meta(tz=True)]

_EXPECTED = Meta(extra={"expected": True})
"""Marks a value that GitHub always knows: if it is None or altered, it was mended and recorded (`mending`)."""
ExpectedInt = Annotated[Int | None, _EXPECTED]
ExpectedBigInt = Annotated[BigInt | None, _EXPECTED]
ExpectedDateTime = Annotated[DateTime | None, _EXPECTED]

ListName = Literal["reviews", "commits", "files"]
"""The lists of a pull request that we read to their end; each has a document of the same name."""


class Node(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A GraphQL selection: each of our fields is one of GitHub's, in camel case there."""


class Actor(Node, frozen=True, kw_only=True):
    """Who did something; `kind` is GitHub's type: `User`, `Bot`, `Organization`, `Mannequin` and so on."""

    login: str
    kind: str = field(name="__typename")


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenHolder:
    """Whose token it is, and what GitHub says about the token itself.

    `scopes` is None if GitHub names none: fine-grained tokens and those of Apps have permissions instead. `expires_at`
    is None if GitHub says nothing, as for a token that never expires.
    """

    login: str
    kind: str
    scopes: tuple[str, ...] | None = None
    expires_at: datetime | None = None


class Login(Node, frozen=True, kw_only=True):
    """A GitHub user, by login alone."""

    login: str


class ObjectId(Node, frozen=True, kw_only=True):
    """A git object."""

    oid: str


class RepositoryName(Node, frozen=True, kw_only=True):
    """A repository as `owner/name`."""

    name_with_owner: str


class PageInfo(Node, frozen=True, kw_only=True):
    """Whether more follows, and the cursor that it follows."""

    has_next_page: bool
    end_cursor: str | None


class Flaw(Struct, frozen=True, kw_only=True, gc=False):
    """A value that was mended or left out: which one, of which pull request if known, and why.

    `cursor` tells one pull request that was left out from another.
    """

    pull_request: int | None
    field: str
    reason: Literal["hidden", "text", "date", "number"]
    cursor: str | None = None


class Connection(Node, Generic[T], frozen=True, kw_only=True):
    """A list as far as it was read, complete once it holds `total_count` nodes; the `flaws` are ours, not GitHub's."""

    total_count: Int
    page_info: PageInfo
    nodes: tuple[T, ...]
    flaws: tuple[Flaw, ...] = ()


class ReviewNode(Node, frozen=True, kw_only=True):
    """A review; `state` is a `PullRequestReviewState`; `author` is None for a deleted account."""

    id: str
    full_database_id: BigInt | None
    author: Actor | None
    state: Annotated[str, Meta(max_length=20)]
    body: str
    submitted_at: DateTime | None
    commit: ObjectId | None

    @property
    def database_id(self) -> int | None:
        """GitHub's numeric id."""
        return None if self.full_database_id is None else int(self.full_database_id)


class GitActor(Node, frozen=True, kw_only=True):
    """A commit's author according to git; `user` is None if no GitHub account has the address."""

    name: str | None
    user: Login | None


class GitCommit(Node, frozen=True, kw_only=True):
    """A commit in git."""

    oid: str
    message: str
    authored_date: ExpectedDateTime
    committed_date: ExpectedDateTime
    additions: ExpectedInt
    deletions: ExpectedInt
    author: GitActor | None


class CommitNode(Node, frozen=True, kw_only=True):
    """A commit of a pull request."""

    commit: GitCommit


class FileNode(Node, frozen=True, kw_only=True):
    """A changed file; `change_type` is a `PatchStatus`."""

    path: str
    additions: ExpectedInt
    deletions: ExpectedInt
    change_type: Annotated[str, Meta(max_length=20)]


class PullRequestNode(Node, frozen=True, kw_only=True):
    """A pull request with its lists.

    `files` is None if GitHub cannot say what changed, or if they were not asked for. `author` and `merged_by` are None for
    deleted accounts, `head_repository` for a deleted fork.
    """

    id: str
    full_database_id: ExpectedBigInt
    number: Int
    title: str
    body: str
    state: Annotated[str, Meta(max_length=10)]
    is_draft: bool
    url: str
    author: Actor | None
    merged_by: Actor | None
    created_at: DateTime
    updated_at: DateTime
    merged_at: DateTime | None
    closed_at: DateTime | None
    merge_commit: ObjectId | None
    base_ref_name: str
    head_ref_name: str
    head_repository: RepositoryName | None
    additions: ExpectedInt
    deletions: ExpectedInt
    changed_files: ExpectedInt
    reviews: Connection[ReviewNode]
    commits: Connection[CommitNode]
    files: Connection[FileNode] | None = None

    @property
    def database_id(self) -> int | None:
        """GitHub's numeric id."""
        return None if self.full_database_id is None else int(self.full_database_id)


class PullRequestEdge(Node, frozen=True, kw_only=True):
    """A pull request on a page, and the cursor that the next one follows."""

    cursor: str
    node: PullRequestNode


class PullRequestConnection(Node, frozen=True, kw_only=True):
    """Some of a repository's pull requests, last updated first; `total_count` counts all of them."""

    total_count: Int
    page_info: PageInfo
    edges: tuple[PullRequestEdge, ...]


class Update(Node, frozen=True, kw_only=True):
    """When a pull request last changed."""

    updated_at: DateTime


class Updates(Node, frozen=True, kw_only=True):
    """When some pull requests last changed."""

    nodes: tuple[Update, ...]


class RepositoryPage(Node, frozen=True, kw_only=True):
    """A repository with a page of its pull requests and, if asked for, its newest change."""

    pull_requests: PullRequestConnection
    newest: Updates | None = None


class Search(Node, frozen=True, kw_only=True):
    """How many issues or pull requests match a search, by GitHub's index: an estimate."""

    issue_count: Int


class Number(Node, frozen=True, kw_only=True):
    """A pull request, by number only."""

    number: Int


class RepositoryNumbers(Node, frozen=True, kw_only=True):
    """A repository with the numbers of some of its pull requests."""

    pull_requests: Connection[Number]


class PullRequestPage(Struct, frozen=True, kw_only=True, gc=False):
    """Pull requests, last updated first.

    `total_count` counts the whole repository, including what is hidden from us, which is among the `flaws`.
    `window_count` counts the requested window, and `newest_updated_at` is when a pull request last changed; both are
    None unless requested. `asked_at` is when GitHub was asked, by its own clock, if it says so.
    """

    edges: tuple[PullRequestEdge, ...]
    total_count: int
    page_info: PageInfo
    window_count: int | None = None
    newest_updated_at: datetime | None = None
    asked_at: datetime | None = None
    flaws: tuple[Flaw, ...] = ()

    @property
    def nodes(self) -> tuple[PullRequestNode, ...]:
        """The pull requests without their cursors."""
        return tuple(edge.node for edge in self.edges)


class RepositoryInfo(Struct, frozen=True, kw_only=True, gc=False):
    """A repository as REST describes it; `renamed_from` is the requested name if that is an old one."""

    id: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    full_name: Annotated[str, Meta(max_length=200)]
    archived: bool
    private: bool
    fork: bool = False
    renamed_from: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RateLimit:
    """What is left of a budget; `resource` is GitHub's name for it, such as `core` or `graphql`."""

    limit: int
    remaining: int
    used: int
    reset_at: datetime
    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """An HTTP answer, read to its end; header names are lower-case, and `seconds` is how long it took to begin."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float = 0.0
