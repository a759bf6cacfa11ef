"""The processor of this process's spans: it counts each one and queues it for every exporter.

It replaces the SDK's, which silently drops the oldest span of a full queue and whatever its exporter does not take.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Collection, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from telemetry._export.accounts import Account
from telemetry._export.counts import Count
from telemetry._export.heirs import Heir
from telemetry._export.outlets import Outlet


class BatchingProcessor(SpanProcessor):
    """Count spans in the account that `open_account` returns for this process, and export them through `outlets`.

    In a forked child it starts afresh: the parent's spans stay the parent's.
    """

    def __init__(self, open_account: Callable[[], tuple[Account, threading.RLock]], outlets: Sequence[Outlet]) -> None:
        self._open_account, self._outlets = open_account, tuple(outlets)
        self._account: Account | None = None
        self._lock = threading.RLock()
        self._open: set[int] = set()
        self._contested: set[int] = set()
        self._held: dict[int, ReadableSpan] = {}
        self._begin()
        after_fork = weakref.WeakMethod(self._after_fork)
        os.register_at_fork(after_in_child=lambda: (after_fork() or (lambda: None))())

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Count a span."""
        context = span.get_span_context()
        if context.trace_flags & 1:
            account = self._account or self._begin()
            with self._lock:
                account.start()
                self._open.add(context.span_id)

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span for its exporters; one that started elsewhere, such as a reserved root, counts as started now."""
        context = span.get_span_context()
        if context is None or not context.trace_flags & 1 or getattr(span, "has_died", False):
            return  # one that outlived its process is exported already
        account = self._account or self._begin()
        with self._lock:
            if context.span_id in self._open:
                self._open.remove(context.span_id)
            else:
                account.start()
            account.end()
            if context.span_id in self._contested:
                self._held[context.span_id] = span
                return
            for outlet in self._outlets:
                outlet.add(span)

    def contest(self, span_ids: Collection[int]) -> None:
        """Hold these spans back once they have ended, until it is known whether somebody else has ended them too."""
        with self._lock:
            self._contested.update(span_ids)

    def held(self) -> list[int]:
        """Return the ids of the spans held back."""
        with self._lock:
            return list(self._held)

    def settle(self, span_ids: Collection[int], *, theirs: Collection[int]) -> None:
        """Stop holding these spans back; somebody else has exported those that are `theirs`."""
        with self._lock:
            self._contested.difference_update(set(span_ids).difference(theirs))  # some of theirs may still be open
            for span_id in span_ids:
                if (span := self._held.pop(span_id, None)) is not None:
                    for outlet in self._outlets:
                        (outlet.leave if span_id in theirs else outlet.add)(span)

    def exporters(self) -> tuple[str, ...]:
        """Return the names of the exporters."""
        return tuple(outlet.name for outlet in self._outlets)

    def heirs(self) -> dict[str, Heir]:
        """Return each exporter by name, for spans that outlived their process."""
        if self._account is None:
            self._begin()
        return {outlet.name: Heir(outlet) for outlet in self._outlets}

    def counts(self) -> dict[str, Count]:
        """Return what has become of this process's spans, by exporter."""
        if self._account is None:
            return {}
        gone = {outlet.name: outlet.gone() for outlet in self._outlets}  # first: what is spooled meanwhile is not gone yet
        with self._lock:
            return {name: count + gone[name] for name, count in self._account.counts().items()}

    def flush(self, seconds: float, *, and_spool: bool = False) -> bool:
        """Return whether each exporter, or its spool, has every ended span, within so many seconds."""
        flushed: list[bool] = []

        def flush(outlet: Outlet) -> None:
            flushed.append(outlet.flush(seconds, and_spool=and_spool))

        if self._account is None:
            return True
        threads = [threading.Thread(target=flush, args=(outlet,), daemon=True) for outlet in self._outlets]
        for thread in threads:
            try:
                thread.start()
            except RuntimeError:  # Python 3.12 starts none once the interpreter is ending
                thread.run()
        for thread in threads:
            if thread.is_alive():
                thread.join()  # each keeps to its deadline
        return len(flushed) == len(threads) and all(flushed)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush, under OpenTelemetry's name."""
        return self.flush(timeout_millis / 1000)

    def rest(self, seconds: float = 2.0) -> None:
        """Flush, then stop every thread until the next span, because this process is about to fork."""
        self.flush(seconds)
        with self._lock:
            for outlet in self._outlets:
                outlet.stop()
            self._account = None

    def shutdown(self) -> None:
        """Flush and stop; a span that ends after that starts it afresh."""
        self.rest()

    def _begin(self) -> Account:
        with self._lock:
            if self._account is None:
                account, lock = self._open_account()
                for outlet in self._outlets:
                    outlet.begin(account, lock)
                self._account, self._lock = account, lock
            return self._account

    def _after_fork(self) -> None:
        self._account, self._lock, self._open = None, threading.RLock(), set()
        self._contested, self._held = set(), {}
        for outlet in self._outlets:
            outlet.after_fork()
