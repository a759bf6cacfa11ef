"""A transport whose answers a function decides, and clients on a lane that nobody shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from apps.integrations.github.nodes import Response
from apps.integrations.github.transport import GitHubTransport
from apps.integrations.services.github_graphql import GitHubGraphQL
from tests.integrations.github.answers import FreeLane

Handler = Callable[[dict[str, Any]], Response]


class ScriptedTransport(GitHubTransport):
    """It hands each GraphQL request's variables, with its operation's name, to ``handle``, and sends nothing."""

    def __init__(self, handle: Handler) -> None:
        super().__init__(api_url="https://api.github.com", token="none")
        self.asked: list[dict[str, Any]] = []
        self._handle = handle

    def graphql(self, body: bytes, *, send_before: float | None = None) -> Response:
        """What the function answers."""
        request = orjson.loads(body)
        self.asked.append({"operation": request["operationName"], **request["variables"]})
        return self._handle(self.asked[-1])


def scripted(handle: Handler, *, lane: FreeLane | None = None) -> tuple[GitHubGraphQL, list[dict[str, Any]]]:
    """A client whose answers ``handle`` decides, and the requests it has sent."""
    transport = ScriptedTransport(handle)
    return GitHubGraphQL(transport=transport, lane=lane or FreeLane()), transport.asked
