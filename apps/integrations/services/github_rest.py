"""The few REST calls: which repositories there are, a repository's current name, and what is left of the budgets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from apps import catalog
from apps.integrations.errors import Forbidden, GitHubError, InvalidAnswer, IpNotAllowed, Moved, NotFound, SsoRequired
from apps.integrations.github import answers, queries
from apps.integrations.github.answers import Answer
from apps.integrations.github.nodes import RateLimit, RepositoryInfo, Response, TokenHolder
from apps.integrations.github.transport import Transport
from apps.integrations.lane import Resource, Turns
from apps.integrations.services.calls import Call, Calls, Ended, Known
from apps.integrations.services.github_graphql import GitHubGraphQL

V = TypeVar("V")

_FIRST_PAGE: Mapping[str, str] = {"per_page": "100"}
_OF_USER, _OF_INSTALLATION = _LISTS = ("/user/repos", "/installation/repositories")


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryPage:
    """A page of a list of repositories, with the path of the next one, or None on the last.

    `hidden_organizations` are the ids of organizations whose repositories are missing, because the token is not
    authorized for their SAML single sign-on.
    """

    repositories: tuple[RepositoryInfo, ...]
    following: str | None = None
    hidden_organizations: tuple[str, ...] = ()


class GitHubRest:
    """A REST client of one account, for one attempt; raises `GitHubError` and `Parked` like `GitHubGraphQL`."""

    def __init__(self, *, transport: Transport, lane: Turns, known: Known | None = None) -> None:
        self._transport = transport
        self._lane = lane
        self._calls = Calls(lane=lane, known=known)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._calls.requests

    def repositories(self, org: str | None = None) -> Iterator[RepositoryInfo]:
        """Yield the repositories of `org`, or all that the token's user or installation can see."""
        if org is None:
            page = self.repository_page()
        else:
            # A missing organization is an answer: it may be a user.
            path, expected = queries.organization_path(org), (Moved, NotFound)
            page = self._page("/orgs/{org}/repos", path, params=_FIRST_PAGE, expected=expected)
        yield from page.repositories
        passed: set[str] = set()
        while page.following is not None:
            if page.following in passed:
                raise InvalidAnswer("The answer says that a page follows, and that it is one before", http_status=200)
            passed.add(page.following)
            page = self.repository_page(page.following)
            yield from page.repositories

    def repository_page(self, path: str | None = None) -> RepositoryPage:
        """Return the page of repositories at `path`, which the previous page named, or the token's first page."""
        if path is not None:
            endpoint = next((each for each in _LISTS if each in path), "/orgs/{org}/repos")
            return self._page(endpoint, path)
        try:
            return self._page(_OF_USER, _OF_USER, params=_FIRST_PAGE)
        except Forbidden as error:
            if isinstance(error, SsoRequired | IpNotAllowed):
                raise
            return self._page(_OF_INSTALLATION, _OF_INSTALLATION, params=_FIRST_PAGE)

    def organizations(self) -> tuple[str, ...] | None:
        """Return the logins of the user's first hundred organizations; None if the token may not ask for them.

        A fine-grained token always gets an empty list.
        """
        try:
            return self._get(
                "/user/orgs",
                "/user/orgs",
                answers.read_organizations,
                params=_FIRST_PAGE,
                expected=(Moved, Forbidden, NotFound),
            )
        except (Forbidden, NotFound):
            return None

    def repository(self, full_name: str) -> RepositoryInfo:
        """Return the repository as it is now; `renamed_from` is `full_name` if that is an old name."""

        def read(response: Response) -> Answer[RepositoryInfo]:
            return answers.read_repository(response, asked_for=full_name)

        try:
            return self._get("/repos/{owner}/{repo}", queries.repository_path(full_name), read)
        except Moved as moved:
            return self._get("/repositories/{id}", self._new_path(moved), read)

    def rate_limit(self) -> tuple[RateLimit, ...]:
        """Return what is left of every budget, and tell the lane; asking costs nothing."""
        return self._get("/rate_limit", "/rate_limit", answers.read_rate_limits, resource=None)

    def user(self) -> TokenHolder:
        """Return whose token it is; an installation, which is not a user, is looked up by GraphQL."""
        try:
            return self._get("/user", "/user", answers.read_user)
        except Forbidden as error:
            if isinstance(error, SsoRequired | IpNotAllowed):
                raise
            viewer = GitHubGraphQL(transport=self._transport, lane=self._lane).viewer()
            return TokenHolder(login=viewer.login, kind=viewer.kind)

    def _page(
        self,
        endpoint: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        expected: tuple[type[GitHubError], ...] = (Moved,),
    ) -> RepositoryPage:
        """Return a page of a list; its `Link` header names the next one, parameters included."""
        page = self._get(endpoint, path, _read_page, params=params, expected=expected)
        if page.following == path:
            raise InvalidAnswer("The answer says that a page follows, and that it is the same one", http_status=200)
        return page

    def _new_path(self, moved: Moved) -> str:
        """Return the path of a repository's new address if it is on the same host: the token goes nowhere else."""
        try:
            parts = urlsplit(moved.location or "")
        except ValueError:
            raise moved from None
        found = re.search(r"/repositories/\d+$", parts.path)
        if parts.hostname not in (None, self._transport.host) or found is None:
            raise moved
        return found[0]

    def _get(
        self,
        endpoint: str,
        path: str,
        read: Callable[[Response], Answer[V]],
        *,
        params: Mapping[str, str] | None = None,
        resource: Resource | None = "core",
        expected: tuple[type[GitHubError], ...] = (Moved,),
    ) -> V:
        """Return the answer to `GET path`; a redirect is an answer too, and the caller decides whether to follow it."""

        def operation(lane_wait_ms: float) -> catalog.RestCall:
            return catalog.RestCall(endpoint=endpoint, lane_wait_ms=lane_wait_ms)

        def result(ended: Ended[V]) -> catalog.RestAnswered:
            return catalog.RestAnswered(status_code=ended.status_code, remaining=ended.remaining)

        return self._calls.make(
            Call(
                resource=resource,
                operation=operation,
                send=lambda send_before: self._transport.rest(path, params, send_before=send_before),
                read=read,
                result=result,
                answers=expected,
            )
        )


def _read_page(response: Response) -> Answer[RepositoryPage]:
    return Answer(
        value=RepositoryPage(
            repositories=answers.read_repositories(response).value,
            following=answers.next_page(response),
            hidden_organizations=answers.hidden_organizations(response),
        )
    )
