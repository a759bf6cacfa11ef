"""One exporter's spool, as this process uses it: what it puts there, and what it sends from there."""

from __future__ import annotations

from collections.abc import Callable

from telemetry import _health
from telemetry._export import otlp_json
from telemetry._export.counting import Counting
from telemetry._export.otlp_json_spans import spans_of
from telemetry._export.sending import Answer, Sender, send_once
from telemetry._export.span_requests import Request
from telemetry._export.spool import Batch, Spool


class Shelf:
    """Puts requests into `spool`, numbers their files and counts them; `release` hears of each that is over or there."""

    def __init__(self, spool: Spool, counting: Counting, release: Callable[[Request], None]) -> None:
        self._spool, self._counting, self._release = spool, counting, release
        self._sequence = 0

    def put(self, request: Request, account: str) -> None:
        """Put spans into the spool for an account; raise OSError if they are not there.

        Spans that no file can hold have failed, and are over.
        """
        self._sequence += 1
        sequence = self._sequence

        def count() -> None:
            self._counting.spooled(request, sequence)
            self._release(request)

        try:
            data = otlp_json.request(request.spans)
        except Exception as error:  # noqa: BLE001  # somebody's class of spans, which no file can hold
            _health.aside(error)
            self._counting.answered(request, Answer(reason="failed"))
            self._release(request)
            return
        batch = self._spool.put(data, spans=len(request.spans), account=account, sequence=sequence, count=count)
        with self._counting.lock:
            request.batch = batch
            answer = request.answer
        if answer is not None and answer.reason is None:
            self._spool.take_back(batch)

    def send(self, batch: Batch, sender: Sender) -> Answer | None:
        """Send one batch of the spool and return the answer, or None if there was nothing to send in it."""
        data = self._spool.claim(batch)
        if data is None:
            return None
        try:
            spans = spans_of(data)
        except ValueError as error:
            self._spool.damaged(batch)
            _health.aside(error)
            return None
        answer = send_once(sender, spans)
        if answer.is_away:
            self._spool.release(batch)
        elif answer.reason is None:
            self._spool.sent(batch, rejected=answer.rejected)
        else:
            self._spool.lost(batch, answer.reason)
        return answer
