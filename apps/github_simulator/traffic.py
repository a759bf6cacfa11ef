"""A record of all requests: counts for `/_simulator/stats`, and the latest requests in full for tests."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.github_simulator.replies import Api

REMEMBERED_REQUESTS = 10_000
"""How many of the latest requests are kept in full."""
REMEMBERED_OVERLAPS = 20


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
        self._in_flight: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._max_in_flight: Counter[str] = Counter()
        self._overlaps: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_OVERLAPS)

    def count(self, api: Api, headers: Mapping[str, str]) -> None:
        """Count a request that has come in."""
        self._requests[api] += 1
        self._trace_headers += "traceparent" in headers or "baggage" in headers

    def enter(self, account: str, request_id: str) -> int:
        """Add a request in flight, and return how many the account has now."""
        now, in_flight = time.monotonic(), self._in_flight[account]
        if in_flight:
            ages = {beside: round(now - since, 3) for beside, since in in_flight.items()}
            self._overlaps.append({"account": account, "at": time.time(), "request": request_id, "beside": ages})
        in_flight[request_id] = now
        self._max_in_flight[account] = max(self._max_in_flight[account], len(in_flight))
        return len(in_flight)

    def leave(self, account: str, request_id: str) -> None:
        """Remove a request in flight, because it has been answered or its client has disconnected."""
        del self._in_flight[account][request_id]

    def record(self, request: SeenRequest) -> None:
        """Record a request once its reply is known."""
        if request.api == "graphql":
            self._points += request.points
        self.seen.append(request)

    def stats(self) -> dict[str, Any]:
        """Return the content of `/_simulator/stats`; `points` are those of GraphQL.

        `overlaps` are the last requests that came in beside others of their account, with those and their ages in seconds.
        """
        return {
            "requests": {"graphql": self._requests["graphql"], "rest": self._requests["rest"]},
            "points": self._points,
            "max_in_flight": dict(self._max_in_flight),
            "overlaps": list(self._overlaps),
            "trace_headers": self._trace_headers,
        }
