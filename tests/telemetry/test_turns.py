"""An exporter's thread has its turns, whatever comes of one, and ends when it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from telemetry import _health
from telemetry._export.turns import Turns

_NEVER = 3_600.0
_LONG = 10.0


class Turning:
    """Turns that are counted, and that something may happen in."""

    def __init__(self, *, seconds: float = _NEVER, happens: Callable[[], None] = lambda: None) -> None:
        self.count = 0
        self.had = threading.Event()
        self._happens = happens
        self.turns = Turns("test", seconds, self._turn)

    def _turn(self) -> None:
        self.count += 1
        self.had.set()
        self._happens()

    def wake_and_wait(self) -> bool:
        """Wake the thread; return whether it has had a turn."""
        self.had.clear()
        self.turns.wake.set()
        return self.had.wait(_LONG)


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "telemetry-test"]


def test_a_turn_comes_when_it_is_asked_for() -> None:
    """And none before that, or after the end."""
    turning = Turning()
    turning.turns.begin()
    assert (turning.count, len(_threads())) == (0, 1)
    assert turning.wake_and_wait()
    turning.turns.stop(waiting=_LONG)
    assert (turning.count, _threads()) == (1, [])
    turning.turns.stop(waiting=_LONG)


def test_turns_come_by_themselves() -> None:
    """Each so many seconds."""
    turning = Turning(seconds=0.01)
    turning.turns.begin()
    for _ in range(2):
        turning.had.clear()
        assert turning.had.wait(_LONG)
    turning.turns.stop(waiting=_LONG)


def test_the_thread_goes_on_after_a_turn_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is said."""
    said: list[Exception] = []
    monkeypatch.setattr(_health, "aside", said.append)

    def fail() -> None:
        raise OSError("full")

    turning = Turning(happens=fail)
    turning.turns.begin()
    assert turning.wake_and_wait()
    assert turning.wake_and_wait()
    turning.turns.stop(waiting=_LONG)
    assert [str(error) for error in said] == ["full", "full"]


def test_whoever_stops_waits_for_the_turn_only_as_long_as_it_may() -> None:
    """And not at all where nothing is to be waited for."""
    may_end = threading.Event()

    def last() -> None:
        may_end.wait(_LONG)

    turning = Turning(happens=last)
    turning.turns.begin()
    assert turning.wake_and_wait()
    (thread,) = _threads()
    began = time.monotonic()
    turning.turns.stop(waiting=0.0)
    assert thread.is_alive()
    assert time.monotonic() - began < _LONG / 2
    may_end.set()
    thread.join(_LONG)
    assert not thread.is_alive()


def test_a_turn_may_stop_its_own_thread() -> None:
    """As the process's end does where it comes by that thread; a thread cannot wait for itself."""
    raised: list[BaseException] = []

    def stop() -> None:
        try:
            turning.turns.stop(waiting=_LONG)
        except RuntimeError as error:
            raised.append(error)

    turning = Turning(happens=stop)
    turning.turns.begin()
    (thread,) = _threads()
    assert turning.wake_and_wait()
    thread.join(_LONG)
    assert (raised, thread.is_alive()) == ([], False)


def test_where_no_thread_can_be_started_nothing_has_to_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the end of Python 3.12's interpreter."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    turning = Turning()
    turning.turns.begin()
    turning.turns.stop(waiting=_LONG)
    assert turning.count == 0


def test_what_happens_in_a_turn_is_no_work_to_trace() -> None:
    """An exporter's own requests would be spans to export, and so on."""
    enabled: list[bool] = []
    turning = Turning(happens=lambda: enabled.append(is_instrumentation_enabled()))
    turning.turns.begin()
    assert turning.wake_and_wait()
    turning.turns.stop(waiting=_LONG)
    assert (enabled, is_instrumentation_enabled()) == ([False], True)
