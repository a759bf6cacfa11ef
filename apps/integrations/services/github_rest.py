"""The few REST calls: which repositories there are, what one is called now, what is left of the budgets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from apps import catalog
from apps.integrations.errors import Forbidden, GitHubError, InvalidAnswer, IpNotAllowed, LaneLost, Moved, SsoRequired
from apps.integrations.lane import Resource, Turn, Turns
from apps.integrations.services import github_protocol as protocol
from apps.integrations.services.github_graphql import GitHubGraphQL
from apps.integrations.services.github_protocol import Actor, RateLimit, RepositoryInfo, Response
from apps.integrations.services.github_transport import GitHubTransport
from telemetry import observe

R = TypeVar("R")


class GitHubRest:
    """One account's REST client, for one attempt; it raises `GitHubError` and `Parked` as `GitHubGraphQL` does.

    ``hidden_organizations`` are the ids of organizations whose repositories a list left out, because the token is not
    authorized for their SAML single sign-on.
    """

    def __init__(self, *, transport: GitHubTransport, lane: Turns) -> None:
        self._transport = transport
        self._lane = lane
        self.requests = 0
        self.hidden_organizations: tuple[str, ...] = ()

    def repositories(self, org: str | None = None) -> Iterator[RepositoryInfo]:
        """The repositories of ``org``, or all that the token's user or installation can see."""
        if org is not None:
            yield from self._listed("/orgs/{org}/repos", protocol.organization_path(org))
            return
        try:
            yield from self._listed("/user/repos", "/user/repos")
        except Forbidden as error:
            if isinstance(error, SsoRequired | IpNotAllowed):
                raise
            yield from self._listed("/installation/repositories", "/installation/repositories")

    def repository(self, full_name: str) -> RepositoryInfo:
        """The repository as it is now; ``renamed_from`` says so when ``full_name`` is an old name of it."""

        def read(response: Response) -> RepositoryInfo:
            return protocol.read_repository(response, asked_for=full_name)

        try:
            return self._get("/repos/{owner}/{repo}", protocol.repository_path(full_name), read)
        except Moved as moved:
            return self._get("/repositories/{id}", self._moved_to(moved), read)

    def rate_limit(self) -> tuple[RateLimit, ...]:
        """What is left of every budget, which the lane knows from then on; asking costs nothing."""
        return self._get("/rate_limit", "/rate_limit", protocol.read_rate_limits, resource=None, limits=tuple)

    def user(self) -> Actor:
        """Whose token it is; an installation, which is no user, is asked for by GraphQL."""
        try:
            return self._get("/user", "/user", protocol.read_user)
        except Forbidden as error:
            if isinstance(error, SsoRequired | IpNotAllowed):
                raise
            return GitHubGraphQL(transport=self._transport, lane=self._lane).viewer()

    def _listed(self, endpoint: str, path: str) -> Iterator[RepositoryInfo]:
        """Every repository of a list, page after page by its ``Link`` header."""
        following: str | None = path
        params: Mapping[str, str] | None = {"per_page": "100"}
        while following is not None:
            asked = following
            found, following, hidden = self._get(endpoint, asked, _read_page, params=params)
            if following == asked:
                raise InvalidAnswer("The answer says that a page follows, which is itself", http_status=200)
            self.hidden_organizations = hidden or self.hidden_organizations
            yield from found
            params = None  # the address of the next page holds them

    def _moved_to(self, moved: Moved) -> str:
        """The new address's path, when it is a repository of the same host; the token goes nowhere else."""
        parts = urlsplit(moved.location or "")
        found = re.search(r"/repositories/\d+$", parts.path)
        if parts.hostname != self._transport.host or found is None:
            raise moved
        return found[0]

    def _get(
        self,
        endpoint: str,
        path: str,
        read: Callable[[Response], R],
        *,
        params: Mapping[str, str] | None = None,
        resource: Resource | None = "core",
        limits: Callable[[R], Iterable[RateLimit]] = lambda _value: (),
    ) -> R:
        """What ``read`` makes of the answer, asked for in a turn of the account's lane, which learns its ``limits``."""

        def send(turn: Turn) -> R:
            turn.confirm()
            operation = catalog.RestCall(endpoint=endpoint, lane_wait_ms=turn.waited_ms)
            with observe(operation, waited_ms=turn.waited_ms) as call:
                answered = catalog.RestAnswered(status_code=None)
                try:
                    self.requests += 1
                    response = self._transport.rest(path, params, send_before=turn.send_before)
                    limit = protocol.limit_from_headers(response.headers)
                    turn.learned(limit)
                    answered = catalog.RestAnswered(
                        status_code=response.status, remaining=None if limit is None else limit.remaining
                    )
                    value = read(response)
                    for each in limits(value):
                        turn.learned(each)
                except LaneLost:
                    self.requests -= 1  # it was not sent
                    call.cancelled()
                    raise
                except Moved:
                    call.completed(answered)  # a redirect is an answer; whether to follow it is decided outside
                    raise
                except GitHubError as error:
                    call.failed(error, answered)
                    raise
                call.completed(answered)
            return value

        return self._lane.call(send, resource=resource)


def _read_page(response: Response) -> tuple[list[RepositoryInfo], str | None, tuple[str, ...]]:
    return protocol.read_repositories(response), protocol.next_page(response), protocol.hidden_organizations(response)
