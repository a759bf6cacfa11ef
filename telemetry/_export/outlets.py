"""One exporter with the spans that wait for it: in memory, in flight, and in its spool.

What it does not take now goes to the spool if there is one, and otherwise waits in memory. While it is away it is
retried after a time that doubles; until then nothing waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value  # as the SDK's own do
from opentelemetry.sdk.trace import ReadableSpan

from telemetry import _health
from telemetry._export.accounts import Account
from telemetry._export.backing_off import BackOff
from telemetry._export.counting import Counting
from telemetry._export.counts import Count, reason_of
from telemetry._export.redacting import requests_of
from telemetry._export.sending import TAKEN, Answer, LateSender, Sender, send_once
from telemetry._export.shelf import Shelf
from telemetry._export.span_requests import Estate, Noted, Request, Settled
from telemetry._export.spool import Spool
from telemetry._export.turns import Turns
from telemetry._export.waiting import Waiting
from telemetry.settings import Batching

_LONGEST_WAIT, _LONGEST_WAIT_IN_MEMORY = 10.0, 1.0
_LOOK_AT_SPOOL_SECONDS = 1.0
_STOP_SECONDS = 1.0


class Outlet:
    """The way of spans to one exporter, whose number in the account is `number`.

    `turned` is called after each turn of its thread. An ending process waits `patience` times the usual time for it.
    """

    def __init__(
        self,
        name: str,
        number: int,
        make: Callable[[], Sender],
        *,
        batching: Batching,
        spool: Spool | None = None,
        patience: float = 1.0,
        settled: Settled = lambda _name, _spans, _mark: nullcontext(),
        turned: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self.number = name, number
        self._make, self._spool, self._settled, self._turned = make, spool, settled, turned
        self._patience = patience
        self._batch_size, self._room, self._delay = batching.batch_size, batching.queue_size, batching.delay_ms / 1000
        self._reset()

    def _reset(self) -> None:
        self._counting = Counting(self.name, self.number, self._settled)
        self._waiting = Waiting()
        self._shelf = None if self._spool is None else Shelf(self._spool, self._counting, self._release)
        self._back_off = BackOff(_LONGEST_WAIT_IN_MEMORY if self._spool is None else _LONGEST_WAIT)
        self._turns = Turns(self.name, self._delay, self._turn_and_tell)
        self._at_work, self._at_shelf, self._at_estate = threading.Lock(), threading.Lock(), threading.Lock()
        self._sender: Sender | None = None
        self._spool_due_at = 0.0
        self._has_hung = False

    def after_fork(self) -> None:
        """Forget what belongs to the parent: its spans, its thread and its exporter's connections."""
        self._reset()

    def begin(self, account: Account, lock: threading.RLock) -> None:
        """Start exporting for an account, which this lock guards."""
        self._counting.begin(account, lock)
        self._sender = self._sender or self._made()
        self._turns.begin()

    def _made(self) -> Sender:
        try:
            return self._make()
        except Exception as error:  # noqa: BLE001  # somebody's exporter; the others have the spans all the same
            _health.aside(error)
            return LateSender(self._make)

    def add(self, span: ReadableSpan) -> None:
        """Queue a span; the caller holds the lock."""
        queue = self._waiting.queue
        while len(queue) >= self._room:
            self._counting.dropped([queue.popleft()], self._back_off.trouble or "queue_full")
        queue.append(span)
        if len(queue) >= self._batch_size and not self._turns.wake.is_set():
            self._turns.wake.set()

    def leave(self, span: ReadableSpan) -> None:
        """Drop a span that somebody else has exported; the caller holds the lock."""
        self._counting.dropped([span], "ended_elsewhere")

    def hand_over(
        self,
        spans: Sequence[ReadableSpan],
        is_lost: Callable[[ReadableSpan], bool],
        note: Noted,
        *,
        there: Sequence[ReadableSpan] = (),
    ) -> bool:
        """Export or spool the spans of a process that is gone, count them, and return whether that was done.

        The exporter already has those that are `there`, which are only counted. `is_lost` says which had ended: their
        process has counted them as lost. Each request that is done is noted before it is counted.
        """
        for request in list(requests_of(spans)) or [[]]:
            with self._at_estate:
                if not self._hand_over(Request(request, Estate(is_lost, note, there))):
                    return False
            there = ()
        return True

    def _hand_over(self, request: Request) -> bool:
        sender = self._sender
        if self._counting.account is None or sender is None:
            return False
        if not self._back_off.is_away or not request.spans:
            answer = TAKEN
            if request.spans:
                with self._at_work:
                    answer = send_once(sender, request.spans)
                self._note(answer)
            if not answer.is_away:
                self._counting.answered(request, answer)
                return True
        with self._at_shelf:
            return self._put(request)

    def gone(self) -> Count:
        """Return what has become of this process's spooled spans, as far as this process did it itself."""
        account, spool = self._counting.account, self._spool
        return Count() if account is None or spool is None else spool.gone(account.id)

    def is_empty(self) -> bool:
        """Return whether nothing waits in memory."""
        return self._waiting.is_empty()

    def flush(self, seconds: float, *, and_spool: bool = False) -> bool:
        """Bring what waits in memory to the exporter or into the spool, and return whether nothing waits any more.

        It takes no longer than `seconds`. An exporter that let a flush wait in vain is not waited for again until it is
        back. With `and_spool`, what waits in the spool is sent within the same time.
        """
        deadline = time.monotonic() + seconds * (self._patience if and_spool else 1.0)
        if self._counting.account is None or (self.is_empty() and not and_spool):
            return True
        if self._back_off.is_away and (self._has_hung or self._spool is not None):
            self._shelve()
            if self._has_hung or not and_spool:
                return self.is_empty()
        attempt = threading.Thread(target=self._attempt, args=(deadline if and_spool else None,), daemon=True)
        try:
            attempt.start()
        except RuntimeError:  # Python 3.12 starts none once the interpreter is ending
            self._attempt(deadline if and_spool else None)
        else:
            attempt.join(max(0.0, deadline - time.monotonic()))
        if attempt.is_alive() and not self.is_empty():
            self._has_hung = True
            self._note(Answer(is_away=True, reason="unreachable"))
            self._shelve()
        return self.is_empty()

    def stop(self) -> None:
        """Stop the thread and shut down the exporter; both are created again when needed."""
        sender, self._sender = self._sender, None
        self._turns.stop(waiting=0.0 if self._has_hung else _STOP_SECONDS)
        if sender is not None:
            sender.close()

    def _turn_and_tell(self) -> None:
        self._turn()
        self._turned()

    def _turn(self) -> None:
        """Export what waits: a turn comes when a batch is full, and every `OTEL_BSP_SCHEDULE_DELAY`."""
        self._keep_account()
        if not self._back_off.is_due:
            self._shelve()
        elif self._back_off.is_away and self._spool is not None and not self._spool.is_idle():
            self._send_spooled(None)
        else:
            self._drain()
            if not self._back_off.is_away and time.monotonic() >= self._spool_due_at:
                self._spool_due_at = time.monotonic() + _LOOK_AT_SPOOL_SECONDS
                self._send_spooled(time.monotonic() + self._delay)

    def _attempt(self, spool_until: float | None) -> None:
        """Export for a flush, on a thread of its own."""
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            if not self._back_off.is_away or self._spool is None:
                self._drain()
            if spool_until is not None:
                self._send_spooled(spool_until)
        except Exception as error:  # noqa: BLE001  # nobody would see it
            _health.aside(error)
        finally:
            detach(token)

    def _drain(self) -> None:
        """Hand over what waits in memory until nothing is left or the exporter is away."""
        with self._at_work:
            while (sender := self._sender) is not None and (requests := self._take()):
                for request in requests:
                    if request.is_given_up:
                        return
                    answer = send_once(sender, request.spans)
                    self._apply(request, answer)
                    if answer.is_away:
                        with self._counting.lock:
                            self._waiting.put_back()
                        self._shelve()
                        return

    def _take(self) -> list[Request]:
        """Take a batch from the queue, split into requests that every receiver accepts."""
        with self._counting.lock:
            whole = self._waiting.take(self._batch_size)
        if whole is None:
            return []
        requests = [Request(part) for part in requests_of(whole.spans)]
        with self._counting.lock:
            return self._waiting.divide(whole, requests)

    def _apply(self, request: Request, answer: Answer) -> None:
        """Count the result of a request, wherever its spans are by now."""
        with self._counting.lock:
            request.answer = answer
            batch = request.batch
            if not answer.is_away and self._waiting.let_go(request):
                self._counting.answered(request, answer)
        if batch is not None and answer.reason is None and self._spool is not None:
            self._spool.take_back(batch)
        self._note(answer)

    def _shelve(self) -> None:
        """Move what waits in memory into the spool; without a writable one it stays where it is."""
        if self._spool is None:
            return
        with self._at_shelf:
            while requests := self._give_up():
                for number, request in enumerate(requests):
                    if not self._put(request):
                        with self._counting.lock:
                            for answered, answer in self._waiting.take_back(requests[number:]):
                                self._counting.answered(answered, answer)
                        return

    def _give_up(self) -> list[Request]:
        """Take what is in flight, whose answer nobody awaits any more, and then a batch from the queue."""
        with self._counting.lock:
            requests, spans = self._waiting.give_up(self._batch_size)
        return [*requests, *map(Request, requests_of(spans))]

    def _put(self, request: Request) -> bool:
        """Put spans into the spool; return whether they are there."""
        account = self._counting.account
        if account is None or self._shelf is None:
            return False
        try:
            self._shelf.put(request, account.id)
        except OSError as error:
            self._note(Answer(is_away=True, reason=reason_of(error)))
            _health.aside(error)
            return False
        return True

    def _release(self, request: Request) -> None:
        with self._counting.lock:
            self._waiting.release(request)

    def _send_spooled(self, deadline: float | None) -> None:
        """Send what waits in the spool, oldest first, unless another process does; without a deadline, one batch."""
        spool, shelf, sender = self._spool, self._shelf, self._sender
        if spool is None or shelf is None or sender is None or spool.is_idle():
            return
        with self._at_work, spool.sending() as is_ours:
            if not is_ours:
                if self._back_off.is_away:
                    self._back_off.wait(_LOOK_AT_SPOOL_SECONDS)
                return
            for batch in spool.batches():
                if self._sender is not sender:
                    return
                answer = shelf.send(batch, sender)
                if answer is not None:
                    self._note(answer)
                    if answer.is_away:
                        return
                if deadline is None or time.monotonic() > deadline:
                    self._spool_due_at = 0.0
                    self._turns.wake.set()  # there may be more; what is new goes first
                    return

    def _note(self, answer: Answer) -> None:
        """Remember whether the exporter is away, and how long to leave it alone."""
        with self._counting.lock:
            self._back_off.note(answer)
            self._counting.trouble(self._back_off.trouble)
            if not self._back_off.is_away:
                self._has_hung = False

    def _keep_account(self) -> None:
        """Make sure that the account has its file, also once a full disk has room again."""
        account = self._counting.account
        if account is None:
            return
        try:
            with self._counting.lock:
                account.file()
                account.save()
        except OSError as error:
            _health.aside(error)
