"""The table of a run's time sums to its duration, and says what nothing explains."""

from __future__ import annotations

import pytest

from apps.console.terminal.time_table import time_lines
from tests.explain.told import attempt, call, root, told, wait, write


def test_the_rows_sum_to_how_long_the_run_took() -> None:
    """Beside them what every worker's time went into; a part that took none is left out."""
    queued = wait("sync.queue.wait", 0.0, 60.0, repo=2, has={"sync.queue.reason": "account", "sync.queue.behind": "o/1"})
    first = attempt(0.0, 60.0, call(0.0, 50.0), write(50.0, 60.0))
    second = attempt(60.0, 95.6, call(60.0, 95.6), repo=2)
    assert list(time_lines(told(root(95.6), first, queued, second, end=95.6), width=80)) == [
        " wall time  sum over workers",
        "   85.60 s           85.60 s  GitHub answering  █████████████████████████████",
        "    0.00 s           60.00 s  queue",
        "   10.00 s           10.00 s  database          ███",
        "   95.60 s          155.60 s  in all",
    ]


def test_time_that_nothing_explains_is_said_with_its_place() -> None:
    """Where it is long enough to matter."""
    lines = list(time_lines(told(root(50.0), attempt(0.0, 5.0), end=50.0), width=80))
    assert lines[-1] == "unexplained: 45.00 s, 5.00 s after the run began"
    assert lines[2].split() == ["45.00", "s", "0.00", "s", "unexplained", "█" * 29]


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_the_table_fits(width: int | None) -> None:
    """At any width."""
    lines = list(time_lines(told(root(9_000.0), attempt(0.0, 5.0), end=9_000.0), width=width))
    assert max(map(len, lines)) <= (width or 200)
