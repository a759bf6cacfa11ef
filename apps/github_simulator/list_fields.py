"""Resolvers of the connections below repositories, owners, pull requests and commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.github_simulator.actors import Actor
from apps.github_simulator.connections import Connection, connect
from apps.github_simulator.git import ChangedFile, Commit, GitActor
from apps.github_simulator.graphql_errors import FieldError
from apps.github_simulator.model import (
    LISTED_FILES,
    PullRequest,
    PullRequestCommit,
    Repository,
    Review,
    by_created_at,
    by_updated_at,
)
from apps.github_simulator.query_context import FieldName, Info, Resolver, context_of

_PULL_REQUEST_ORDERS: Mapping[str, Callable[[PullRequest], tuple[str, int]]] = {
    "UPDATED_AT": by_updated_at,
    "CREATED_AT": by_created_at,
}


def _pull_requests(repository: Repository, info: Info, **arguments: Any) -> Connection[PullRequest]:
    order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    key = _PULL_REQUEST_ORDERS.get(order["field"])
    if key is None:
        raise FieldError("NOT_SIMULATED", f"The simulator cannot order pull requests by {order['field']}.")
    items = context_of(info).world.ordered(repository, by=key)
    if states := arguments.get("states"):
        items = [pull_request for pull_request in items if pull_request.state in states]
    for argument, attribute in (("baseRefName", "base_ref_name"), ("headRefName", "head_ref_name")):
        if (wanted := arguments.get(argument)) is not None:
            items = [pull_request for pull_request in items if getattr(pull_request, attribute) == wanted]
    if arguments.get("labels"):
        items = []  # no history has labels
    return connect(items, key=key, descending=order["direction"] == "DESC", **arguments)


def _reviews(pull_request: PullRequest, _info: Info, **arguments: Any) -> Connection[Review]:
    items = pull_request.reviews
    if states := arguments.get("states"):
        items = [review for review in items if review.state in states]
    if author := arguments.get("author"):
        items = [review for review in items if review.author and review.author.login.lower() == author.lower()]
    return connect(items, key=lambda review: (review.created_at, review.database_id), **arguments)


def _commits(pull_request: PullRequest, _info: Info, **page: Any) -> Connection[tuple[int, Commit]]:
    """Return a page of commits in the order of the branch, which no attribute of a commit expresses."""
    return connect(
        tuple(enumerate(pull_request.commits)),
        key=lambda item: (item[0], item[1].oid),
        as_node=lambda item: PullRequestCommit(pull_request, item[1]),
        **page,
    )


def _files(pull_request: PullRequest, _info: Info, **page: Any) -> Connection[ChangedFile]:
    return connect(pull_request.files[:LISTED_FILES], key=lambda file: (file.path, file.path), **page)


def _authors(commit: Commit, _info: Info, **page: Any) -> Connection[tuple[int, GitActor]]:
    return connect(
        tuple(enumerate(commit.authors)), key=lambda item: (item[0], item[1].name), as_node=lambda item: item[1], **page
    )


def _repositories(owner: Actor | None, info: Info, **page: Any) -> Connection[Repository]:
    """Return a page of the owner's repositories that the account can see; for the viewer, of all that it can see."""
    context = context_of(info)
    items = [
        repository
        for repository in context.account.visible(context.world.repositories)
        if owner in (None, repository.owner, context.account.actor)
    ]
    return connect(items, key=lambda repository: (repository.database_id, repository.database_id), **page)


def _empty(_source: object, _info: Info, **page: Any) -> Connection[Any]:
    """Return an empty connection, for lists that no history has."""
    return connect([], key=lambda _item: (0, 0), **page)


LIST_FIELDS: Mapping[FieldName, Resolver] = {
    ("Repository", "pullRequests"): _pull_requests,
    ("Repository", "labels"): _empty,
    ("Organization", "repositories"): _repositories,
    ("User", "repositories"): _repositories,
    ("Commit", "authors"): _authors,
    ("PullRequest", "reviews"): _reviews,
    ("PullRequest", "commits"): _commits,
    ("PullRequest", "files"): _files,
    ("PullRequest", "closingIssuesReferences"): _empty,
    ("PullRequest", "labels"): _empty,
    ("PullRequest", "assignees"): _empty,
    ("PullRequest", "comments"): _empty,
    ("PullRequest", "reviewRequests"): _empty,
    ("PullRequest", "reviewThreads"): _empty,
    ("PullRequestReview", "comments"): _empty,
}
"""Every connection that is simulated, by its type and field."""
