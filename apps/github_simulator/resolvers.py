"""Resolve the fields of GitHub's schema.

By default a field is the attribute of the same name, in snake case, of its parent object. Only the fields that take
arguments or need more than their parent have a resolver here. Any other field is null, with an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from graphql import GraphQLResolveInfo

from apps.github_simulator.accounts import Account
from apps.github_simulator.actors import Actor
from apps.github_simulator.connections import Connection, connect
from apps.github_simulator.git import ChangedFile, Commit, GitActor
from apps.github_simulator.graphql_errors import FieldError
from apps.github_simulator.issue_search import search_pull_requests
from apps.github_simulator.model import LISTED_FILES, PullRequest, PullRequestCommit, Repository, Review
from apps.github_simulator.world import Node, World

_SEARCHED = 1_000  # search returns at most this many results, however high its count
_INT_MAX = 2**31 - 1
_MISSING = object()


@dataclass(slots=True)
class Asked:
    """The context of a query: the world, the account that asks, and the number of fields that failed."""

    world: World
    account: Account
    failures: int = field(default=0)


@dataclass(frozen=True, slots=True)
class RateLimitField:
    """A placeholder for `rateLimit`, whose numbers are filled in when the answer is sent."""


Info = GraphQLResolveInfo
Resolver = Callable[..., Any]


def resolve(source: Any, info: Info, **arguments: Any) -> Any:
    """Return the value of a field; this is the `field_resolver` of every query."""
    special = _SPECIAL.get((info.parent_type.name, info.field_name))
    try:
        if special is not None:
            return special(source, info, **arguments)
        value = getattr(source, _snake_case(info.field_name), _MISSING)
        if value is _MISSING:
            name = f"{info.parent_type.name}.{info.field_name}"
            raise FieldError("NOT_SIMULATED", f"The simulator does not have {name}.")
    except FieldError:
        info.context.failures += 1
        raise
    return value


def typename(value: Any, _info: Info, _abstract: Any) -> str:
    """Return the name of the concrete type of an interface or union value."""
    name: str = value.typename
    return name


@lru_cache(maxsize=1_024)
def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _repository(_source: object, info: Info, owner: str, name: str, followRenames: bool = True) -> Repository:  # noqa: N803 (GitHub's argument)
    full_name = f"{owner}/{name}"
    repository = info.context.world.repository(full_name, follow_renames=followRenames)
    if repository is None or not info.context.account.sees(repository):
        raise FieldError("NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'.")
    found: Repository = repository
    return found


def _find_node(info: Info, global_id: str) -> Node:
    node: Node | None = info.context.world.node(global_id)
    seen = node.repository if isinstance(node, PullRequest) else node
    if node is None or (isinstance(seen, Repository) and not info.context.account.sees(seen)):
        raise FieldError("NOT_FOUND", f"Could not resolve to a node with the global id of '{global_id}'")
    return node


def _nodes(_source: object, info: Info, ids: list[str]) -> list[Node | FieldError]:
    """Return one entry per id; graphql-core turns an exception in the list into null with an error at its index."""

    def one(global_id: str) -> Node | FieldError:
        try:
            return _find_node(info, global_id)
        except FieldError as error:
            info.context.failures += 1
            return error

    return [one(global_id) for global_id in ids]


def _owner(kind: str) -> Resolver:
    def find(_source: object, info: Info, login: str) -> Actor:
        owner = info.context.world.owner(login)
        if owner is None or (kind != "Repository owner" and owner.typename != kind):
            article = "an" if kind[0] in "AEIO" else "a"
            raise FieldError("NOT_FOUND", f"Could not resolve to {article} {kind} with the login of '{login}'.")
        found: Actor = owner
        return found

    return find


def _search(_source: object, info: Info, query: str, type: str, **page: Any) -> Connection[PullRequest]:  # noqa: A002 (GitHub's argument)
    if not type.startswith("ISSUE"):
        raise FieldError("NOT_SIMULATED", f"The simulator searches issues, not {type}.")
    found = search_pull_requests(info.context.world, info.context.account, query)
    listed = connect(found[-_SEARCHED:], key=_by_updated_at, descending=True, **page)
    return replace(listed, total_count=len(found))


def _by_updated_at(pr: PullRequest) -> tuple[str, int]:
    return pr.updated_at, pr.database_id


_PULL_REQUEST_ORDERS: dict[str, tuple[str, Callable[[PullRequest], tuple[str, int]]]] = {
    "UPDATED_AT": ("updated_at", _by_updated_at),
    "CREATED_AT": ("created_at", lambda pr: (pr.created_at, pr.database_id)),
}


def _pull_requests(repository: Repository, info: Info, **arguments: Any) -> Connection[PullRequest]:
    order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    if order["field"] not in _PULL_REQUEST_ORDERS:
        raise FieldError("NOT_SIMULATED", f"The simulator does not order by {order['field']}.")
    attribute, key = _PULL_REQUEST_ORDERS[order["field"]]
    items = info.context.world.ordered(repository, attribute)
    if states := arguments.get("states"):
        items = [pr for pr in items if pr.state in states]
    for argument, name in (("baseRefName", "base_ref_name"), ("headRefName", "head_ref_name")):
        if (wanted := arguments.get(argument)) is not None:
            items = [pr for pr in items if getattr(pr, name) == wanted]
    if arguments.get("labels"):
        items = []
    return connect(items, key=key, descending=order["direction"] == "DESC", **arguments)


def _pull_request(repository: Repository, _info: Info, number: int) -> PullRequest:
    try:
        return repository.pull_requests[number]
    except KeyError:
        message = f"Could not resolve to a PullRequest with the number of {number}."
        raise FieldError("NOT_FOUND", message) from None


def _reviews(pr: PullRequest, _info: Info, **arguments: Any) -> Connection[Review]:
    items = pr.reviews
    if states := arguments.get("states"):
        items = [review for review in items if review.state in states]
    if author := arguments.get("author"):
        items = [review for review in items if review.author and review.author.login.lower() == author.lower()]
    return connect(items, key=lambda review: (review.created_at, review.database_id), **arguments)


def _commits(pr: PullRequest, _info: Info, **page: Any) -> Connection[tuple[int, Commit]]:
    """Return a page of the commits, ordered by their position in the pull request."""
    return connect(
        tuple(enumerate(pr.commits)),
        key=lambda item: (item[0], item[1].oid),
        as_node=lambda item: PullRequestCommit(pr, item[1]),
        **page,
    )


def _files(pr: PullRequest, _info: Info, **page: Any) -> Connection[ChangedFile]:
    return connect(pr.files[:LISTED_FILES], key=lambda file: (file.path, file.path), **page)


def _authors(commit: Commit, _info: Info, **page: Any) -> Connection[tuple[int, GitActor]]:
    return connect(
        tuple(enumerate(commit.authors)), key=lambda item: (item[0], item[1].name), as_node=lambda item: item[1], **page
    )


def _repositories(owner: Actor | None, info: Info, **page: Any) -> Connection[Repository]:
    """Return the owner's repositories visible to the account; for the viewer, all visible repositories."""
    items = [
        repository
        for repository in info.context.world.repositories
        if info.context.account.sees(repository) and owner in (None, repository.owner, info.context.account.actor)
    ]
    return connect(items, key=lambda repository: (repository.database_id, repository.database_id), **page)


def _nothing(_source: object, _info: Info, **page: Any) -> Connection[Any]:
    return connect([], key=lambda _item: (0, 0), **page)


def _full_database_id(source: PullRequest | Review, _info: Info) -> str:
    return str(source.database_id)


def _database_id(source: PullRequest | Review, _info: Info) -> int | None:
    """Return the id, or None if it exceeds 32 bits, which is why GitHub deprecated the field."""
    return source.database_id if source.database_id <= _INT_MAX else None


_SPECIAL: dict[tuple[str, str], Resolver] = {
    ("Query", "repository"): _repository,
    ("Query", "node"): lambda _source, info, id: _find_node(info, id),  # noqa: A006 (GitHub's argument)
    ("Query", "nodes"): _nodes,
    ("Query", "viewer"): lambda _source, info: info.context.account.actor,
    ("Query", "organization"): _owner("Organization"),
    ("Query", "user"): _owner("User"),
    ("Query", "repositoryOwner"): _owner("Repository owner"),
    ("Query", "search"): _search,
    ("Query", "rateLimit"): lambda _source, _info, **_dry_run: RateLimitField(),
    ("Repository", "pullRequests"): _pull_requests,
    ("Repository", "pullRequest"): _pull_request,
    ("Repository", "labels"): _nothing,
    ("Organization", "repositories"): _repositories,
    ("User", "repositories"): _repositories,
    ("Organization", "avatarUrl"): lambda actor, _info, **_size: actor.avatar_url,
    ("User", "avatarUrl"): lambda actor, _info, **_size: actor.avatar_url,
    ("Bot", "avatarUrl"): lambda actor, _info, **_size: actor.avatar_url,
    ("SearchResultItemConnection", "issueCount"): lambda found, _info: found.total_count,
    ("Commit", "authors"): _authors,
    ("PullRequest", "reviews"): _reviews,
    ("PullRequest", "commits"): _commits,
    ("PullRequest", "files"): _files,
    ("PullRequest", "closingIssuesReferences"): _nothing,
    ("PullRequest", "labels"): _nothing,
    ("PullRequest", "assignees"): _nothing,
    ("PullRequest", "comments"): _nothing,
    ("PullRequest", "reviewRequests"): _nothing,
    ("PullRequest", "reviewThreads"): _nothing,
    ("PullRequest", "fullDatabaseId"): _full_database_id,
    ("PullRequest", "databaseId"): _database_id,
    ("PullRequestReview", "commit"): lambda _review, _info: None,  # the histories do not record which commit was reviewed
    ("PullRequestReview", "comments"): _nothing,
    ("PullRequestReview", "fullDatabaseId"): _full_database_id,
    ("PullRequestReview", "databaseId"): _database_id,
}
