"""How each field of GitHub's schema gets its value.

A field's value is the attribute of the same name, in snake case, of its object. The tables list the exceptions: fields
that have another name in the model, and fields that take arguments or need more than their object. Any other field is
null, with an error that says that it is not simulated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from apps.github_simulator.graphql_errors import FieldError
from apps.github_simulator.list_fields import LIST_FIELDS
from apps.github_simulator.model import PullRequest, Repository, Review
from apps.github_simulator.query_context import FieldName, Info, Resolver, context_of
from apps.github_simulator.root_fields import ROOT_FIELDS

_INT_MAX = 2**31 - 1
_MISSING = object()

_ALIASES: Mapping[FieldName, str] = {
    ("PullRequest", "baseRepository"): "repository",
    ("PullRequest", "bodyText"): "body",
    ("PullRequest", "permalink"): "url",
    ("PullRequest", "publishedAt"): "created_at",
    ("PullRequestReview", "bodyText"): "body",
    ("PullRequestReview", "publishedAt"): "submitted_at",
    ("PullRequestReview", "updatedAt"): "created_at",
    ("Commit", "committer"): "author",
    ("SearchResultItemConnection", "issueCount"): "total_count",
}


def resolve(source: Any, info: Info, **arguments: Any) -> Any:
    """Return the value of a field of `source`; serves every field of every query."""
    name: FieldName = (info.parent_type.name, info.field_name)
    resolver = _RESOLVERS.get(name)
    try:
        if resolver is not None:
            return resolver(source, info, **arguments)
        value = getattr(source, _ALIASES.get(name) or _snake_case(info.field_name), _MISSING)
        if value is _MISSING:
            raise FieldError("NOT_SIMULATED", f"The simulator does not have {'.'.join(name)}.")
    except FieldError:
        context_of(info).failures += 1
        raise
    return value


def typename(value: Any, _info: Info, _abstract: Any) -> str:
    """Return the concrete type of a value whose field has an interface or union type."""
    name: str = value.typename
    return name


@lru_cache(maxsize=1_024)
def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _pull_request(repository: Repository, _info: Info, number: int) -> PullRequest:
    try:
        return repository.pull_requests[number]
    except KeyError:
        message = f"Could not resolve to a PullRequest with the number of {number}."
        raise FieldError("NOT_FOUND", message) from None


def _full_database_id(source: PullRequest | Review, _info: Info) -> str:
    return str(source.database_id)


def _database_id(source: PullRequest | Review, _info: Info) -> int | None:
    """Return the numeric id, or null where it does not fit 32 bits, which is why GitHub deprecated the field."""
    return source.database_id if source.database_id <= _INT_MAX else None


_RESOLVERS: Mapping[FieldName, Resolver] = {
    **ROOT_FIELDS,
    **LIST_FIELDS,
    ("Repository", "pullRequest"): _pull_request,
    ("Organization", "avatarUrl"): lambda actor, _info, **_size: actor.avatar_url,
    ("User", "avatarUrl"): lambda actor, _info, **_size: actor.avatar_url,
    ("Bot", "avatarUrl"): lambda actor, _info, **_size: actor.avatar_url,
    ("PullRequest", "fullDatabaseId"): _full_database_id,
    ("PullRequest", "databaseId"): _database_id,
    ("PullRequestReview", "commit"): lambda _review, _info: None,  # no history records which commit was reviewed
    ("PullRequestReview", "fullDatabaseId"): _full_database_id,
    ("PullRequestReview", "databaseId"): _database_id,
}
