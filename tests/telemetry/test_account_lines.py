"""The lines of the account come when something goes wrong or is right again, not each time that a number grows."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from telemetry._export.counts import Count
from telemetry._lines.account_lines import AccountLines
from telemetry.testing import Capture

FINE = Count(started=3, exported=3)


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """A clock at its beginning."""
    return Clock()


def _told(captrace: Capture) -> list[tuple[Any, ...]]:
    """Return which exporters were told of, with what, and how loud; and forget it."""
    told = [(line["exporter"], line["level"], line["started"], line["dropped"], line["died"]) for line in captrace.lines]
    assert {line["event"] for line in captrace.lines} <= {"telemetry.account"}
    captrace.clear()
    return told


def test_nothing_is_told_while_all_goes_well(captrace: Capture, clock: Clock) -> None:
    """However many spans there are, of however many exporters."""
    lines = AccountLines(clock)
    for number in range(3):
        clock.seconds += 100
        lines.tell({"file": Count(started=number, exported=number), "otlp": Count(started=number, queued=number)})
    assert _told(captrace) == []


@pytest.mark.parametrize(
    "wrong",
    [
        Count(started=3, exported=2, dropped={"refused": 1}),
        Count(started=3, exported=2, died=1),
        Count(started=3, spooled=3, trouble="unreachable"),
    ],
    ids=["dropped", "died", "in trouble"],
)
def test_what_goes_wrong_is_told_at_once(captrace: Capture, clock: Clock, wrong: Count) -> None:
    """As a warning, once, of the exporter that it is about."""
    lines = AccountLines(clock)
    lines.tell({"file": FINE, "otlp": wrong})
    lines.tell({"file": FINE, "otlp": wrong})
    clock.seconds = 60.0
    lines.tell({"file": FINE, "otlp": wrong})
    assert _told(captrace) == [("otlp", "warning", 3, wrong.lost, wrong.died)]


def test_that_it_is_right_again_is_told_and_is_no_warning(captrace: Capture, clock: Clock) -> None:
    """The receiver is back, and took all that had waited."""
    lines = AccountLines(clock)
    lines.tell({"otlp": Count(started=3, spooled=3, trouble="unreachable")})
    clock.seconds = 60.0
    lines.tell({"otlp": FINE})
    assert _told(captrace) == [("otlp", "warning", 3, 0, 0), ("otlp", "info", 3, 0, 0)]


def test_what_changes_within_a_minute_is_told_when_that_is_over(captrace: Capture, clock: Clock) -> None:
    """As it stands then, of all exporters; the next minute begins there."""
    lines, clock.seconds = AccountLines(clock), 1000.0
    lines.tell({"otlp": Count(started=1, dropped={"failed": 1})})
    for after in (0.001, 59.999):
        clock.seconds = 1000 + after
        lines.tell({"file": Count(started=9, died=9), "otlp": Count(started=2, dropped={"failed": 2})})
    assert _told(captrace) == [("otlp", "warning", 1, 1, 0)]
    clock.seconds = 1060.0
    lines.tell({"file": Count(started=9, died=9), "otlp": Count(started=4, dropped={"failed": 4})})
    assert _told(captrace) == [("file", "warning", 9, 0, 9), ("otlp", "warning", 4, 4, 0)]
    clock.seconds = 1119.0
    lines.tell({"otlp": Count(started=5, dropped={"failed": 5})})
    assert _told(captrace) == []


def test_the_last_line_comes_in_any_case_and_once(captrace: Capture, clock: Clock) -> None:
    """Of every exporter that was to have spans; again only if there were more after it."""
    lines = AccountLines(clock)
    broken, unused = Count(started=3, dropped={"failed": 3}), Count()
    lines.tell({"otlp": broken})
    assert len(_told(captrace)) == 1
    for _ in range(2):
        lines.tell({"file": FINE, "otlp": broken, "console": unused}, is_last=True)
    assert _told(captrace) == [("file", "info", 3, 0, 0), ("otlp", "warning", 3, 3, 0)]
    lines.tell({"file": Count(started=4, exported=4), "otlp": broken}, is_last=True)
    assert _told(captrace) == [("file", "info", 4, 0, 0)]


def test_a_last_line_begins_no_minute_in_which_nothing_is_told(captrace: Capture, clock: Clock) -> None:
    """A process that goes on after all says what goes wrong at once."""
    lines = AccountLines(clock)
    lines.tell({"otlp": FINE}, is_last=True)
    lines.tell({"otlp": Count(started=4, exported=3, died=1)})
    assert _told(captrace) == [("otlp", "info", 3, 0, 0), ("otlp", "warning", 4, 0, 1)]


def test_a_line_has_every_number_and_each_reason(captrace: Capture) -> None:
    """Whoever reads it can add them up."""
    count = Count(
        started=28,
        open=1,
        queued=2,
        spooled=3,
        exported=4,
        died=5,
        dropped={"refused": 6, "killed": 7},
        trouble="unreachable",
    )
    AccountLines().tell({"otlp": count})
    (line,) = captrace.lines
    del line["timestamp"]
    assert line == {
        "level": "warning",
        "event": "telemetry.account",
        "exporter": "otlp",
        "started": 28,
        "exported": 4,
        "waiting": 6,
        "open": 1,
        "spooled": 3,
        "dropped": 13,
        "died": 5,
        "reasons": "refused=6 killed=7",
        "trouble": "unreachable",
    }


def test_a_child_tells_of_itself_whatever_its_parent_has_told(captrace: Capture, clock: Clock) -> None:
    """Also if another thread of the parent was just telling."""
    lines, wrong = AccountLines(clock), {"otlp": Count(started=1, died=1)}
    lines.tell(wrong)
    lines.tell(wrong, is_last=True)
    with lines._lock:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)  # it would wait for a lock that nobody here holds
            captrace.clear()
            lines.tell(wrong)
            lines.tell(wrong, is_last=True)
            os._exit(len(captrace.lines))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
