"""GitHub's primary and secondary rate limits, tracked per account.

Source: GitHub's "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API".
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Resource = Literal["graphql", "core"]
_MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of every account; None disables a secondary limit.

    `graphql` and `core` are points per window of `window_seconds`. The `_per_minute` limits count requests, because
    GitHub's secondary limits charge one point for a read. `concurrent` is the number of requests in flight.
    """

    graphql: int = 5_000
    core: int = 5_000
    window_seconds: float = 3_600
    graphql_per_minute: int | None = 2_000
    core_per_minute: int | None = 900
    concurrent: int | None = 100


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A resource's primary limit as GitHub reports it, with `reset` in whole epoch seconds."""

    resource: Resource
    limit: int
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        """The points left, never below zero."""
        return max(0, self.limit - self.used)


@dataclass(slots=True)
class _Window:
    limit: int
    reset: int
    used: int = 0
    recent: deque[float] = field(default_factory=deque)  # when the requests of the last minute arrived


class RateLimits:
    """The budgets of all accounts; a window opens with the first request after the previous one has ended."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._windows: dict[tuple[str, Resource], _Window] = {}

    def budget(self, account: str, resource: Resource) -> Budget:
        """Return the account's current budget for the resource."""
        window = self._window(account, resource)
        return Budget(resource=resource, limit=window.limit, used=window.used, reset=window.reset)

    def charge(self, account: str, resource: Resource, points: int) -> None:
        """Charge the points to the account; as on GitHub, the last request before the limit may exceed it."""
        self._window(account, resource).used += points

    def set_budget(self, account: str, resource: Resource, *, remaining: int, reset_in: float | None) -> None:
        """Set the points left, and if `reset_in` is given, let the window end in that many seconds."""
        window = self._window(account, resource)
        window.limit = max(window.limit, remaining)
        window.used = window.limit - remaining
        if reset_in is not None:
            window.reset = math.ceil(self._clock() + reset_in)

    def retry_after(self, account: str, resource: Resource) -> int | None:
        """Return the seconds to wait if this request exceeds the per-minute limit; otherwise count it and return None."""
        allowed = self.limits.graphql_per_minute if resource == "graphql" else self.limits.core_per_minute
        if allowed is None:
            return None
        now, recent = self._clock(), self._window(account, resource).recent
        while recent and recent[0] <= now - _MINUTE:
            recent.popleft()
        if len(recent) >= allowed:
            return math.ceil(recent[0] + _MINUTE - now)
        recent.append(now)
        return None

    def _window(self, account: str, resource: Resource) -> _Window:
        now = self._clock()
        limit = self.limits.graphql if resource == "graphql" else self.limits.core
        window = self._windows.get((account, resource))
        if window is None:
            window = self._windows[account, resource] = _Window(limit, self._next_reset(now))
        elif now >= window.reset:
            window.limit, window.used, window.reset = limit, 0, self._next_reset(now)
        return window

    def _next_reset(self, now: float) -> int:
        return math.ceil(now + self.limits.window_seconds)
