"""Resolvers of the fields of `Query`: how a client finds repositories, owners and nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps.github_simulator.actors import Actor
from apps.github_simulator.connections import Connection, connect
from apps.github_simulator.graphql_errors import FieldError
from apps.github_simulator.issue_search import search_pull_requests
from apps.github_simulator.model import PullRequest, Repository, by_updated_at
from apps.github_simulator.query_context import FieldName, Info, Resolver, context_of
from apps.github_simulator.world import Node

_SEARCH_RESULTS = 1_000  # search returns at most this many results, however many it counts


@dataclass(frozen=True, slots=True)
class RateLimitField:
    """A placeholder for `rateLimit`, whose numbers are filled in when the answer is sent."""


def _repository(_source: object, info: Info, owner: str, name: str, followRenames: bool = True) -> Repository:  # noqa: N803 (GitHub's argument)
    full_name = f"{owner}/{name}"
    context = context_of(info)
    repository = context.world.find_repository(full_name, follow_renames=followRenames)
    if repository is None or not context.account.sees(repository):
        raise FieldError("NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'.")
    return repository


def _node(_source: object, info: Info, id: str) -> Node:  # noqa: A002 (GitHub's argument)
    context = context_of(info)
    node = context.world.find_node(id)
    repository = node.repository if isinstance(node, PullRequest) else node
    if node is None or (isinstance(repository, Repository) and not context.account.sees(repository)):
        raise FieldError("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")
    return node


def _nodes(source: object, info: Info, ids: list[str]) -> list[Node | FieldError]:
    """Return one entry per id; graphql-core turns an exception in the list into null and an error at its index."""

    def one(global_id: str) -> Node | FieldError:
        try:
            return _node(source, info, global_id)
        except FieldError as error:
            context_of(info).failures += 1
            return error

    return [one(global_id) for global_id in ids]


def _owner(kind: str) -> Resolver:
    """Return the resolver that finds an owner of this kind by login."""

    def find(_source: object, info: Info, login: str) -> Actor:
        owner = context_of(info).world.find_owner(login)
        if owner is None or (kind != "Repository owner" and owner.typename != kind):
            article = "an" if kind[0] in "AEIO" else "a"
            raise FieldError("NOT_FOUND", f"Could not resolve to {article} {kind} with the login of '{login}'.")
        return owner

    return find


def _search(_source: object, info: Info, query: str, type: str, **page: Any) -> Connection[PullRequest]:  # noqa: A002 (GitHub's argument)
    if not type.startswith("ISSUE"):
        raise FieldError("NOT_SIMULATED", f"The simulator can only search for issues, not for {type}.")
    context = context_of(info)
    found = search_pull_requests(context.world, context.account, query)
    results = connect(found[-_SEARCH_RESULTS:], key=by_updated_at, descending=True, **page)
    return replace(results, total_count=len(found))


ROOT_FIELDS: Mapping[FieldName, Resolver] = {
    ("Query", "repository"): _repository,
    ("Query", "node"): _node,
    ("Query", "nodes"): _nodes,
    ("Query", "viewer"): lambda _source, info: context_of(info).account.actor,
    ("Query", "organization"): _owner("Organization"),
    ("Query", "user"): _owner("User"),
    ("Query", "repositoryOwner"): _owner("Repository owner"),
    ("Query", "search"): _search,
    ("Query", "rateLimit"): lambda _source, _info, **_dry_run: RateLimitField(),
}
"""Every field of `Query` that is simulated."""
