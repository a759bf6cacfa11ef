"""One exporter with the spans that wait for it: in memory, in flight, and in its spool.

What it does not take now goes to the spool, if there is one, and waits in memory otherwise. While it is away it is
tried again after a time that doubles; until then nothing waits for it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value  # as the SDK's own do
from opentelemetry.sdk.trace import ReadableSpan

from telemetry import _health
from telemetry._export import otlp_json
from telemetry._export.accounts import Account
from telemetry._export.counts import Count, reason_of
from telemetry._export.marks import Mark
from telemetry._export.otlp_json_spans import spans_of
from telemetry._export.redacting import requests_of
from telemetry._export.sending import TAKEN, Answer, LateSender, Sender
from telemetry._export.spool import Batch, Spool
from telemetry.settings import Batching

_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_WAIT_IN_MEMORY = 0.25, 10.0, 1.0
_LOOK_AT_SPOOL_SECONDS = 1.0

Settled = Callable[[str, Sequence[ReadableSpan], Mark | None], AbstractContextManager[None]]
"""Hears which spans an exporter is done with: they were taken, refused or dropped, or are on disk; counted inside."""

Noted = Callable[[Sequence[ReadableSpan], Mark | None], None]
"""Writes down, before they are counted, that an exporter is done with spans of a process that is gone."""


@dataclass(frozen=True, slots=True)
class _Estate:
    """Spans of a process that is gone."""

    is_lost: Callable[[ReadableSpan], bool]
    """Says which had ended: their process has counted them as lost."""
    note: Noted
    there: Sequence[ReadableSpan] = ()
    """What the exporter has already, to be counted along with what is handed over."""


@dataclass(slots=True)
class _Request:
    """Spans that are handed over together."""

    spans: Sequence[ReadableSpan]
    estate: _Estate | None = None
    """What they are part of, if they are of a process that is gone, and did not wait here."""
    is_given_up: bool = False
    """Whether nobody waits for its answer any more."""
    answer: Answer | None = None
    """What came all the same, while its spans were on their way into the spool."""
    batch: Batch | None = None
    """Where its spans are in the spool."""


class Outlet:
    """The queue of one exporter, whose number in the account is `number`; `lock` guards queue and account.

    `turned` is called after each of its thread's turns. A process that ends waits `patience` times as long as for others.
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
        self._lock = threading.RLock()
        self._queue: deque[ReadableSpan] = deque()
        self._taken: list[_Request] = []
        self._in_hand = 0
        self._at_work, self._at_shelf, self._at_estate = threading.Lock(), threading.Lock(), threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._sender: Sender | None = None
        self._account: Account | None = None
        self._sequence = 0
        self._trouble: str | None = None
        self._failures, self._due_at, self._spool_due_at = 0, 0.0, 0.0
        self._has_hung = False

    def after_fork(self) -> None:
        """Forget what is the parent's: its spans, its thread, its exporter's connections."""
        self._reset()

    def begin(self, account: Account, lock: threading.RLock) -> None:
        """Start exporting, for an account whose lock this is."""
        self._account, self._lock = account, lock
        self._sender = self._sender or self._made()
        self._thread = threading.Thread(target=self._work, name=f"telemetry-{self.name}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # Python 3.12 starts none once the interpreter is ending: a flush exports
            self._thread = None

    def _made(self) -> Sender:
        try:
            return self._make()
        except Exception as error:  # noqa: BLE001  # somebody's exporter; the others have the spans all the same
            _health.aside(error)
            return LateSender(self._make)

    def add(self, span: ReadableSpan) -> None:
        """Let a span wait; whoever calls holds the lock."""
        queue = self._queue
        while len(queue) >= self._room:
            self._drop([queue.popleft()], self._trouble or "queue_full")
        queue.append(span)
        if len(queue) >= self._batch_size and not self._wake.is_set():
            self._wake.set()

    def leave(self, span: ReadableSpan) -> None:
        """Do not export a span that somebody else has exported; whoever calls holds the lock."""
        self._drop([span], "ended_elsewhere")

    def hand_over(
        self,
        spans: Sequence[ReadableSpan],
        is_lost: Callable[[ReadableSpan], bool],
        note: Noted,
        *,
        there: Sequence[ReadableSpan] = (),
    ) -> bool:
        """Export spans of a process that is gone, or put them into the spool, and count them; return whether that was done.

        Those that are `there` the exporter has already: they are only counted. `is_lost` says which had ended: their process
        has counted them as lost. What is done is noted, request by request, before it is counted.
        """
        for request in list(requests_of(spans)) or [[]]:
            with self._at_estate:
                if not self._hand_over(_Request(request, _Estate(is_lost, note, there))):
                    return False
            there = ()
        return True

    def _hand_over(self, request: _Request) -> bool:
        sender = self._sender
        if self._account is None or sender is None:
            return False
        if not self._is_away() or not request.spans:
            answer = TAKEN
            if request.spans:
                with self._at_work:
                    answer = _sent(sender, request.spans)
                self._note(answer)
            if not answer.is_away:
                self._count(request, answer)
                return True
        with self._at_shelf:
            return self._spool is not None and self._put(request)

    def gone(self) -> Count:
        """Return what became of this process's spans after they were spooled, as far as it did that itself."""
        account, spool = self._account, self._spool
        return Count() if account is None or spool is None else spool.gone(account.id)

    def is_empty(self) -> bool:
        """Return whether nothing waits in memory."""
        return not (self._queue or self._taken or self._in_hand)

    def flush(self, seconds: float, *, and_spool: bool = False) -> bool:
        """Bring what waits in memory to the exporter or into the spool; return whether all of it is in one of them.

        It takes no longer than that. An exporter that let a flush wait in vain is not waited for again until it is back.
        With `and_spool` what waits in the spool is sent for as long.
        """
        deadline = time.monotonic() + seconds * (self._patience if and_spool else 1.0)
        if self._account is None or (self.is_empty() and not and_spool):
            return True
        if self._is_away() and (self._has_hung or self._spool is not None):
            self._shelve()
            if self._has_hung or not and_spool:
                return self.is_empty()
        attempt = threading.Thread(target=self._attempt, args=(deadline if and_spool else None,), daemon=True)
        try:
            attempt.start()
        except RuntimeError:  # as above
            self._attempt(deadline if and_spool else None)
        else:
            attempt.join(max(0.0, deadline - time.monotonic()))
        if attempt.is_alive() and not self.is_empty():
            self._has_hung = True
            self._note(Answer(is_away=True, reason="unreachable"))
            self._shelve()
        return self.is_empty()

    def stop(self) -> None:
        """Stop the thread and shut the exporter down; both are made again when they are needed."""
        thread, sender = self._thread, self._sender
        self._thread = self._sender = None
        self._wake.set()
        if thread is not None and thread is not threading.current_thread() and not self._has_hung:
            thread.join(1.0)
        if sender is not None:
            sender.close()

    def _work(self) -> None:
        """Export a batch when one is full, and whatever is there each `OTEL_BSP_SCHEDULE_DELAY`."""
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        me = threading.current_thread()
        while self._thread is me:
            self._wake.wait(self._delay)
            self._wake.clear()
            if self._thread is not me:
                return
            try:
                self._turn()
                self._turned()
            except Exception as error:  # noqa: BLE001  # the thread must not end
                _health.aside(error)

    def _turn(self) -> None:
        self._keep_account()
        if time.monotonic() < self._due_at:
            self._shelve()
        elif self._is_away() and self._spool is not None and not self._spool.is_idle():
            self._send_spooled(None)
        else:
            self._drain()
            if not self._is_away() and time.monotonic() >= self._spool_due_at:
                self._spool_due_at = time.monotonic() + _LOOK_AT_SPOOL_SECONDS
                self._send_spooled(time.monotonic() + self._delay)

    def _attempt(self, spool_until: float | None) -> None:
        """Do the turn of a flush, on a thread of its own."""
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            if not self._is_away() or self._spool is None:
                self._drain()
            if spool_until is not None:
                self._send_spooled(spool_until)
        except Exception as error:  # noqa: BLE001  # nobody would see it
            _health.aside(error)
        finally:
            detach(token)

    def _drain(self) -> None:
        """Hand over what waits in memory, until nothing does or the exporter is away."""
        with self._at_work:
            while (sender := self._sender) is not None and (requests := self._take()):
                for request in requests:
                    if request.is_given_up:
                        return
                    answer = _sent(sender, request.spans)
                    self._apply(request, answer)
                    if answer.is_away:
                        self._put_back()
                        self._shelve()
                        return

    def _take(self) -> list[_Request]:
        """Take a batch from the queue, in requests that every receiver takes."""
        with self._lock:
            spans = [self._queue.popleft() for _ in range(min(self._batch_size, len(self._queue)))]
            whole = _Request(spans)
            self._taken = [whole] if spans else []
        if not spans:
            return []
        requests = [_Request(part) for part in requests_of(spans)]
        with self._lock:
            if whole.is_given_up:
                return []
            self._taken = list(requests)
        return requests

    def _apply(self, request: _Request, answer: Answer) -> None:
        """Count what came of a request, wherever its spans are by now."""
        with self._lock:
            request.answer = answer
            batch = request.batch
            if not answer.is_away and request in self._taken:
                self._taken.remove(request)
                self._count(request, answer)
            elif not answer.is_away and request.is_given_up and batch is None and not self._in_hand:
                sent = set(map(id, request.spans))  # they wait in memory again
                self._queue = deque(span for span in self._queue if id(span) not in sent)
                self._count(request, answer)
        if batch is not None and answer.reason is None and self._spool is not None:
            self._spool.take_back(batch)
        self._note(answer)

    def _count(self, request: _Request, answer: Answer) -> None:
        there = 0 if request.estate is None else len(request.estate.there)
        lost, reason = (len(request.spans), answer.reason) if answer.reason is not None else (answer.rejected, "rejected")
        exported = there + len(request.spans) - lost
        self._settle(request, exported=exported, dropped={reason: lost} if lost else {})

    def _drop(self, spans: Sequence[ReadableSpan], reason: str) -> None:
        self._settle(_Request(spans), dropped={reason: len(spans)})

    def _settle(self, request: _Request, **counted: Any) -> None:
        """Write down that the exporter is done with spans, and count them; whoever is killed in between has done neither.

        Whoever calls holds the lock of the account, or that of estates, whose note may take its time.
        """
        account, estate = self._account, request.estate
        if account is None:
            return
        if estate is None:
            with self._lock, self._settled(self.name, request.spans, account.begin(self.number)):
                account.count(self.number, **counted)
            return
        spans = [*estate.there, *request.spans]
        with self._lock:
            mark = account.begin(self.number, of_others=True)
        estate.note(spans, mark)
        with self._lock:
            account.count(self.number, others=len(spans), lost=sum(map(estate.is_lost, spans)), **counted)

    def _put_back(self) -> None:
        """Put what was taken and not handed over at the head of the queue again."""
        with self._lock:
            for request in reversed(self._taken):
                self._queue.extendleft(reversed(request.spans))
            self._taken = []

    def _shelve(self) -> None:
        """Put what waits in memory into the spool; without one, or while it cannot be written, it waits where it is."""
        if self._spool is None:
            return
        with self._at_shelf:
            requests = self._give_up()
            while requests:
                for number, request in enumerate(requests):
                    if not self._put(request):
                        self._in_hand_again(requests[number:])
                        return
                requests = self._give_up()

    def _give_up(self) -> list[_Request]:
        """Take what is in flight, whose answer nobody waits for any more, and then what is in the queue."""
        with self._lock:
            requests, self._taken = self._taken, []
            for request in requests:
                request.is_given_up = True
            spans = [self._queue.popleft() for _ in range(min(self._batch_size, len(self._queue)))]
            self._in_hand = len(spans) + sum(len(request.spans) for request in requests)
        return [*requests, *map(_Request, requests_of(spans))]

    def _in_hand_again(self, requests: Sequence[_Request]) -> None:
        """Let what could not be put into the spool wait in memory, without what its receiver has taken meanwhile."""
        with self._lock:
            self._in_hand = 0
            for request in reversed(requests):
                if request.answer is not None and not request.answer.is_away:
                    self._count(request, request.answer)
                else:
                    self._queue.extendleft(reversed(request.spans))

    def _put(self, request: _Request) -> bool:
        """Put spans into the spool; return whether they are there."""
        account, spool = self._account, self._spool
        if account is None or spool is None:
            return False
        self._sequence += 1
        sequence, number = self._sequence, len(request.spans)

        def count() -> None:
            self._settle(request, spooled=number, sequence=sequence)
            self._release(request)

        try:
            data = otlp_json.request(request.spans)
        except Exception as error:  # noqa: BLE001  # somebody's class of spans, which no file can hold
            _health.aside(error)
            self._count(request, Answer(reason="failed"))
            self._release(request)
            return True
        try:
            batch = spool.put(data, spans=number, account=account.id, sequence=sequence, count=count)
        except OSError as error:
            self._note(Answer(is_away=True, reason=reason_of(error)))
            _health.aside(error)
            return False
        with self._lock:
            request.batch = batch
            answer = request.answer
        if answer is not None and answer.reason is None:
            spool.take_back(batch)
        return True

    def _release(self, request: _Request) -> None:
        with self._lock:
            self._in_hand -= 0 if request.estate is not None else len(request.spans)

    def _send_spooled(self, deadline: float | None) -> None:
        """Send what waits in the spool, oldest first, unless another process does; without a deadline, one batch."""
        spool, sender = self._spool, self._sender
        if spool is None or sender is None or spool.is_idle():
            return
        with self._at_work, spool.sending() as is_ours:
            if not is_ours:
                if self._is_away():
                    self._due_at = time.monotonic() + _LOOK_AT_SPOOL_SECONDS
                return
            for batch in spool.batches():
                if self._sender is not sender or not self._send(batch, spool, sender):
                    return
                if deadline is None or time.monotonic() > deadline:
                    self._spool_due_at = 0.0
                    self._wake.set()  # there may be more; what is new goes first
                    return

    def _send(self, batch: Batch, spool: Spool, sender: Sender) -> bool:
        """Send one batch of the spool; return whether its receiver is there."""
        data = spool.claim(batch)
        if data is None:
            return True
        try:
            spans = spans_of(data)
        except ValueError as error:
            spool.damaged(batch)
            _health.aside(error)
            return True
        answer = _sent(sender, spans)
        if answer.is_away:
            spool.release(batch)
        elif answer.reason is None:
            spool.sent(batch, rejected=answer.rejected)
        else:
            spool.lost(batch, answer.reason)
        self._note(answer)
        return not answer.is_away

    def _note(self, answer: Answer) -> None:
        """Remember whether the exporter is away, and for how long it is left alone."""
        with self._lock:
            self._trouble = answer.reason if answer.is_away else None
            if self._account is not None:
                self._account.trouble(self.number, self._trouble)
            if self._trouble is None:
                self._failures, self._due_at, self._has_hung = 0, 0.0, False
                return
            self._failures += 1
            longest = _LONGEST_WAIT_IN_MEMORY if self._spool is None else _LONGEST_WAIT
            wait = min(_FIRST_WAIT * 2 ** min(self._failures - 1, 16), longest) * random.uniform(0.8, 1.2)  # noqa: S311
            self._due_at = time.monotonic() + max(wait, answer.after_seconds or 0.0)

    def _is_away(self) -> bool:
        return self._trouble is not None

    def _keep_account(self) -> None:
        """See that the account is in its file, also once a full disk has room again."""
        account = self._account
        if account is None:
            return
        try:
            with self._lock:
                account.file()
                account.save()
        except OSError as error:
            _health.aside(error)


def _sent(sender: Sender, spans: Sequence[ReadableSpan]) -> Answer:
    try:
        return sender.send(spans)
    except Exception as error:  # noqa: BLE001  # somebody's exporter; telemetry never breaks its host
        _health.aside(error)
        return Answer(reason="failed")
