"""A transport whose answers functions decide, and a client on it whose lane nobody shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from apps.integrations.github.nodes import Response
from apps.integrations.services.github_graphql import GitHubGraphQL
from tests.integrations.github.answers import FreeLane

Handler = Callable[[dict[str, Any]], Response]


def _nobody(*_request: object) -> Response:
    raise AssertionError("nobody answers this API")


class ScriptedTransport:
    """Answers with what `graphql` makes of a request's variables and operation, and with what `rest` returns."""

    host = "api.github.com"

    def __init__(self, *, graphql: Handler = _nobody, rest: Callable[[], Response] = _nobody) -> None:
        self.asked: list[dict[str, Any]] = []
        self._graphql, self._rest = graphql, rest

    def graphql(self, body: bytes, *, send_before: float | None = None) -> Response:
        """Answer a GraphQL request."""
        request = orjson.loads(body)
        self.asked.append({"operation": request["operationName"], **request["variables"]})
        return self._graphql(self.asked[-1])

    def rest(self, path: str, params: Mapping[str, str] | None = None, *, send_before: float | None = None) -> Response:
        """Answer a REST request."""
        return self._rest()


def scripted(handle: Handler, *, lane: FreeLane | None = None) -> tuple[GitHubGraphQL, list[dict[str, Any]]]:
    """Return a client whose answers `handle` decides, and the requests that it has sent."""
    transport = ScriptedTransport(graphql=handle)
    return GitHubGraphQL(transport=transport, lane=lane or FreeLane()), transport.asked
