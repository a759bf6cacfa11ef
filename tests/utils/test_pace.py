"""What is asked for again and again is done as often as it should be, and leaves a process half of its time."""

from __future__ import annotations

import pytest

from apps.utils.pace import Pace


class _Working:
    """Work that takes so many seconds of a clock that nothing else moves on; `begun` says when it was done."""

    def __init__(self, *, seconds: float) -> None:
        self.now, self.begun = 0.0, list[float]()
        self._seconds = seconds

    def __call__(self) -> None:
        self.begun.append(self.now)
        self.now += self._seconds


def _begun(working: _Working, *, every: float, asked: float, until: float) -> list[float]:
    """When work was done that was asked for so often."""
    pace = Pace(clock=lambda: working.now)
    while working.now < until:
        pace.do(working, every=every)
        working.now += asked
    return working.begun


def test_what_is_asked_for_too_often_is_done_as_often_as_it_may() -> None:
    """From beginning to beginning, where it is quick."""
    assert _begun(_Working(seconds=0.25), every=2.0, asked=0.25, until=6.0) == [0.0, 2.0, 4.0]


def test_what_is_asked_for_seldom_is_done_each_time() -> None:
    """However long that takes."""
    assert _begun(_Working(seconds=3.0), every=1.0, asked=4.0, until=20.0) == [0.0, 7.0, 14.0]


def test_what_takes_long_rests_as_long_as_it_took() -> None:
    """So that however many requests have piled up, half of the time is left for others."""
    assert _begun(_Working(seconds=2.0), every=0.5, asked=0.25, until=12.0) == [0.0, 4.0, 8.0]


def test_what_fails_rests_too() -> None:
    """Its error goes to whoever asked."""
    working = _Working(seconds=2.0)
    pace = Pace(clock=lambda: working.now)

    def fail() -> None:
        working()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        pace.do(fail, every=0.5)
    pace.do(working, every=0.5)
    assert working.begun == [0.0]
