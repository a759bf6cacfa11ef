"""Measure the same sync with telemetry, without, and with it written by hand, against a simulated GitHub in its own process.

The simulator keeps its answers to equal requests, so from the second sync on what is measured is us, not it.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.benchmarks.programs import Answering, NotMeasured, program
from tests.benchmarks.timing import Samples, in_turns


@dataclass(frozen=True, kw_only=True)
class Syncs:
    """The seconds per sync with telemetry `on`, `off` or `by_hand`, turn by turn, and what one sync requests."""

    samples: Samples
    pull_requests: int
    requests: int
    points: int


def measure(*, api_url: str, repository: str, turns: int, sides: Sequence[str] = ("on", "off")) -> Syncs:
    """Sync the whole of `repository` `turns` times on each side."""
    asked: list[dict[str, Any]] = []
    with ExitStack() as stack:
        programs = {side: stack.enter_context(_program(side)) for side in sides}

        def sync(side: Answering) -> float:
            before = _stats(api_url)
            ended = side.ask(api_url=api_url, full_name=repository)
            if ended["state"] != "completed":
                raise NotMeasured(f"The sync of {repository} ended as {ended['state']}")
            asked.append({**_spent(before, _stats(api_url)), "pull_requests": ended["pull_requests"]})
            return float(ended["seconds"])

        samples = in_turns({side: partial(sync, each) for side, each in programs.items()}, turns=turns)
    return Syncs(samples=samples, **asked[-1])


def _program(side: str) -> AbstractContextManager[Answering]:
    environment = {"OTEL_SDK_DISABLED": "true"} if side == "off" else {}
    return program("tests.benchmarks.syncing", side, environment=environment)


def _stats(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/_simulator/stats") as answer:  # noqa: S310  # our own simulator
        return json.load(answer)


def _spent(before: Any, after: Any) -> dict[str, int]:
    return {
        "requests": sum(after["requests"].values()) - sum(before["requests"].values()),
        "points": after["points"] - before["points"],
    }
