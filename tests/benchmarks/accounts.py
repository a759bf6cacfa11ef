"""Measure what a worker with two children gets out of one account and out of two, against a simulated GitHub.

What is measured are the spans of the requests. The simulator keeps its answers to equal requests, and the first sync is not
counted, so this measures us and not the simulator.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.github_simulator.testing import Limits, SimulatedGitHub, simulator
from telemetry.reading import Span, read_spans
from tests.acceptance.worker import worker
from tests.benchmarks.programs import program

_CHILDREN = 2
_TINY = 5
"""Pull requests of a tiny repository, which one page holds."""
_FIRST_TINY_SEED = 1_000
_NO_LIMITS = Limits(graphql=10**9, core=10**9, graphql_per_minute=None, core_per_minute=None)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The requests of syncs that ran at once; times are Unix nanoseconds."""

    requests: int
    busy_ns: int
    began_ns: int
    ended_ns: int

    @property
    def per_second(self) -> float:
        """How many requests a second were answered, from the first one's beginning to the last one's end."""
        return self.requests / (self.ended_ns - self.began_ns) * 1e9

    @property
    def busy_share(self) -> float:
        """The requests' own time, in the time from the first one's beginning to the last one's end."""
        return self.busy_ns / (self.ended_ns - self.began_ns)


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """The requests of one account and of two at once, turn by turn; of one with tiny repositories, and of a slow one."""

    one: Sequence[Asked]
    two: Sequence[Asked]
    tiny: Asked
    slow: Asked


def measure(
    *, repositories: int, pull_requests: int, tiny: int, latency_ms: float, slow_ms: float, turns: int, home: Path
) -> Accounts:
    """Let each account sync so many synthetic repositories of so many pull requests, in a home for the worker.

    One has so many `tiny` ones instead. An answer takes `latency_ms`, or `slow_ms` in the last sync, of which there is one.
    """
    home.mkdir()
    synced: dict[str, list[list[int]]] = defaultdict(list)
    environment = {**os.environ, "SYNCTRACE_HOME": str(home)}
    seeds, tiny_seeds = range(1, repositories + 1), range(_FIRST_TINY_SEED, _FIRST_TINY_SEED + tiny)
    with simulator(synthetic=1, latency_ms=latency_ms, limits=_NO_LIMITS) as github:
        for seed in seeds:
            github.add_synthetic(pull_requests, seed=seed)
        for seed in tiny_seeds:
            github.add_synthetic(_TINY, seed=seed)
        with (
            worker(environment, children=_CHILDREN),
            program("tests.benchmarks.starting", environment=environment) as starting,
        ):

            def sync(side: str, *tokens: str, of: Sequence[int] = seeds) -> None:
                full_names = [f"synthetic/repo-{seed}" for seed in of]
                synced[side].append(starting.ask(api_url=github.url, tokens=tokens, full_names=full_names))

            sync("warm-up", "first", "second")
            for turn in range(turns):
                sync("one", f"one-{turn}")
                sync("two", f"two-{turn}", f"another-{turn}")
            sync("tiny", "tiny", of=tiny_seeds)
            _answer_slowly(github, "slow", delay_ms=slow_ms - latency_ms)
            sync("slow", "slow")
    by_team = _requests_by_team(read_spans(home / "traces.jsonl"))
    sides = {side: [_asked(by_team, teams) for teams in of_turns] for side, of_turns in synced.items()}
    return Accounts(one=sides["one"], two=sides["two"], tiny=sides["tiny"][0], slow=sides["slow"][0])


def _answer_slowly(github: SimulatedGitHub, token: str, *, delay_ms: float) -> None:
    rule: Mapping[str, Any] = {"fault": "delay", "delay_ms": delay_ms, "times": None}
    github.add_faults({**rule, "match": {"account": github.account_of(token)}})


def _requests_by_team(spans: Sequence[Span]) -> Mapping[int, list[Span]]:
    """Return the requests of syncs; those that connect a team's account are of none."""
    by_team: dict[int, list[Span]] = defaultdict(list)
    for span in spans:
        if span.name in ("sync.api.graphql", "sync.api.rest") and "team_id" in span.attributes:
            by_team[int(str(span.attributes["team_id"]))].append(span)
    return by_team


def _asked(by_team: Mapping[int, Sequence[Span]], teams: Sequence[int]) -> Asked:
    spans = [span for team in teams for span in by_team[team]]
    return Asked(
        requests=len(spans),
        busy_ns=sum(span.end_ns - span.start_ns for span in spans),
        began_ns=min(span.start_ns for span in spans),
        ended_ns=max(span.end_ns for span in spans),
    )
