"""GitHub's JSON becomes our node types; nothing untyped gets past here. No I/O.

What GitHub may leave out is None. A list or node that must be there and is not means that GitHub left part of its
answer out: `PartialAnswer`. Another shape is a KeyError, TypeError or ValueError, which the protocol makes an
`InvalidAnswer`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from apps.integrations.errors import PartialAnswer
from apps.integrations.github.nodes import (
    Actor,
    CommitNode,
    Connection,
    FileNode,
    PullRequestNode,
    PullRequestPage,
    RepositoryInfo,
    RepositoryNode,
    ReviewNode,
)

Json = dict[str, Any]
T = TypeVar("T")

_moment = datetime.fromisoformat


def pull_request_page(data: Json) -> PullRequestPage:
    """The page in the answer to ``PullRequests``; its cost is not known here."""
    repository = present(data["repository"], "the repository")
    pull_requests = present(repository["pullRequests"], "the pull requests")
    info = pull_requests["pageInfo"]
    window, newest = data.get("window"), repository.get("newest")
    return PullRequestPage(
        RepositoryNode(repository["id"], repository["databaseId"], repository["nameWithOwner"], repository["isArchived"]),
        tuple(
            [
                (edge["cursor"], pull_request(present(edge["node"], "a pull request")))
                for edge in present_all(pull_requests["edges"], "pull requests")
            ]
        ),
        pull_requests["totalCount"],
        info["hasNextPage"],
        info["endCursor"],
        None if window is None else window["issueCount"],
        None if newest is None else newest_update(newest),
        None,
    )


def pull_request(node: Json) -> PullRequestNode:
    """One pull request; its ``files`` are None also where they were not asked for."""
    merge_commit, head_repository, files = node["mergeCommit"], node["headRepository"], node.get("files")
    return PullRequestNode(
        node["id"],
        int(node["fullDatabaseId"]),
        node["number"],
        node["title"],
        node["body"],
        node["state"],
        node["isDraft"],
        node["url"],
        actor(node["author"]),
        actor(node["mergedBy"]),
        _moment(node["createdAt"]),
        _moment(node["updatedAt"]),
        _moment_or_none(node["mergedAt"]),
        _moment_or_none(node["closedAt"]),
        None if merge_commit is None else merge_commit["oid"],
        node["baseRefName"],
        node["headRefName"],
        None if head_repository is None else head_repository["nameWithOwner"],
        node["additions"],
        node["deletions"],
        node["changedFiles"],
        connection(present(node["reviews"], "reviews"), review),
        connection(present(node["commits"], "commits"), commit),
        None if files is None else connection(files, changed_file),
    )


def connection(value: Json, parse: Callable[[Json], T]) -> Connection[T]:
    """A list's page, each of its nodes read by ``parse``."""
    info = value["pageInfo"]
    nodes = tuple([parse(node) for node in present_all(value["nodes"], "a list")])
    return Connection(nodes, value["totalCount"], info["hasNextPage"], info["endCursor"])


def review(node: Json) -> ReviewNode:
    """One review."""
    number, reviewed = node["fullDatabaseId"], node["commit"]
    return ReviewNode(
        node["id"],
        None if number is None else int(number),
        actor(node["author"]),
        node["state"],
        node["body"],
        _moment_or_none(node["submittedAt"]),
        None if reviewed is None else reviewed["oid"],
    )


def commit(node: Json) -> CommitNode:
    """One commit of a pull request."""
    inner = node["commit"]
    author = inner["author"] or _NOBODY
    user = author["user"]
    return CommitNode(
        inner["oid"],
        inner["message"],
        _moment(inner["authoredDate"]),
        _moment(inner["committedDate"]),
        None if user is None else user["login"],
        author["name"],
        inner["additions"],
        inner["deletions"],
    )


def changed_file(node: Json) -> FileNode:
    """One changed file."""
    return FileNode(node["path"], node["additions"], node["deletions"], node["changeType"])


def actor(value: Json | None) -> Actor | None:
    """Who it was; None for a deleted account."""
    return None if value is None else Actor(value["login"], value["__typename"])


def viewer(data: Json) -> Actor:
    """Whose token it is, in the answer to ``Viewer``."""
    value = present(data["viewer"], "the viewer")
    return Actor(value["login"], value["__typename"])


def pull_request_numbers(data: Json) -> Connection[int]:
    """The page in the answer to ``PullRequestNumbers``."""
    repository = present(data["repository"], "the repository")
    return connection(present(repository["pullRequests"], "the pull requests"), lambda node: int(node["number"]))


def newest_update(pull_requests: Json) -> datetime | None:
    """When the first of ``pull_requests`` last changed; None when there is none."""
    nodes = present_all(pull_requests["nodes"], "pull requests")
    return _moment(nodes[0]["updatedAt"]) if nodes else None


def repository_info(value: Json, *, asked_for: str | None = None) -> RepositoryInfo:
    """One repository of a REST answer."""
    full_name: str = value["full_name"]
    renamed = asked_for is not None and asked_for.lower() != full_name.lower()
    return RepositoryInfo(value["id"], full_name, value["archived"], value["private"], asked_for if renamed else None)


def present(value: T | None, what: str) -> T:
    """``value``, which GitHub must give."""
    if value is None:
        raise PartialAnswer(f"GitHub left {what} out of its answer", http_status=200)
    return value


def present_all(values: list[Json | None] | None, what: str) -> list[Json]:
    """``values``, each of which GitHub must give."""
    given = present(values, what)
    if None in given:
        raise PartialAnswer(f"GitHub left some of {what} out of its answer", http_status=200)
    return given  # type: ignore[return-value]  # no None is left in it; a copy would only cost time


def _moment_or_none(value: str | None) -> datetime | None:
    return None if value is None else _moment(value)


_NOBODY: Json = {"user": None, "name": None}
