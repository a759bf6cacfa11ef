"""Read GitHub's answers: each function returns typed nodes, or raises the `GitHubError` that the answer is. Pure.

An answer as expected is decoded once, straight from its bytes. Any other is taken apart by `classify`; if that finds no
error, a null in place of a value means that GitHub left out part of its answer (`PartialAnswer`), and everything else that
does not fit is an `InvalidAnswer`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from apps.integrations.errors import GitHubError, InvalidAnswer, PartialAnswer
from apps.integrations.github.classify import classify, evidence_of
from apps.integrations.github.limits import RestBudget, cost_from_block, limit_from_block, limit_from_headers
from apps.integrations.github.nodes import (
    Actor,
    Connection,
    ListName,
    PullRequestNode,
    PullRequestPage,
    RateLimit,
    RepositoryInfo,
    RepositoryNumbers,
    RepositoryPage,
    Response,
    Search,
)
from apps.integrations.github.queries import LIST_ALIAS, ListRequest

V = TypeVar("V")

AnyList = Connection[Any]
"""A connection of reviews, commits or files."""

Lists = Mapping[ListRequest, AnyList | None]
"""What was asked for of each list; None if GitHub cannot tell."""

_MISFITS = (ValueError, KeyError, RecursionError)
"""How decoding fails: msgspec's errors and those of text that is not UTF-8 are ValueErrors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer(Generic[V]):
    """What an answer holds, its cost in points if GitHub says so, and the budgets that its body reports and no header."""

    value: V
    cost: int | None = None
    limits: tuple[RateLimit, ...] = ()


class _Envelope(Struct, frozen=True, kw_only=True):
    data: dict[str, Raw]
    errors: Any = None


class _Repositories(Struct, frozen=True, kw_only=True):
    repositories: tuple[RepositoryInfo, ...]


class _Budgets(Struct, frozen=True, kw_only=True):
    resources: dict[str, RestBudget]


class _User(Struct, frozen=True, kw_only=True):
    login: str
    type: str


def read_pull_requests(response: Response, *, lists: Sequence[ListRequest] = ()) -> Answer[tuple[PullRequestPage, Lists]]:
    """Return the page in the answer to `pull_requests_request`, and the lists that were asked for beside it."""
    return _read_graphql(response, lambda data: (_page(data), _lists(data, lists)))


def read_lists(response: Response, *, lists: Sequence[ListRequest]) -> Answer[Lists]:
    """Return the lists in the answer to `lists_request`."""
    return _read_graphql(response, lambda data: _lists(data, lists))


def read_pull_request_numbers(response: Response) -> Answer[Connection[Any]]:
    """Return the pull requests, by number alone, in the answer to `pull_request_numbers_request`."""
    return _read_graphql(response, lambda data: _decoded(data["repository"], RepositoryNumbers).pull_requests)


def read_viewer(response: Response) -> Answer[Actor]:
    """Return the account that the token belongs to, from the answer to `viewer_request`."""
    return _read_graphql(response, lambda data: _decoded(data["viewer"], Actor))


def read_repositories(response: Response) -> Answer[tuple[RepositoryInfo, ...]]:
    """Return a page of a REST list of repositories; an installation's list is wrapped in an object."""
    found: _Repositories | tuple[RepositoryInfo, ...] = _read_rest(response, _Repositories | tuple[RepositoryInfo, ...])
    return Answer(value=found.repositories if isinstance(found, _Repositories) else found)


def read_repository(response: Response, *, asked_for: str) -> Answer[RepositoryInfo]:
    """Return a repository's REST document, marked as renamed if its name is not `asked_for`; case does not matter."""
    found = _read_rest(response, RepositoryInfo)
    renamed_from = None if found.full_name.lower() == asked_for.lower() else asked_for
    return Answer(value=replace(found, renamed_from=renamed_from))


def read_rate_limits(response: Response) -> Answer[tuple[RateLimit, ...]]:
    """Return every budget in the answer of `/rate_limit`."""
    budgets = _read_rest(response, _Budgets).resources
    limits = tuple(budget.as_limit(resource) for resource, budget in budgets.items())
    return Answer(value=limits, limits=limits)


def read_user(response: Response) -> Answer[Actor]:
    """Return the user that the token belongs to, from the answer of `/user`."""
    user = _read_rest(response, _User)
    return Answer(value=Actor(login=user.login, kind=user.type))


def next_page(response: Response) -> str | None:
    """Return the `rel="next"` address of the `Link` header, as path and query alone, or None on the last page."""
    for link in response.headers.get("link", "").split(","):
        if found := re.match(r'\s*<([^>]+)>.*;\s*rel="next"', link):
            try:
                parts = urlsplit(found[1])
            except ValueError as error:
                raise _error_of(error, response) from error
            return f"{parts.path}?{parts.query}"
    return None


def hidden_organizations(response: Response) -> tuple[str, ...]:
    """Return the ids of organizations whose part of a list is missing for lack of single sign-on."""
    found = re.search(r"partial-results;\s*organizations=([\d,]+)", response.headers.get("x-github-sso", ""))
    return tuple(found[1].split(",")) if found else ()


def _page(data: Mapping[str, Raw]) -> PullRequestPage:
    repository = _decoded(data["repository"], RepositoryPage)
    pull_requests, newest = repository.pull_requests, repository.newest
    return PullRequestPage(
        edges=pull_requests.edges,
        total_count=pull_requests.total_count,
        page_info=pull_requests.page_info,
        window_count=_decoded(data["window"], Search).issue_count if "window" in data else None,
        newest_updated_at=newest.nodes[0].updated_at if newest is not None and newest.nodes else None,
    )


def _lists(data: Mapping[str, Raw], lists: Sequence[ListRequest]) -> Lists:
    return {
        wanted: getattr(_decoded(data[f"{LIST_ALIAS}{number}"], _HOLDERS[wanted.name]), wanted.name)
        for number, wanted in enumerate(lists)
    }


def _holder(name: ListName) -> type[Struct]:
    """Return the type of a pull request of which the list `name` alone was asked for."""
    return msgspec.defstruct(f"PullRequestWith{name.capitalize()}", [(name, get_type_hints(PullRequestNode)[name])])


_HOLDERS: Mapping[ListName, type[Struct]] = {name: _holder(name) for name in get_args(ListName)}


def _read_graphql(response: Response, read: Callable[[Mapping[str, Raw]], V]) -> Answer[V]:
    envelope = _envelope(response)
    if envelope is None or envelope.errors:
        raise classify(response) or InvalidAnswer("The answer holds neither data nor an error", **evidence_of(response))
    block = _block(envelope.data)
    cost = cost_from_block(block)
    try:
        value = read(envelope.data)
    except _MISFITS as misfit:
        raise _error_of(misfit, response, cost=cost) from misfit
    limit = limit_from_headers(response.headers) or limit_from_block(block)
    return Answer(value=value, cost=cost, limits=() if limit is None else (limit,))


def _envelope(response: Response) -> _Envelope | None:
    try:
        return _decoded(response.body, _Envelope) if _is_success(response) else None
    except _MISFITS:
        return None


def _block(data: Mapping[str, Raw]) -> object:
    """Return the `rateLimit` block, or None if there is none to be read: it spoils no answer."""
    try:
        return msgspec.json.decode(data["rateLimit"])
    except _MISFITS:
        return None


def _read_rest(response: Response, kind: Any) -> Any:
    if not _is_success(response):
        raise classify(response) or InvalidAnswer(f"An answer of status {response.status}", **evidence_of(response))
    try:
        return _decoded(response.body, kind)
    except _MISFITS as misfit:
        raise classify(response) or _error_of(misfit, response) from misfit


def _is_success(response: Response) -> bool:
    return response.status in range(200, 300) and response.status != HTTPStatus.ACCEPTED


def _decoded(data: bytes | Raw, kind: type[V]) -> V:
    return msgspec.json.decode(data, type=kind)


def _error_of(misfit: Exception, response: Response, *, cost: int | None = None) -> GitHubError:
    """Return the error that an answer is which cannot be decoded and yet reports no error."""
    evidence = evidence_of(response, cost=cost)
    if isinstance(misfit, msgspec.ValidationError) and "got `null`" in str(misfit):
        return PartialAnswer(f"GitHub left out part of its answer: {misfit}", **evidence)
    return InvalidAnswer(f"The answer is not in GitHub's shape: {type(misfit).__name__}: {misfit}", **evidence)
