"""How long an exporter that is away is left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from telemetry._export.backing_off import BackOff
from telemetry._export.sending import TAKEN, Answer

TICK = 1 / 64
"""Seconds, exact in binary."""
AWAY = Answer(is_away=True, reason="unreachable")


class Clock:
    """A clock that stands still until a test moves it."""

    now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def _middle(low: float, high: float) -> float:
    return (low + high) / 2


def _waits(back_off: BackOff, clock: Clock, answers: Sequence[Answer]) -> list[float]:
    """Return for how long the exporter is left alone after each answer, in whole ticks."""
    waits = []
    for answer in answers:
        back_off.note(answer)
        start = clock.now
        while not back_off.is_due:
            clock.now += TICK
        waits.append(clock.now - start)
    return waits


@pytest.mark.parametrize("longest", [1.0, 10.0])
def test_an_exporter_that_is_away_is_tried_again_after_a_time_that_doubles(longest: float) -> None:
    """Up to the longest time; from the beginning once it was back; and not before it asks to be."""
    clock = Clock()
    back_off = BackOff(longest, clock=clock, spread=_middle)
    doubled = [min(each, longest) for each in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)]
    assert _waits(back_off, clock, [AWAY] * 8) == doubled
    assert _waits(back_off, clock, [TAKEN, AWAY, AWAY]) == [0.0, 0.25, 0.5]
    assert _waits(back_off, clock, [Answer(reason="refused"), AWAY]) == [0.0, 0.25]
    assert _waits(back_off, clock, [Answer(is_away=True, reason="unreachable", after_seconds=30.0)]) == [30.0]


@pytest.mark.parametrize(("spread", "share"), [(min, 0.8), (max, 1.2)])
def test_not_all_processes_try_again_at_once(spread: Callable[[float, float], float], share: float) -> None:
    """Each does so up to a fifth earlier or later than the others."""
    clock = Clock()
    back_off = BackOff(10.0, clock=clock, spread=spread)
    assert _waits(back_off, clock, [AWAY]) == pytest.approx([0.25 * share], abs=0.02)


def test_an_outage_has_a_reason_until_it_is_over() -> None:
    """What was refused for good was answered: the exporter is there."""
    back_off = BackOff(10.0)
    for answer, trouble in ((AWAY, "unreachable"), (TAKEN, None), (AWAY, "unreachable"), (Answer(reason="refused"), None)):
        back_off.note(answer)
        assert (back_off.trouble, back_off.is_away) == (trouble, trouble is not None)


def test_an_exporter_can_be_left_alone_for_a_time() -> None:
    """As when another process is sending to it."""
    clock = Clock()
    back_off = BackOff(10.0, clock=clock)
    back_off.wait(1.0)
    assert not back_off.is_due
    clock.now += 1.0
    assert back_off.is_due
