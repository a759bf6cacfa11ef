"""The one way to call GitHub: a request sent in a turn of the account's lane, observed as one span and one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from apps.catalog import CallStatus
from apps.integrations.errors import GitHubError, LaneLost
from apps.integrations.github.answers import Answer
from apps.integrations.github.limits import limit_from_headers
from apps.integrations.github.nodes import Response
from apps.integrations.lane import Resource, Turn, Turns
from telemetry import observe
from telemetry.model import Operation, Result

V = TypeVar("V")
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended(Generic[V]):
    """What is known of a call at its end; `value` is None for one that failed."""

    status: CallStatus
    status_code: int | None
    points_cost: int | None
    remaining: int | None
    value: V | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[V, R]):
    """One request: what pays for it, how it is declared, sent and read, and what its span says at the end.

    `operation` takes the wait for the lane in ms, `send` the moment before which the request must leave, by `boottime`.
    Errors of the kinds in `answers` are answers to whoever asks: the call has completed, and raises them.
    """

    resource: Resource | None
    operation: Callable[[float], Operation[R]]
    send: Callable[[float], Response]
    read: Callable[[Response], Answer[V]]
    result: Callable[[Ended[V]], R]
    answers: tuple[type[GitHubError], ...] = ()


class Calls:
    """Makes the calls of one account's clients, for one attempt.

    `requests` and `points` count what was spent, on failed calls too where GitHub says what they cost.
    """

    def __init__(self, *, lane: Turns) -> None:
        self._lane = lane
        self.requests = 0
        self.points = 0

    def make(self, call: Call[V, R]) -> V:
        """Return the value of the answer.

        Raises `GitHubError` for what GitHub answers instead, and `Parked` for a wait that is too long to sleep through.
        """
        return self._lane.call(lambda turn: self._send(call, turn), resource=call.resource)

    def _send(self, call: Call[V, R], turn: Turn) -> V:
        turn.confirm()
        with observe(call.operation(turn.waited_ms), waited_ms=turn.waited_ms) as observed:
            try:
                self.requests += 1
                response = call.send(turn.send_before)
                turn.learned(limit_from_headers(response.headers))
                answer = call.read(response)
            except LaneLost:
                self.requests -= 1  # it was not sent
                observed.cancelled()
                raise
            except GitHubError as error:
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
                else:
                    observed.failed(error, result)
                raise
            for limit in answer.limits:
                turn.learned(limit)
            self.points += answer.cost or 0
            observed.completed(
                call.result(
                    Ended(
                        status="ok",
                        status_code=response.status,
                        points_cost=answer.cost,
                        remaining=_remaining(call.resource, turn),
                        value=answer.value,
                    )
                )
            )
        return answer.value


def _remaining(resource: Resource | None, turn: Turn) -> int | None:
    """Return what the answer said is left of `resource`."""
    budget = None if resource is None else turn.budgets.get(resource)
    return None if budget is None else budget.remaining
