"""Measure what the boundary costs: searching for secrets in ordinary values, and in the worst ones known.

Times are processor times. The boundary remembers texts it has seen, so those that are measured as new differ each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from telemetry._boundary import line_value
from telemetry._boundary.spans import clean_attributes
from telemetry.redaction import redact
from tests.benchmarks.programs import answer_with
from tests.benchmarks.timing import in_turns, seconds_of

MEGABYTE = 1_000_000
ATTRIBUTES: dict[str, Any] = {
    "team_id": 7,
    "repo_id": 9,
    "task_id": "e3f1c9b0-1111-2222-3333-444455556666",
    "run_id": 3,
    "query_name": "PullRequests",
    "points_cost": 1,
    "duration_ms": 48.5,
    "status": "ok",
    "graphql.operation.name": "PullRequests",
    "http.response.status_code": 200,
}
NEW_LINE = "Fix the race between two workers that update item {number} of the same queue"
FRAME = '  File "/srv/app/pulls/store_{number}.py", line {number}, in store_page\n    return write(page, key=token)\n'
RUBBISH = {"://": "beginnings of addresses", "token: ": "names without their secrets", "%5C%22password": "quotes in quotes"}


def measure(*, calls: int, turns: int) -> dict[str, Any]:
    """Return the seconds that one value of each kind takes, turn by turn."""
    numbers = count()
    frames = "".join(FRAME.format(number=number) for number in range(70))  # 7 KB

    def new_text() -> None:
        line_value("title", NEW_LINE.format(number=next(numbers)))

    def new_traceback() -> None:
        redact(f"Traceback (most recent call last):\n{frames}ValueError: {next(numbers)}\n")

    sides = {
        "attributes": _repeated(lambda: clean_attributes(ATTRIBUTES), calls),
        "text": _repeated(new_text, calls),
        "traceback": _repeated(new_traceback, max(1, calls // 100)),
        "prose": _repeated(lambda: redact((NEW_LINE * 15_000)[:MEGABYTE]), 1),
    }
    for rubbish, kind in RUBBISH.items():
        sides[kind] = _repeated(partial(redact, rubbish * (MEGABYTE // len(rubbish))), 1)
    return in_turns(sides, turns=turns)


def _repeated(side: Callable[[], object], calls: int) -> Callable[[], float]:
    def repeated() -> None:
        for _ in range(calls):
            side()

    return lambda: seconds_of(repeated, clock=time.process_time) / calls


if __name__ == "__main__":
    answer_with(measure)
