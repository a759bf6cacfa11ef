"""The spans that wait in memory for one exporter: in its queue, in flight, or on their way into the spool.

Whoever calls holds the lock of the exporter's account.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan

from telemetry._export.sending import Answer
from telemetry._export.span_requests import Request


class Waiting:
    """Knows where each span is that has ended and that the exporter is not done with."""

    def __init__(self) -> None:
        self.queue: deque[ReadableSpan] = deque()
        self._in_flight: list[Request] = []
        self._in_hand = 0

    def is_empty(self) -> bool:
        """Return whether nothing waits in memory."""
        return not (self.queue or self._in_flight or self._in_hand)

    def take(self, most: int) -> Request | None:
        """Take up to `most` spans from the queue as one request in flight, or return None if there are none."""
        spans = self._from_queue(most)
        whole = Request(spans)
        self._in_flight = [whole] if spans else []
        return whole if spans else None

    def divide(self, whole: Request, parts: Sequence[Request]) -> list[Request]:
        """Let `parts` fly in place of the `whole` request; return them, or nothing if it was given up meanwhile."""
        if whole.is_given_up:
            return []
        self._in_flight = list(parts)
        return list(parts)

    def let_go(self, request: Request) -> bool:
        """Let go of a request that was answered; return whether its spans were here, so that they are counted now."""
        if request in self._in_flight:
            self._in_flight.remove(request)
            return True
        if request.is_given_up and request.batch is None and not self._in_hand:
            sent = set(map(id, request.spans))  # they wait in memory again
            self.queue = deque(span for span in self.queue if id(span) not in sent)
            return True
        return False

    def put_back(self) -> None:
        """Put what is in flight back at the head of the queue."""
        for request in reversed(self._in_flight):
            self.queue.extendleft(reversed(request.spans))
        self._in_flight = []

    def give_up(self, most: int) -> tuple[list[Request], list[ReadableSpan]]:
        """Take what is in flight, whose answer nobody waits for any more, and up to `most` spans from the queue."""
        requests, self._in_flight = self._in_flight, []
        for request in requests:
            request.is_given_up = True
        spans = self._from_queue(most)
        self._in_hand = len(spans) + sum(len(request.spans) for request in requests)
        return requests, spans

    def release(self, request: Request) -> None:
        """Let go of a request that was given up and has reached the spool."""
        self._in_hand -= 0 if request.estate is not None else len(request.spans)

    def take_back(self, requests: Sequence[Request]) -> list[tuple[Request, Answer]]:
        """Queue again what did not reach the spool; return what was answered meanwhile instead, to be counted."""
        self._in_hand = 0
        answered = []
        for request in reversed(requests):
            if request.answer is not None and not request.answer.is_away:
                answered.append((request, request.answer))
            else:
                self.queue.extendleft(reversed(request.spans))
        return answered

    def _from_queue(self, most: int) -> list[ReadableSpan]:
        return [self.queue.popleft() for _ in range(min(most, len(self.queue)))]
