"""The only way to call GitHub: send a request in a turn of the account's lane, observed as one span and one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from apps.catalog import CallStatus
from apps.integrations.errors import Forbidden, GitHubError, LaneLost, NotFound, RateLimited, SecondaryLimited, Unauthorized
from apps.integrations.github.answers import Answer
from apps.integrations.github.limits import date_of, limit_from_headers
from apps.integrations.github.nodes import Response
from apps.integrations.lane import Resource, Turn, Turns
from telemetry import observe
from telemetry.model import Operation, Result

V = TypeVar("V")
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended(Generic[V]):
    """What is known of a call at its end; `value` is None if it failed."""

    status: CallStatus
    status_code: int | None
    points_cost: int | None
    remaining: int | None
    value: V | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[V, R]):
    """One request: what pays for it, how it is declared, sent and read, and what its span says at the end.

    `operation` takes the wait for the lane in ms, and `send` the moment in `boottime` before which the request must
    leave. Errors of the kinds in `answers` are answers: the call has completed, and raises them.
    """

    resource: Resource | None
    operation: Callable[[float], Operation[R]]
    send: Callable[[float], Response]
    read: Callable[[Response], Answer[V]]
    result: Callable[[Ended[V]], R]
    answers: tuple[type[GitHubError], ...] = ()


@dataclass(kw_only=True, slots=True)
class Known:
    """What one attempt's clients know that GitHub lets them see; an answer proves both."""

    token_works: bool = False
    repository_is_there: bool = False

    def contradicts(self, error: GitHubError) -> bool:
        """Return whether `error` contradicts that, as one of GitHub's many servers sometimes does for a moment."""
        if isinstance(error, Unauthorized):
            return self.token_works
        return isinstance(error, Forbidden | NotFound) and self.repository_is_there


class Calls:
    """Makes the calls of one account's clients, for one attempt.

    `requests` and `points` count what was spent, including on failed calls if GitHub says what they cost. An error that
    contradicts what is `known` is final only if GitHub repeats it.
    """

    def __init__(self, *, lane: Turns, known: Known | None = None) -> None:
        self._lane = lane
        self._known = Known() if known is None else known
        self.requests = 0
        self.points = 0

    def make(self, call: Call[V, R]) -> V:
        """Make the call and return its value.

        Raises `GitHubError` for what GitHub answers instead, and `Parked` for a wait too long to sleep through.
        """
        try:
            value = self._in_turn(call)
        except GitHubError as error:
            if isinstance(error, call.answers) or not self._known.contradicts(error):
                raise
            value = self._in_turn(call)
        self._known.token_works = self._known.repository_is_there = True
        return value

    def _in_turn(self, call: Call[V, R]) -> V:
        return self._lane.call(lambda turn: self._send(call, turn), resource=call.resource)

    def _send(self, call: Call[V, R], turn: Turn) -> V:
        turn.confirm()
        with observe(call.operation(turn.waited_ms)) as observed:
            try:
                self.requests += 1
                response = call.send(turn.send_before)
                turn.heard(date_of(response.headers))
                turn.learned(limit_from_headers(response.headers))
                answer = call.read(response)
            except LaneLost:
                self.requests -= 1  # it was not sent
                observed.cancelled()
                raise
            except GitHubError as error:
                turn.judge(error)
                self.points += error.points_cost or 0
                result = call.result(
                    Ended(
                        status=error.status,
                        status_code=error.http_status,
                        points_cost=error.points_cost,
                        remaining=_remaining(call.resource, turn),
                    )
                )
                if isinstance(error, call.answers):
                    observed.completed(result)
                elif isinstance(error, RateLimited | SecondaryLimited):  # an answer under GitHub's rules, which we obey
                    observed.waiting(error=error, result=result)
                else:
                    observed.failed(error, result)
                raise
            for limit in answer.limits:
                turn.learned(limit)
            self.points += answer.cost or 0
            observed.completed(
                call.result(
                    Ended(
                        status="partial" if answer.is_partial else "ok",
                        status_code=response.status,
                        points_cost=answer.cost,
                        remaining=_remaining(call.resource, turn),
                        value=answer.value,
                    )
                )
            )
        return answer.value


def _remaining(resource: Resource | None, turn: Turn) -> int | None:
    """Return what is left of `resource` according to the answer."""
    budget = None if resource is None else turn.budgets.get(resource)
    return None if budget is None else budget.remaining
