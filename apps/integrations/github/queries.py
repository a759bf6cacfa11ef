"""What is asked of GitHub: GraphQL request bodies and REST paths. No I/O but reading our own query files.

Costs in points: https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api. Every query
here costs one point up to a page of 49.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import quote

import orjson

from apps.integrations.errors import NotFound
from telemetry.timestamps import iso_seconds

ListName = Literal["reviews", "commits", "files"]

_FRAGMENTS: Mapping[ListName, str] = {"reviews": "Reviews", "commits": "Commits", "files": "Files"}
_FULL_NAME = re.compile(r"[A-Za-z0-9_-]+/(?!\.{1,2}\Z)[A-Za-z0-9._-]+")  # no dot segment in a path


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One GraphQL request: its operation's name and its body, ready to send."""

    query_name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ListRequest:
    """The next page of one list of one pull request; ``after`` is None for its first."""

    pull_request_id: str
    name: ListName
    after: str | None


def pull_requests_request(
    full_name: str,
    *,
    first: int,
    after: str | None = None,
    with_files: bool = True,
    with_counts: bool = False,
    updated_since: datetime | None = None,
    updated_before: datetime | None = None,
) -> GraphQLRequest:
    """The request for a page of ``first`` (1 to 100) pull requests behind ``after``, the last updated first."""
    owner, name = owner_and_name(full_name)
    return _request(
        "PullRequests",
        _text("pull_requests", "pull_request_fields", "pull_request_lists", "actor", "rate_limit"),
        owner=owner,
        name=name,
        first=first,
        after=after,
        withFiles=with_files,
        withCounts=with_counts,
        window=window_search(full_name, updated_since=updated_since, updated_before=updated_before),
    )


def lists_request(lists: Sequence[ListRequest], *, first: int) -> GraphQLRequest:
    """The request for the next ``first`` (1 to 100) members of each of ``lists``, aliased ``list0``, ``list1``, ..."""
    variables: dict[str, Any] = {"first": first}
    declared, selected = ["$first: Int!"], []
    for number, wanted in enumerate(lists):
        variables |= {f"id{number}": wanted.pull_request_id, f"after{number}": wanted.after}
        declared.append(f"$id{number}: ID!, $after{number}: String")
        selected.append(
            f"  list{number}: node(id: $id{number}) {{ ... on PullRequest {{ "
            f"{wanted.name}(first: $first, after: $after{number}) {{ ...{_FRAGMENTS[wanted.name]} }} }} }}"
        )
    asked = {wanted.name for wanted in lists}
    fragments = [_fragment("pull_request_lists", fragment) for name, fragment in _FRAGMENTS.items() if name in asked]
    if "reviews" in asked:
        fragments.append(_text("actor"))
    query = f"query PullRequestLists({', '.join(declared)}) {{\n" + "\n".join(selected)
    query += "\n  rateLimit { ...Budget }\n}\n" + "\n".join([*fragments, _text("rate_limit")])
    return _request("PullRequestLists", query, **variables)


def pull_request_numbers_request(full_name: str, *, after: str | None) -> GraphQLRequest:
    """The request for the numbers of a hundred pull requests behind ``after``, the oldest first."""
    owner, name = owner_and_name(full_name)
    return _request("PullRequestNumbers", _text("pull_request_numbers", "rate_limit"), owner=owner, name=name, after=after)


def viewer_request() -> GraphQLRequest:
    """The request for whose token it is."""
    return _request("Viewer", _text("viewer", "actor", "rate_limit"))


def window_search(full_name: str, *, updated_since: datetime | None, updated_before: datetime | None) -> str:
    """GitHub's search for the pull requests updated from ``updated_since`` until before ``updated_before``."""
    search = f"repo:{full_name} is:pr"
    # A range's end is inclusive, and GitHub keeps whole seconds.
    last = updated_before and iso_seconds(updated_before.astimezone(UTC) - timedelta(seconds=1))
    if updated_since and last:
        return f"{search} updated:{iso_seconds(updated_since)}..{last}"
    if updated_since:
        return f"{search} updated:>={iso_seconds(updated_since)}"
    return f"{search} updated:<={last}" if last else search


def owner_and_name(full_name: str) -> tuple[str, str]:
    """The two halves of ``owner/name``; another shape is `NotFound`, before anybody is asked."""
    if not _FULL_NAME.fullmatch(full_name):
        raise NotFound(f"{full_name!r} is no repository: it must be OWNER/NAME, as in octocat/hello-world")
    owner, _, name = full_name.partition("/")
    return owner, name


def repository_path(full_name: str) -> str:
    """The REST path of a repository."""
    owner, name = owner_and_name(full_name)
    return f"/repos/{owner}/{name}"


def organization_path(organization: str) -> str:
    """The REST path of an organization's repositories."""
    return f"/orgs/{quote(organization, safe='')}/repos"


def _request(query_name: str, query: str, **variables: Any) -> GraphQLRequest:
    body = {"query": query, "operationName": query_name, "variables": variables}
    return GraphQLRequest(query_name, orjson.dumps(body))


@cache
def _text(*names: str) -> str:
    """The named query files, one after the other."""
    folder = resources.files("apps.integrations.github.documents")
    return "\n".join(folder.joinpath(f"{name}.graphql").read_text(encoding="utf-8") for name in names)


@cache
def _fragment(file: str, name: str) -> str:
    """One fragment of a query file; each ends at the first brace in the first column."""
    text = _text(file)
    start = text.index(f"fragment {name} on ")
    return text[start : text.index("\n}\n", start) + 3]
