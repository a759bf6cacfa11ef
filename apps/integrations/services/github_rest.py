"""The few REST calls: which repositories there are, what one is called now, what is left of the budgets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from apps import catalog
from apps.integrations.errors import Forbidden, GitHubError, InvalidAnswer, IpNotAllowed, Moved, NotFound, SsoRequired
from apps.integrations.github import answers, queries
from apps.integrations.github.answers import Answer
from apps.integrations.github.nodes import Actor, RateLimit, RepositoryInfo, Response
from apps.integrations.github.transport import Transport
from apps.integrations.lane import Resource, Turns
from apps.integrations.services.calls import Call, Calls, Ended, Known
from apps.integrations.services.github_graphql import GitHubGraphQL

V = TypeVar("V")


class GitHubRest:
    """A REST client of one account, for one attempt; raises `GitHubError` and `Parked` as `GitHubGraphQL` does.

    `hidden_organizations` are the ids of organizations whose repositories a list left out, because the token is not
    authorized for their SAML single sign-on.
    """

    def __init__(self, *, transport: Transport, lane: Turns, known: Known | None = None) -> None:
        self._transport = transport
        self._lane = lane
        self._calls = Calls(lane=lane, known=known)
        self.hidden_organizations: tuple[str, ...] = ()

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._calls.requests

    def repositories(self, org: str | None = None) -> Iterator[RepositoryInfo]:
        """Yield the repositories of `org`, or all that the token's user or installation can see."""
        if org is not None:
            # That there is no such organization is an answer: it may be a user.
            yield from self._listed("/orgs/{org}/repos", queries.organization_path(org), expected=(Moved, NotFound))
            return
        try:
            yield from self._listed("/user/repos", "/user/repos")
        except Forbidden as error:
            if isinstance(error, SsoRequired | IpNotAllowed):
                raise
            yield from self._listed("/installation/repositories", "/installation/repositories")

    def repository(self, full_name: str) -> RepositoryInfo:
        """Return the repository as it is now; `renamed_from` is `full_name` if that is an old name of it."""

        def read(response: Response) -> Answer[RepositoryInfo]:
            return answers.read_repository(response, asked_for=full_name)

        try:
            return self._get("/repos/{owner}/{repo}", queries.repository_path(full_name), read)
        except Moved as moved:
            return self._get("/repositories/{id}", self._new_path(moved), read)

    def rate_limit(self) -> tuple[RateLimit, ...]:
        """Return what is left of every budget, and let the lane know; asking costs nothing."""
        return self._get("/rate_limit", "/rate_limit", answers.read_rate_limits, resource=None)

    def user(self) -> Actor:
        """Return the account that the token belongs to; an installation, which is not a user, is asked for by GraphQL."""
        try:
            return self._get("/user", "/user", answers.read_user)
        except Forbidden as error:
            if isinstance(error, SsoRequired | IpNotAllowed):
                raise
            return GitHubGraphQL(transport=self._transport, lane=self._lane).viewer()

    def _listed(
        self, endpoint: str, path: str, *, expected: tuple[type[GitHubError], ...] = (Moved,)
    ) -> Iterator[RepositoryInfo]:
        """Yield every repository of a list, page after page by its `Link` header."""
        following: str | None = path
        params: Mapping[str, str] | None = {"per_page": "100"}
        while following is not None:
            asked = following
            found, following, hidden = self._get(endpoint, asked, _read_page, params=params, expected=expected)
            if following == asked:
                raise InvalidAnswer("The answer says that a page follows, and that it is the same one", http_status=200)
            self.hidden_organizations = hidden or self.hidden_organizations
            yield from found
            params = None  # the address of the next page holds them

    def _new_path(self, moved: Moved) -> str:
        """Return the path of a repository's new address, if it is on the same host: the token goes nowhere else."""
        try:
            parts = urlsplit(moved.location or "")
        except ValueError:
            raise moved from None
        found = re.search(r"/repositories/\d+$", parts.path)
        if parts.hostname != self._transport.host or found is None:
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
        """Return the answer to `GET path`; a redirect is an answer too, and whoever asks decides whether to follow it."""

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


def _read_page(response: Response) -> Answer[tuple[tuple[RepositoryInfo, ...], str | None, tuple[str, ...]]]:
    found = answers.read_repositories(response).value
    return Answer(value=(found, answers.next_page(response), answers.hidden_organizations(response)))
