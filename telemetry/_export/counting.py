"""What became of the spans of one exporter, written down and counted in the account of this process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from telemetry._export.accounts import Account
from telemetry._export.sending import Answer
from telemetry._export.span_requests import Request, Settled


class Counting:
    """Counts for the exporter `name`, whose number in the account is `number`; `lock` guards the account."""

    def __init__(self, name: str, number: int, settled: Settled) -> None:
        self._name, self._number, self._settled = name, number, settled
        self.account: Account | None = None
        self.lock = threading.RLock()

    def begin(self, account: Account, lock: threading.RLock) -> None:
        """Count in an account whose lock this is."""
        self.account, self.lock = account, lock

    def answered(self, request: Request, answer: Answer) -> None:
        """Count what came of a request."""
        there = 0 if request.estate is None else len(request.estate.there)
        lost, reason = (len(request.spans), answer.reason) if answer.reason is not None else (answer.rejected, "rejected")
        exported = there + len(request.spans) - lost
        self._settle(request, exported=exported, dropped={reason: lost} if lost else {})

    def dropped(self, spans: Sequence[ReadableSpan], reason: str) -> None:
        """Count spans that the exporter will never have."""
        self._settle(Request(spans), dropped={reason: len(spans)})

    def spooled(self, request: Request, sequence: int) -> None:
        """Count the spans of a request that are in this process's file of the number `sequence` in the spool."""
        self._settle(request, spooled=len(request.spans), sequence=sequence)

    def trouble(self, reason: str | None) -> None:
        """Note why nothing is exported now, or None while it is; whoever calls holds the lock."""
        if self.account is not None:
            self.account.trouble(self._number, reason)

    def _settle(self, request: Request, **counted: Any) -> None:
        """Write down that the exporter is done with spans, and count them; a SIGKILL in between leaves neither done.

        Whoever calls holds the lock of the account, or that of estates, whose note may take its time.
        """
        account, estate = self.account, request.estate
        if account is None:
            return
        if estate is None:
            with self.lock, self._settled(self._name, request.spans, account.begin(self._number)):
                account.count(self._number, **counted)
            return
        spans = [*estate.there, *request.spans]
        with self.lock:
            mark = account.begin(self._number, of_others=True)
        estate.note(spans, mark)
        with self.lock:
            account.count(self._number, others=len(spans), lost=sum(map(estate.is_lost, spans)), **counted)
