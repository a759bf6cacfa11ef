"""GitHub's primary and secondary rate limits, applied per account.

Source: "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API" in GitHub's documentation.
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
    """The limits of one account; None switches a secondary limit off.

    `graphql` and `core` are points per window of `window_seconds`. The `_per_minute` limits count requests, since a
    read costs one point of GitHub's secondary limits. `concurrent` is the number of requests in flight.
    """

    graphql: int = 5_000
    core: int = 5_000
    window_seconds: float = 3_600
    graphql_per_minute: int | None = 2_000
    core_per_minute: int | None = 900
    concurrent: int | None = 100


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The state of a primary limit as GitHub reports it; `reset` is in whole seconds of Unix time."""

    resource: Resource
    limit: int
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        """The points left; never negative, even if the last request overdrew the limit."""
        return max(0, self.limit - self.used)


@dataclass(slots=True)
class _Window:
    """One account's use of a resource; `recent` holds the times of its requests in the last minute."""

    limit: int
    reset: int
    used: int = 0
    recent: deque[float] = field(default_factory=deque)


class RateLimits:
    """The budgets of all accounts. A window opens with an account's first request after the last reset."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float]) -> None:
        """Apply the same `limits` to every account; `clock` returns Unix time in seconds."""
        self.limits = limits
        self._clock = clock
        self._windows: dict[tuple[str, Resource], _Window] = {}

    def budget(self, account: str, resource: Resource) -> Budget:
        """Return the account's current budget."""
        window = self._window(account, resource)
        return Budget(resource=resource, limit=window.limit, used=window.used, reset=window.reset)

    def charge(self, account: str, resource: Resource, points: int) -> None:
        """Charge points to the account; as at GitHub, the last request before the limit may overdraw it."""
        self._window(account, resource).used += points

    def set_budget(self, account: str, resource: Resource, *, remaining: int, reset_in: float | None) -> None:
        """Leave the account with `remaining` points until a reset in `reset_in` seconds (None: at the time already set)."""
        window = self._window(account, resource)
        window.limit = max(window.limit, remaining)
        window.used = window.limit - remaining
        if reset_in is not None:
            window.reset = math.ceil(self._clock() + reset_in)

    def admit(self, account: str, resource: Resource) -> int | None:
        """Count a request towards the secondary limit; if it exceeds the limit, return the seconds to wait instead."""
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
