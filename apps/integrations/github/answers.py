"""Read GitHub's answers: each function returns typed nodes, or raises the `GitHubError` that the answer is. Pure.

An expected answer is decoded once, straight from its bytes. Any other goes to `classify`; if that finds no error, a
null in place of a value means that GitHub left out part of its answer (`PartialAnswer`), and anything else that does
not fit is an `InvalidAnswer`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Generic, TypeVar, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from apps.integrations.errors import Forbidden, GitHubError, InvalidAnswer, PartialAnswer
from apps.integrations.github import mending
from apps.integrations.github.classify import classify, evidence_of, hidden_paths
from apps.integrations.github.limits import cost_from_block, date_of, limit_from_block, limit_from_headers, limits_from_list
from apps.integrations.github.nodes import (
    Actor,
    Connection,
    Flaw,
    ListName,
    PullRequestNode,
    PullRequestPage,
    RateLimit,
    RepositoryInfo,
    RepositoryNumbers,
    RepositoryPage,
    Response,
    Search,
    TokenHolder,
)
from apps.integrations.github.queries import LIST_ALIAS, ListRequest

V = TypeVar("V")

AnyList = Connection[Any]
"""A connection of reviews, commits or files."""

Lists = Mapping[ListRequest, AnyList | None]
"""The requested part of each list; None if GitHub cannot tell."""

_MISFITS = (ValueError, KeyError, RecursionError)
"""How decoding fails: msgspec's errors, and those of text that is not UTF-8, are ValueErrors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer(Generic[V]):
    """What an answer holds, its cost in points if GitHub says so, and the budgets that only its body reports.

    It is partial if one of its errors says that some of what was asked for is hidden.
    """

    value: V
    cost: int | None = None
    limits: tuple[RateLimit, ...] = ()
    is_partial: bool = False


class _Envelope(Struct, frozen=True, kw_only=True):
    data: dict[str, Raw]
    errors: Any = None


class _Repositories(Struct, frozen=True, kw_only=True):
    repositories: tuple[RepositoryInfo, ...]


class _Budgets(Struct, frozen=True, kw_only=True):
    resources: dict[str, Raw]


class _User(Struct, frozen=True, kw_only=True):
    login: str
    type: str


class _Organization(Struct, frozen=True, kw_only=True):
    login: str


def read_pull_requests(response: Response, *, lists: Sequence[ListRequest] = ()) -> Answer[tuple[PullRequestPage, Lists]]:
    """Return the page in the answer to `pull_requests_request`, and the lists requested with it."""

    def read(found: _Data) -> tuple[PullRequestPage, Lists]:
        return _page(found, response), _lists(found, lists)

    return _read_graphql(response, read, kinds={"repository": RepositoryPage, **_kinds(lists)}, lists=lists)


def read_lists(response: Response, *, lists: Sequence[ListRequest]) -> Answer[Lists]:
    """Return the lists in the answer to `lists_request`."""
    return _read_graphql(response, lambda found: _lists(found, lists), kinds=_kinds(lists), lists=lists)


def read_pull_request_numbers(response: Response) -> Answer[Connection[Any]]:
    """Return the numbered pull requests in the answer to `pull_request_numbers_request`; hidden ones are flaws."""

    def read(found: _Data) -> Connection[Any]:
        return replace(_decoded(found.values["repository"], RepositoryNumbers).pull_requests, flaws=found.of("repository"))

    return _read_graphql(response, read)


def read_viewer(response: Response) -> Answer[Actor]:
    """Return the account that the token belongs to, from the answer to `viewer_request`."""
    return _read_graphql(response, lambda found: _decoded(found.values["viewer"], Actor))


def read_repositories(response: Response) -> Answer[tuple[RepositoryInfo, ...]]:
    """Return a page of a REST list of repositories, which for an installation is wrapped in an object."""
    found: _Repositories | tuple[RepositoryInfo, ...] = read_rest(response, _Repositories | tuple[RepositoryInfo, ...])
    return Answer(value=found.repositories if isinstance(found, _Repositories) else found)


def read_repository(response: Response, *, asked_for: str) -> Answer[RepositoryInfo]:
    """Return a repository's REST document, marked as renamed if its name is not `asked_for`, ignoring case."""
    found = read_rest(response, RepositoryInfo)
    renamed_from = None if found.full_name.lower() == asked_for.lower() else asked_for
    return Answer(value=replace(found, renamed_from=renamed_from))


def read_rate_limits(response: Response) -> Answer[tuple[RateLimit, ...]]:
    """Return every budget in the answer from `/rate_limit`."""
    limits = limits_from_list(read_rest(response, _Budgets).resources)
    return Answer(value=limits, limits=limits)


def read_user(response: Response) -> Answer[TokenHolder]:
    """Return the user that owns the token, from the answer of `/user`, and what its headers say about the token."""
    user, headers = read_rest(response, _User), response.headers
    scopes = headers.get("x-oauth-scopes")
    return Answer(
        value=TokenHolder(
            login=user.login,
            kind=user.type,
            scopes=None if scopes is None else tuple(scope for part in scopes.split(",") if (scope := part.strip())),
            expires_at=_expiry(headers.get("github-authentication-token-expiration", "")),
        )
    )


def read_organizations(response: Response) -> Answer[tuple[str, ...]]:
    """Return the logins in a page of a REST list of organizations."""
    found: tuple[_Organization, ...] = read_rest(response, tuple[_Organization, ...])
    return Answer(value=tuple(each.login for each in found))


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


def _expiry(text: str) -> datetime | None:
    """Return when a token expires, which GitHub writes as `2026-01-31 12:00:00 UTC` or with an offset."""
    with suppress(ValueError):
        moment = datetime.fromisoformat(text.replace(" UTC", "+00:00").replace(" +", "+").replace(" -", "-"))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _page(found: _Data, response: Response) -> PullRequestPage:
    data, date = found.values, date_of(response.headers)
    repository = _decoded(data["repository"], RepositoryPage)
    pull_requests, newest = repository.pull_requests, repository.newest
    return PullRequestPage(
        edges=pull_requests.edges,
        total_count=pull_requests.total_count,
        page_info=pull_requests.page_info,
        window_count=_decoded(data["window"], Search).issue_count if "window" in data else None,
        newest_updated_at=newest.nodes[0].updated_at if newest is not None and newest.nodes else None,
        asked_at=None if date is None else date - timedelta(seconds=response.seconds),
        flaws=found.of("repository"),
    )


def _lists(found: _Data, lists: Sequence[ListRequest]) -> Lists:
    return {wanted: _list(found, f"{LIST_ALIAS}{number}", wanted) for number, wanted in enumerate(lists)}


def _list(found: _Data, alias: str, wanted: ListRequest) -> AnyList | None:
    flaws = found.of(alias)
    if bytes(found.values[alias]) == b"null" and any(flaw.reason == "hidden" for flaw in flaws):
        return None
    members: AnyList | None = getattr(_decoded(found.values[alias], _HOLDERS[wanted.name]), wanted.name)
    return members if members is None or not flaws else replace(members, flaws=flaws)


def _kinds(lists: Sequence[ListRequest]) -> dict[str, type]:
    return {f"{LIST_ALIAS}{number}": _HOLDERS[wanted.name] for number, wanted in enumerate(lists)}


def _holder(name: ListName) -> type[Struct]:
    """Return the type of a pull request of which only the list `name` was requested."""
    return msgspec.defstruct(f"PullRequestWith{name.capitalize()}", [(name, get_type_hints(PullRequestNode)[name])])


_HOLDERS: Mapping[ListName, type[Struct]] = {name: _holder(name) for name in get_args(ListName)}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Data:
    """The data of a GraphQL answer, and what was mended or left out, by the name of the enclosing value."""

    values: Mapping[str, Raw]
    flaws: Mapping[str, tuple[Flaw, ...]] = field(default_factory=dict)

    def of(self, name: str) -> tuple[Flaw, ...]:
        return self.flaws.get(name, ())


def _read_graphql(
    response: Response,
    read: Callable[[_Data], V],
    *,
    kinds: Mapping[str, type] | None = None,
    lists: Sequence[ListRequest] = (),
) -> Answer[V]:
    """Return what `read` makes of the data or, if that is unexpected, of the data mended according to `kinds`."""
    failure: GitHubError | None = None
    if not mending.is_suspicious(response.body):
        try:
            return _read_data(response, read, response.body)
        except GitHubError as error:
            failure = error
    hidden = hidden_paths(response) if isinstance(failure, Forbidden) else ()
    found = None if failure is not None and not _is_mendable(failure, hidden) else _repaired(response, kinds or {}, hidden)
    if found is None or not (found.mended or failure is None):
        if failure is not None:
            raise failure
        return _read_data(response, read, response.body)
    try:
        return _read_data(response, read, found.body, flaws=_flaws_of(found, lists), is_partial=bool(hidden))
    except GitHubError as error:
        raise failure or error from error


def _is_mendable(failure: GitHubError, hidden: Sequence[mending.Path]) -> bool:
    return isinstance(failure, InvalidAnswer | PartialAnswer) or bool(hidden)


def _repaired(response: Response, kinds: Mapping[str, type], hidden: Sequence[mending.Path]) -> mending.Repair | None:
    return mending.repair(response.body, kinds=kinds, hidden=hidden) if _is_success(response) else None


def _read_data(
    response: Response,
    read: Callable[[_Data], V],
    body: bytes,
    *,
    flaws: Mapping[str, tuple[Flaw, ...]] | None = None,
    is_partial: bool = False,
) -> Answer[V]:
    """Return what `read` makes of the data in `body`, which is the response's own or a mended one."""
    envelope = _envelope(response, body)
    if envelope is None or envelope.errors:
        raise classify(response) or InvalidAnswer("The answer holds neither data nor an error", **evidence_of(response))
    block = _block(envelope.data)
    cost = cost_from_block(block)
    try:
        value = read(_Data(values=envelope.data, flaws=flaws or {}))
    except _MISFITS as misfit:
        raise _error_of(misfit, response, cost=cost) from misfit
    limit = limit_from_headers(response.headers) or limit_from_block(block)
    return Answer(value=value, cost=cost, limits=() if limit is None else (limit,), is_partial=is_partial)


def _flaws_of(found: mending.Repair, lists: Sequence[ListRequest]) -> dict[str, tuple[Flaw, ...]]:
    """Return what was mended, under the names that people use, by the name of the enclosing value."""
    flaws: dict[str, dict[Flaw, None]] = {}
    for mended in found.mended:
        name, *inside = mended.path
        number: object = None
        if str(name).startswith(LIST_ALIAS):
            number = lists[int(str(name).removeprefix(LIST_ALIAS))].number
        elif inside[:2] == ["pullRequests", "edges"] and len(inside) > 3:  # the place, `node`, the field
            number, inside = _number_at(found.data, mended.path[:4]), inside[4:]
        field_name = ".".join(key for key in inside if isinstance(key, str) and key not in ("nodes", "edges"))
        flaw = Flaw(
            pull_request=number if isinstance(number, int) else None,
            field=field_name or str(name),
            reason=mended.reason,
            cursor=mended.cursor if number is None else None,
        )
        flaws.setdefault(str(name), {})[flaw] = None
    return {name: tuple(each) for name, each in flaws.items()}


def _number_at(data: Mapping[str, Any], path: mending.Path) -> object:
    edge: Any = data
    for key in path:
        edge = edge[key]
    return edge["node"].get("number") if isinstance(edge, dict) and isinstance(edge.get("node"), dict) else None


def _envelope(response: Response, body: bytes) -> _Envelope | None:
    try:
        return _decoded(body, _Envelope) if _is_success(response) else None
    except _MISFITS:
        return None


def _block(data: Mapping[str, Raw]) -> object:
    """Return the `rateLimit` block, or None if it cannot be read: it must not spoil the answer."""
    try:
        return msgspec.json.decode(data["rateLimit"])
    except _MISFITS:
        return None


def read_rest(response: Response, kind: Any) -> Any:
    """Return a REST answer as a value of `kind`, or raise the error that it represents."""
    if not _is_success(response):
        raise classify(response) or InvalidAnswer(f"An answer of status {response.status}", **evidence_of(response))
    try:
        return _decoded(mending.mend_text(response.body) if mending.is_suspicious(response.body) else response.body, kind)
    except _MISFITS as misfit:
        with suppress(*_MISFITS):
            return _decoded(mending.mend_text(response.body), kind)
        raise classify(response) or _error_of(misfit, response) from misfit


def _is_success(response: Response) -> bool:
    return response.status in range(200, 300) and response.status != HTTPStatus.ACCEPTED


def _decoded(data: bytes | Raw, kind: type[V]) -> V:
    return msgspec.json.decode(data, type=kind)


def _error_of(misfit: Exception, response: Response, *, cost: int | None = None) -> GitHubError:
    """Return the error for an answer that cannot be decoded and yet reports no error."""
    evidence = evidence_of(response, cost=cost)
    if isinstance(misfit, msgspec.ValidationError) and "got `null`" in str(misfit):
        return PartialAnswer(f"GitHub left out part of its answer: {misfit}", **evidence)
    return InvalidAnswer(f"The answer is not in GitHub's shape: {type(misfit).__name__}: {misfit}", **evidence)
