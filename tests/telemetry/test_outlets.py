"""One exporter's queue: what is tried again and when, and where its spans are meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

import telemetry
from telemetry._export.accounts import Account
from telemetry._export.counts import Count
from telemetry._export.outlets import Outlet
from telemetry._export.sending import TAKEN, Answer
from telemetry._export.spool import Spool
from telemetry.settings import Batching
from tests.telemetry.bakery import wait_until

AWAY = Answer(is_away=True, reason="unreachable")
NEVER = Batching(queue_size=8, batch_size=4, delay_ms=3_600_000)
"""So that nothing is exported but by the turns of a test."""


class Scripted:
    """An exporter that answers as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = AWAY
        self.asked: list[list[str]] = []

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Answer."""
        self.asked.append([span.name for span in spans])
        return self.answer

    def close(self) -> None:
        """Nothing is open."""


class House:
    """An outlet with what it writes to."""

    def __init__(self, spool: Spool | None, account: Account) -> None:
        self.sender, self.spool, self.account = Scripted(), spool, account
        self.outlet = Outlet("otlp", 0, lambda: self.sender, batching=NEVER, spool=spool)
        self.outlet.begin(account, threading.RLock())

    def end(self, *spans: ReadableSpan) -> None:
        """Let spans end."""
        for span in spans:
            self.account.start()
            self.account.end()
            self.outlet.add(span)

    def turn_later(self) -> None:
        """Let the outlet's thread have its turn, once it is time to try again."""
        self.outlet._back_off.wait(0.0)
        self.outlet._turn()

    @property
    def count(self) -> Count:
        return self.account.counts()["otlp"] + self.outlet.gone()


@pytest.fixture(params=[True, False], ids=["with a spool", "without"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """An outlet whose exporter is away."""
    house = House(Spool(tmp_path / "spool", 10_000) if request.param else None, Account(None, ["otlp"]))
    yield house
    house.outlet.stop()


@pytest.fixture
def spooling(tmp_path: Path) -> Iterator[House]:
    """An outlet whose exporter is away, and that has a spool."""
    house = House(Spool(tmp_path / "spool", 10_000), Account(None, ["otlp"]))
    yield house
    house.outlet.stop()


def test_a_turn_asks_who_is_away_once(house: House) -> None:
    """And puts what it would have had on disk, or lets it wait."""
    house.end(ReadableSpan("a"), ReadableSpan("b"))
    house.outlet._turn()
    assert house.sender.asked == [["a", "b"]]
    assert (house.count.spooled, house.count.queued) == ((0, 2) if house.spool is None else (2, 0))
    house.outlet._turn()
    assert len(house.sender.asked) == 1


def test_who_is_back_gets_one_batch_first_and_then_all(spooling: House) -> None:
    """So that a receiver that is not is asked as little as can be; what is on disk goes before what is new."""
    for name in ("a", "b"):
        spooling.outlet._note(AWAY)
        spooling.end(ReadableSpan(name))
        spooling.outlet._turn()
    assert spooling.count.spooled == 2
    asked = len(spooling.sender.asked)
    spooling.sender.answer = TAKEN
    spooling.end(ReadableSpan("new"))
    spooling.turn_later()
    assert spooling.sender.asked[asked:] == [["a"]]
    assert spooling.count.trouble is None
    spooling.turn_later()
    assert sorted(spooling.sender.asked[asked + 1 :]) == [["b"], ["new"]]
    assert spooling.count == Count(started=3, exported=3)


def test_a_span_that_no_file_can_hold_is_lost_alone(spooling: House) -> None:
    """It has failed; the others wait on disk."""
    spooling.outlet._note(AWAY)
    spooling.end(ReadableSpan("odd", parent=5))  # type: ignore[arg-type]  # as somebody's own class may have it
    before = telemetry.swallowed()
    assert spooling.outlet.flush(1.0)
    spooling.end(ReadableSpan("a"))
    assert spooling.outlet.flush(1.0)
    assert telemetry.swallowed() == before + 1
    assert (spooling.count.dropped, spooling.count.spooled, spooling.count.queued) == ({"failed": 1}, 1, 0)


def test_an_account_that_cannot_be_written_down_is_said(tmp_path: Path) -> None:
    """And spans are exported all the same."""
    (tmp_path / "taken").write_text("")
    house = House(None, Account(tmp_path / "taken", ["otlp"]))
    house.sender.answer = TAKEN
    house.end(ReadableSpan("a"))
    before = telemetry.swallowed()
    house.outlet._turn()
    assert telemetry.swallowed() == before + 1
    assert house.count == Count(started=1, exported=1)
    house.outlet.stop()


def test_whoever_asks_hears_of_each_turn_of_the_thread() -> None:
    """When it is over: what it came to may be written down."""
    heard = threading.Event()
    account = Account(None, ["otlp"])
    outlet = Outlet("otlp", 0, Scripted, batching=NEVER, turned=heard.set)
    outlet.begin(account, threading.RLock())
    assert not heard.is_set()
    outlet._turns.wake.set()
    assert heard.wait(10)
    outlet.stop()


@pytest.fixture
def shelved(tmp_path: Path) -> Iterator[House]:
    """An outlet with two files in its spool, whose exporter is away."""
    house = House(Spool(tmp_path / "spool", 10_000), Account(None, ["otlp"]))
    for name in "ab":
        house.end(ReadableSpan(name, context=SpanContext(1, ord(name), is_remote=False), start_time=1))
        house.outlet._turn()
        assert house.outlet.flush(1.0)
    assert house.spool is not None
    assert len(house.spool.batches()) == 2
    house.sender.asked.clear()
    yield house
    house.outlet.stop()


def test_the_whole_spool_is_sent_at_the_end(shelved: House) -> None:
    """Within the time of the flush."""
    shelved.sender.answer = TAKEN
    shelved.outlet.flush(10.0, and_spool=True)
    assert (shelved.sender.asked, shelved.count.exported) == ([["a"], ["b"]], 2)


def test_one_that_is_away_is_asked_once_at_the_end(shelved: House) -> None:
    """The rest of the spool would only meet the same."""
    shelved.outlet.flush(10.0, and_spool=True)
    assert (shelved.sender.asked, shelved.count.spooled) == ([["a"]], 2)


def test_a_spool_is_sent_turn_by_turn_without_a_pause(shelved: House) -> None:
    """What is new goes first, and the next file follows at once."""
    shelved.sender.answer = TAKEN
    shelved.turn_later()
    wait_until(lambda: shelved.count.exported == 2, seconds=10)
    assert (shelved.sender.asked, shelved.count.exported) == ([["a"], ["b"]], 2)
