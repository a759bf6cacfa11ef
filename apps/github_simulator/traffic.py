"""What the simulator has seen: counts for `/_simulator/stats`, and the last requests for tests."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.github_simulator.replies import Api

_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class SeenRequest:
    """One request and what became of it. `points` were charged to the primary limit; `fault` is the one it met.

    `operation` and `variables` belong to GraphQL, `endpoint` (the route) and `path` to REST; `at` is epoch seconds.
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
    """Counts requests, points and how many requests of an account overlapped."""

    def __init__(self) -> None:
        self.seen: deque[SeenRequest] = deque(maxlen=_REMEMBERED)
        self._requests: Counter[Api] = Counter()
        self._points = 0
        self._trace_headers = 0
        self._in_flight: Counter[str] = Counter()
        self._max_in_flight: Counter[str] = Counter()

    def arrived(self, api: Api, headers: Mapping[str, str]) -> None:
        """A request is there."""
        self._requests[api] += 1
        self._trace_headers += "traceparent" in headers or "baggage" in headers

    def enter(self, account: str) -> int:
        """The account has one more request in flight; how many that makes."""
        self._in_flight[account] += 1
        self._max_in_flight[account] = max(self._max_in_flight[account], self._in_flight[account])
        return self._in_flight[account]

    def leave(self, account: str) -> None:
        """One request of the account has been answered, or given up."""
        self._in_flight[account] -= 1

    def finished(self, request: SeenRequest) -> None:
        """The request's reply is decided."""
        if request.api == "graphql":
            self._points += request.points
        self.seen.append(request)

    def stats(self) -> dict[str, Any]:
        """The answer of `/_simulator/stats`; `points` are GraphQL's."""
        return {
            "requests": {"graphql": self._requests["graphql"], "rest": self._requests["rest"]},
            "points": self._points,
            "max_in_flight": dict(self._max_in_flight),
            "trace_headers": self._trace_headers,
        }
