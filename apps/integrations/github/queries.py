"""The requests we send to GitHub: GraphQL bodies and REST paths. Pure, except for reading our own documents.

Costs in points: https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api. Every query here
costs one point up to a page of 49 pull requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote

import orjson

from apps.integrations.errors import NotFound
from apps.integrations.github import documents
from apps.integrations.github.nodes import ListName
from telemetry.timestamps import iso_seconds

LIST_ALIAS = "list"
"""The answer's name for a list requested on its own, followed by its number in the request."""

FULL_DATABASE_ID = "fullDatabaseId"
"""The field that replaces the 32-bit `databaseId`: see `for_older_server`."""

_FULL_NAME = re.compile(r"(?!\.{1,2}/)[^/?#\s]+/(?!\.{1,2}\Z)[^/?#\s]+")  # no dot segment in a path
_FRAGMENT = re.compile(r"fragment (\w+) on ")
_SPREAD = re.compile(r"\.\.\.(\w+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphQLRequest:
    """A GraphQL request: its operation's name, and its body as sent."""

    query_name: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ListRequest:
    """The next page of one list of a pull request, which people call `number`; `after` is None for the first page."""

    pull_request_id: str
    name: ListName
    after: str | None
    number: int | None = None


def pull_requests_request(
    full_name: str,
    *,
    first: int,
    after: str | None = None,
    with_files: bool = True,
    with_counts: bool = False,
    updated_since: datetime | None = None,
    updated_before: datetime | None = None,
    lists: Sequence[ListRequest] = (),
) -> GraphQLRequest:
    """Return the request for a page of `first` (1 to 100) pull requests after `after`, last updated first.

    Like `lists_request`, it may also ask for a hundred members of each of some `lists`.
    """
    owner, name = owner_and_name(full_name)
    return _request(
        "PullRequests",
        _document("pull_requests") if not lists else _with_fragments(_with_lists(_files()["pull_requests"], lists)),
        owner=owner,
        name=name,
        first=first,
        after=after,
        withFiles=with_files,
        withCounts=with_counts,
        window=window_search(full_name, updated_since=updated_since, updated_before=updated_before),
        **_list_variables(lists, members=100),
    )


def lists_request(lists: Sequence[ListRequest], *, members: int) -> GraphQLRequest:
    """Return the request for the next `members` (1 to 100) of each of `lists`, as `list0`, `list1` and so on."""
    query = _with_lists("query PullRequestLists() {\n  rateLimit {\n    ...Budget\n  }\n}\n", lists)
    return _request("PullRequestLists", _with_fragments(query), **_list_variables(lists, members=members))


def pull_request_numbers_request(full_name: str, *, after: str | None) -> GraphQLRequest:
    """Return the request for the numbers of a hundred pull requests after `after`, oldest first."""
    owner, name = owner_and_name(full_name)
    return _request("PullRequestNumbers", _document("pull_request_numbers"), owner=owner, name=name, after=after)


def for_older_server(request: GraphQLRequest) -> GraphQLRequest:
    """Return `request` for a server that only has `databaseId`, aliased so that its answer looks the same."""
    body = orjson.loads(request.body)
    body["query"] = re.sub(rf"\b{FULL_DATABASE_ID}\b", f"{FULL_DATABASE_ID}: databaseId", body["query"])
    return GraphQLRequest(query_name=request.query_name, body=orjson.dumps(body))


def viewer_request() -> GraphQLRequest:
    """Return the request for the account that owns the token."""
    return _request("Viewer", _document("viewer"))


def window_search(full_name: str, *, updated_since: datetime | None, updated_before: datetime | None) -> str:
    """Return GitHub's search for the pull requests updated at `updated_since` or later, and before `updated_before`."""
    search = f"repo:{full_name} is:pr"
    # A range's end is inclusive, and GitHub keeps whole seconds.
    last = updated_before and iso_seconds(updated_before.astimezone(UTC) - timedelta(seconds=1))
    if updated_since and last:
        return f"{search} updated:{iso_seconds(updated_since)}..{last}"
    if updated_since:
        return f"{search} updated:>={iso_seconds(updated_since)}"
    return f"{search} updated:<={last}" if last else search


def owner_and_name(full_name: str) -> tuple[str, str]:
    """Split `owner/name`; raise `NotFound` unless it has two parts. GitHub decides which names exist."""
    if not _FULL_NAME.fullmatch(full_name):
        raise NotFound(f"{full_name!r} is not the name of a repository: write it as OWNER/NAME, like octocat/hello-world")
    owner, _, name = full_name.partition("/")
    return owner, name


def repository_path(full_name: str) -> str:
    """Return the REST path of a repository."""
    owner, name = owner_and_name(full_name)
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def organization_path(organization: str) -> str:
    """Return the REST path of an organization's repositories."""
    return f"/orgs/{quote(organization, safe='')}/repos"


def _with_lists(operation: str, lists: Sequence[ListRequest]) -> str:
    """Return the operation with `lists` also selected, and their variables declared."""
    declared = ["$members: Int!"]
    selected = []
    for number, wanted in enumerate(lists):
        declared.append(f"$id{number}: ID!, $after{number}: String")
        selected.append(
            f"  {LIST_ALIAS}{number}: node(id: $id{number}) {{ ... on PullRequest {{ "
            f"{wanted.name}(first: $members, after: $after{number}) {{ ...{wanted.name.capitalize()} }} }} }}\n"
        )
    head, _, rest = operation.partition("(")
    return f"{head}({', '.join(declared)}{rest.rstrip().removesuffix('}')}{''.join(selected)}}}\n"


def _list_variables(lists: Sequence[ListRequest], *, members: int) -> dict[str, Any]:
    variables: dict[str, Any] = {"members": members} if lists else {}
    for number, wanted in enumerate(lists):
        variables |= {f"id{number}": wanted.pull_request_id, f"after{number}": wanted.after}
    return variables


def _request(query_name: str, query: str, **variables: Any) -> GraphQLRequest:
    body = {"query": query, "operationName": query_name, "variables": variables}
    return GraphQLRequest(query_name=query_name, body=orjson.dumps(body))


@cache
def _document(name: str) -> str:
    """Return the named document, complete with its fragments."""
    return _with_fragments(_files()[name])


def _with_fragments(text: str) -> str:
    """Return `text` followed by all fragments that it spreads, directly or indirectly."""
    parts, known = [text], set[str]()
    for part in parts:
        for name in _SPREAD.findall(part):
            if name not in known:
                known.add(name)
                parts.append(_fragments()[name])
    return "\n".join(parts)


@cache
def _fragments() -> Mapping[str, str]:
    """Return our documents that consist of one fragment, by its name."""
    return {found[1]: text for text in _files().values() if (found := _FRAGMENT.match(text))}


@cache
def _files() -> Mapping[str, str]:
    """Return our documents by their names."""
    files = (file for file in resources.files(documents).iterdir() if file.name.endswith(".graphql"))
    return {file.name.removesuffix(".graphql"): file.read_text(encoding="utf-8") for file in files}
