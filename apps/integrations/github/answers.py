"""GitHub's API without a network: what is sent, what comes back, as pure functions. No I/O.

Requests are built by the ``*_request`` functions and read by the ``read_*`` functions, which return typed nodes or
raise the one `GitHubError` that the answer is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from apps.integrations.errors import GitHubError, InvalidAnswer, PartialAnswer
from apps.integrations.github import decoding
from apps.integrations.github.classify import decoded
from apps.integrations.github.limits import limit_from_block, limit_from_headers, limits_from_rest
from apps.integrations.github.nodes import (
    Actor,
    CommitNode,
    Connection,
    FileNode,
    PullRequestPage,
    RateLimit,
    RepositoryInfo,
    Response,
    ReviewNode,
)
from apps.integrations.github.queries import (
    ListRequest,
)

AnyList = Connection[ReviewNode] | Connection[CommitNode] | Connection[FileNode]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class GraphQLAnswer(Generic[R]):
    """What an answer holds, its cost in points and the budget after it; both None where GitHub does not say."""

    value: R
    cost: int | None
    limit: RateLimit | None


def read_pull_requests(response: Response) -> GraphQLAnswer[PullRequestPage]:
    """The page in the answer to `pull_requests_request`."""
    answer = _read_graphql(response, decoding.pull_request_page)
    return replace(answer, value=replace(answer.value, cost=answer.cost))


def read_lists(response: Response, lists: Sequence[ListRequest]) -> GraphQLAnswer[list[AnyList | None]]:
    """The lists in the answer to `lists_request`, in the same order; a list is None where GitHub cannot tell it."""
    return _read_graphql(response, lambda data: [_list(data, number, wanted) for number, wanted in enumerate(lists)])


def read_pull_request_numbers(response: Response) -> GraphQLAnswer[Connection[int]]:
    """The numbers in the answer to `pull_request_numbers_request`."""
    return _read_graphql(response, decoding.pull_request_numbers)


def read_viewer(response: Response) -> GraphQLAnswer[Actor]:
    """Whose token it is, from the answer to `viewer_request`."""
    return _read_graphql(response, decoding.viewer)


def read_repositories(response: Response) -> list[RepositoryInfo]:
    """The repositories of one page of a REST list; an installation's list is wrapped in an object."""
    return _read_rest(
        response,
        lambda document: [
            decoding.repository_info(value)
            for value in (document["repositories"] if isinstance(document, dict) else document)
        ],
    )


def read_repository(response: Response, *, asked_for: str) -> RepositoryInfo:
    """One repository's REST document; where its name is not ``asked_for``, it says that it was renamed."""
    return _read_rest(response, lambda document: decoding.repository_info(document, asked_for=asked_for))


def read_rate_limits(response: Response) -> tuple[RateLimit, ...]:
    """Every budget in the answer of ``/rate_limit``."""
    return _read_rest(response, limits_from_rest)


def read_user(response: Response) -> Actor:
    """Whose token it is, from the answer of ``/user``."""
    return _read_rest(response, lambda document: Actor(document["login"], document["type"]))


def next_page(response: Response) -> str | None:
    """The address behind ``rel="next"`` of the ``Link`` header, path and query alone; None on the last page."""
    for link in response.headers.get("link", "").split(","):
        if found := re.match(r'\s*<([^>]+)>.*;\s*rel="next"', link):
            parts = urlsplit(found[1])
            return f"{parts.path}?{parts.query}"
    return None


def hidden_organizations(response: Response) -> tuple[str, ...]:
    """The ids of organizations whose part of a list is missing for lack of single sign-on."""
    found = re.search(r"partial-results;\s*organizations=([\d,]+)", response.headers.get("x-github-sso", ""))
    return tuple(found[1].split(",")) if found else ()


def _read_graphql(response: Response, parse: Callable[[decoding.Json], R]) -> GraphQLAnswer[R]:
    document = decoded(response.status, response.headers, response.body)
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise _told(InvalidAnswer("The answer holds no data, and no error either"), response)
    block = found if isinstance(found := data.get("rateLimit"), dict) else None
    cost = spent if block is not None and isinstance(spent := block.get("cost"), int) else None
    value = _parsed(response, parse, data, cost)
    return GraphQLAnswer(value, cost, limit_from_headers(response.headers) or limit_from_block(block))


def _read_rest(response: Response, parse: Callable[[Any], R]) -> R:
    return _parsed(response, parse, decoded(response.status, response.headers, response.body), None)


def _parsed(response: Response, parse: Callable[[Any], R], document: Any, cost: int | None) -> R:
    """What ``parse`` makes of ``document``; a document of another shape is `InvalidAnswer`."""
    try:
        return parse(document)
    except PartialAnswer as error:
        raise _told(error, response, cost) from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        problem = InvalidAnswer(f"The answer is not in GitHub's shape: {type(error).__name__} {error}")
        raise _told(problem, response, cost) from error


def _told(error: GitHubError, response: Response, cost: int | None = None) -> GitHubError:
    error.http_status, error.points_cost = response.status, cost
    error.request_id = response.headers.get("x-github-request-id")
    return error


def _list(data: decoding.Json, number: int, wanted: ListRequest) -> AnyList | None:
    pull_request = decoding.present(data[f"list{number}"], "a pull request")
    match wanted.name:
        case "reviews":
            return decoding.connection(decoding.present(pull_request["reviews"], "reviews"), decoding.review)
        case "commits":
            return decoding.connection(decoding.present(pull_request["commits"], "commits"), decoding.commit)
        case "files":
            files = pull_request["files"]
            return None if files is None else decoding.connection(files, decoding.changed_file)
