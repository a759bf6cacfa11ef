"""Measure the same sync with and without telemetry, against a simulated GitHub in a separate process.

The simulator keeps its answers to equal requests, so from the second sync on what is measured is us, not it.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.programs import NotMeasured, program
from tests.benchmarks.timing import Samples, in_turns


@dataclass(frozen=True, kw_only=True)
class Syncs:
    """The seconds per sync with telemetry `on` and `off`, turn by turn, and what one sync requests."""

    samples: Samples
    pull_requests: int
    requests: int
    points: int


def measure(*, api_url: str, repository: str, turns: int) -> Syncs:
    """Sync the whole of `repository` `turns` times each with and without telemetry."""
    asked: list[dict[str, Any]] = []
    with (
        program("tests.benchmarks.syncing", "on") as on,
        program("tests.benchmarks.syncing", "off", environment={"OTEL_SDK_DISABLED": "true"}) as off,
    ):

        def sync(side: Any) -> float:
            before = _stats(api_url)
            ended = side.ask(api_url=api_url, full_name=repository)
            if ended["state"] != "completed":
                raise NotMeasured(f"The sync of {repository} ended as {ended['state']}")
            asked.append({**_spent(before, _stats(api_url)), "pull_requests": ended["pull_requests"]})
            return float(ended["seconds"])

        samples = in_turns({"on": lambda: sync(on), "off": lambda: sync(off)}, turns=turns)
    return Syncs(samples=samples, **asked[-1])


def _stats(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/_simulator/stats") as answer:  # noqa: S310  # our own simulator
        return json.load(answer)


def _spent(before: Any, after: Any) -> dict[str, int]:
    return {
        "requests": sum(after["requests"].values()) - sum(before["requests"].values()),
        "points": after["points"] - before["points"],
    }
