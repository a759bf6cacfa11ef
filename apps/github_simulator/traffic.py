"""A record of all requests: counts for `/_simulator/stats`, and the latest requests in full for tests."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.github_simulator.replies import Api

REMEMBERED_REQUESTS = 10_000
"""How many of the latest requests are kept in full."""


@dataclass(frozen=True, kw_only=True)
class SeenRequest:
    """One request with its result: `points` charged to the primary limit, and the `fault` that struck it, if any.

    `operation` and `variables` belong to GraphQL, `endpoint` (the route) and `path` to REST; `at` is Unix time in seconds.
    """

    at: float
    api: Api
    account: str | None
    operation: str | None
    variables: Mapping[str, Any]
    endpoint: str | None
    path: str
    status: int
    points: int
    fault: str | None


class Traffic:
    """Counts requests, points, and how many requests of each account were in flight at once."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.seen: deque[SeenRequest] = deque(maxlen=REMEMBERED_REQUESTS)
        self._requests: Counter[Api] = Counter()
        self._points = 0
        self._trace_headers = 0
        self._in_flight: Counter[str] = Counter()
        self._max_in_flight: Counter[str] = Counter()

    def count(self, api: Api, headers: Mapping[str, str]) -> None:
        """Count a request that has come in."""
        self._requests[api] += 1
        self._trace_headers += "traceparent" in headers or "baggage" in headers

    def enter(self, account: str) -> int:
        """Add a request in flight, and return how many the account has now."""
        self._in_flight[account] += 1
        self._max_in_flight[account] = max(self._max_in_flight[account], self._in_flight[account])
        return self._in_flight[account]

    def leave(self, account: str) -> None:
        """Remove a request in flight, because it has been answered or its client has disconnected."""
        self._in_flight[account] -= 1

    def record(self, request: SeenRequest) -> None:
        """Record a request once its reply is known."""
        if request.api == "graphql":
            self._points += request.points
        self.seen.append(request)

    def stats(self) -> dict[str, Any]:
        """Return the content of `/_simulator/stats`; `points` are those of GraphQL."""
        return {
            "requests": {"graphql": self._requests["graphql"], "rest": self._requests["rest"]},
            "points": self._points,
            "max_in_flight": dict(self._max_in_flight),
            "trace_headers": self._trace_headers,
        }
