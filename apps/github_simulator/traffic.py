"""Record the simulator's traffic: counts for `/_simulator/stats` and the latest requests for tests."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.github_simulator.replies import Api

_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class SeenRequest:
    """One answered request; `points` were charged to the primary limit, and `fault` names the fault it met, if any.

    `at` is in epoch seconds. `operation` and `variables` describe a GraphQL request; `endpoint` is the route of a REST
    request.
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
    """Counts of requests and points, and the peak number of concurrent requests per account."""

    def __init__(self) -> None:
        self.seen: deque[SeenRequest] = deque(maxlen=_REMEMBERED)
        self._requests: Counter[Api] = Counter()
        self._points = 0
        self._trace_headers = 0
        self._in_flight: Counter[str] = Counter()
        self._max_in_flight: Counter[str] = Counter()

    def arrived(self, api: Api, headers: Mapping[str, str]) -> None:
        """Count a request that has arrived."""
        self._requests[api] += 1
        self._trace_headers += "traceparent" in headers or "baggage" in headers

    def enter(self, account: str) -> int:
        """Add a request in flight to the account and return how many it has now."""
        self._in_flight[account] += 1
        self._max_in_flight[account] = max(self._max_in_flight[account], self._in_flight[account])
        return self._in_flight[account]

    def leave(self, account: str) -> None:
        """Remove a request in flight from the account, whether it was answered or abandoned."""
        self._in_flight[account] -= 1

    def finished(self, request: SeenRequest) -> None:
        """Record a request whose reply has been decided."""
        if request.api == "graphql":
            self._points += request.points
        self.seen.append(request)

    def stats(self) -> dict[str, Any]:
        """Return the statistics for `/_simulator/stats`, where `points` counts only GraphQL."""
        return {
            "requests": {"graphql": self._requests["graphql"], "rest": self._requests["rest"]},
            "points": self._points,
            "max_in_flight": dict(self._max_in_flight),
            "trace_headers": self._trace_headers,
        }
