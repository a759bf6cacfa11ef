"""What an exporter puts into its spool is counted once, under a number of its own, and is there until it is sent."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from telemetry import _health
from telemetry._export import otlp_json
from telemetry._export.accounts import Account
from telemetry._export.counting import Counting
from telemetry._export.sending import TAKEN, Answer
from telemetry._export.shelf import Shelf
from telemetry._export.span_requests import Request
from telemetry._export.spool import Spool

REQUEST_SIZES = (2, 1)


class Receiver:
    """Takes what it is sent, and answers as it is told."""

    def __init__(self, answer: Answer = TAKEN) -> None:
        self.answer = answer
        self.taken: list[str] = []

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Answer."""
        self.taken += [span.name for span in spans]
        return self.answer

    def close(self) -> None:
        """Nothing is open."""


class Shelved:
    """A shelf with its spool, its account, and what it has released."""

    def __init__(self, folder: Path) -> None:
        self.account = Account(None, ["otlp"])
        self.spool = Spool(folder, 100_000)
        self.released: list[Request] = []
        counting = Counting("otlp", 0, lambda *_: nullcontext())
        counting.begin(self.account, threading.RLock())
        self.shelf = Shelf(self.spool, counting, self.released.append)

    def put(self, size: int) -> Request:
        """Put so many spans into the spool."""
        for _ in range(size):
            self.account.start()
            self.account.end()
        spans = [ReadableSpan(f"s{n}", context=SpanContext(1, n + 1, is_remote=False), start_time=1) for n in range(size)]
        request = Request(spans)
        self.shelf.put(request, self.account.id)
        return request


@pytest.fixture
def shelved(tmp_path: Path) -> Shelved:
    return Shelved(tmp_path / "spool")


def test_each_request_has_its_own_number(shelved: Shelved) -> None:
    """By which its account knows it: a process that was killed between counting and naming is told apart by that."""
    requests = [shelved.put(size) for size in REQUEST_SIZES]
    batches = [request.batch for request in requests]
    assert [batch is not None and (batch.sequence, batch.spans) for batch in batches] == [(1, 2), (2, 1)]
    assert shelved.released == requests
    count = shelved.account.counts()["otlp"]
    assert (count.spooled, count.queued) == (3, 0)


def test_what_is_taken_leaves_the_spool(shelved: Shelved) -> None:
    """And is no longer there to be sent."""
    batch = shelved.put(2).batch
    assert batch is not None
    assert shelved.spool.batches() == [batch]
    receiver = Receiver()
    assert shelved.shelf.send(batch, receiver) is TAKEN
    assert shelved.shelf.send(batch, receiver) is None
    assert receiver.taken == ["s0", "s1"]
    assert shelved.spool.batches() == []


def test_what_its_receiver_is_away_for_stays(shelved: Shelved) -> None:
    """To be sent again."""
    batch = shelved.put(2).batch
    assert batch is not None
    away = Receiver(Answer(is_away=True, reason="unreachable"))
    assert shelved.shelf.send(batch, away) == away.answer
    assert shelved.spool.batches() == [batch]
    assert shelved.shelf.send(batch, Receiver()) is TAKEN


def test_a_request_that_no_file_can_hold_has_failed(shelved: Shelved, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is over, counted and said."""
    said: list[Exception] = []

    def refuse(_spans: object) -> bytes:
        raise TypeError("no span")

    monkeypatch.setattr(_health, "aside", said.append)
    monkeypatch.setattr(otlp_json, "request", refuse)
    request = shelved.put(2)
    assert (shelved.released, request.batch) == ([request], None)
    assert dict(shelved.account.counts()["otlp"].dropped) == {"failed": 2}
    assert [str(error) for error in said] == ["no span"]


def test_a_damaged_file_is_set_aside_and_said(shelved: Shelved, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver is not asked."""
    said: list[Exception] = []
    monkeypatch.setattr(_health, "aside", said.append)
    batch = shelved.put(2).batch
    assert batch is not None
    monkeypatch.setattr(shelved.spool, "claim", lambda _batch: b"{")
    receiver = Receiver()
    assert shelved.shelf.send(batch, receiver) is None
    assert (receiver.taken, len(said)) == ([], 1)


def test_an_answer_that_came_meanwhile_takes_the_file_back(shelved: Shelved) -> None:
    """It would be exported twice."""
    request = Request([ReadableSpan("s0", context=SpanContext(1, 1, is_remote=False), start_time=1)], answer=TAKEN)
    shelved.account.start()
    shelved.account.end()
    shelved.shelf.put(request, shelved.account.id)
    assert shelved.spool.batches() == []
