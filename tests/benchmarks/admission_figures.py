"""Yield the figures of admission: what it costs with many teams, and what workers get out of accounts by it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import accounts as workers
from tests.benchmarks.figures import Figure
from tests.benchmarks.programs import program


def cost(*, teams: int, repositories: int, accounts: int, turns: int) -> Iterator[Figure]:
    """Yield how long admission takes, and how many statements idle sweeps make."""
    with program("tests.benchmarks.admissions") as measuring:
        told = measuring.ask(teams=teams, repositories=repositories, accounts=accounts, turns=turns)
    rows = f"{told['queued']:,} rows queued of {teams:,} teams with {accounts} accounts"
    for name, what, aim in (("one", "Admission after one attempt's end", 10), ("first", "Admission, nobody at work", 50)):
        yield Figure(
            name=f"admission.{name}",
            what=what,
            value=statistics.median(told[name]) * 1e3,
            unit="ms",
            aim=aim,
            detail=rows,
        )
    yield Figure(
        name="admission.idle",
        what="Statements a second of sweeps that find nothing",
        value=told["statements"] / told["sweep_seconds"],
        unit="/s",
        aim=50,
        detail=f"{told['statements']} in {statistics.median(told['sweeps']) * 1e3:.0f} ms, "
        f"every {told['sweep_seconds']:g} s; {rows}",
    )


def throughput(
    *, repositories: int, pull_requests: int, tiny: int, latency_ms: float, slow_ms: float, turns: int, home: Path
) -> Iterator[Figure]:
    """Yield how much more two accounts are asked than one, and how much of the time one is asked."""
    measured = workers.measure(
        repositories=repositories,
        pull_requests=pull_requests,
        tiny=tiny,
        latency_ms=latency_ms,
        slow_ms=slow_ms,
        turns=turns,
        home=home,
    )
    one, two = ([asked.per_second for asked in side] for side in (measured.one, measured.two))
    yield Figure(
        name="admission.accounts",
        what="Requests a second of two accounts, in one's",
        value=statistics.median(both / alone for both, alone in zip(two, one, strict=True)),
        unit="x",
        aim=1.9,
        better="higher",
        detail=f"{statistics.median(two):.1f} /s against {statistics.median(one):.1f}; "
        f"{latency_ms:g} ms an answer, two children",
    )
    yield Figure(
        name="admission.gapless",
        what="Share of a sync's time in which its account is asked",
        value=measured.slow.busy_share,
        unit="",
        aim=0.95,
        better="higher",
        detail=f"{measured.slow.requests} requests for {repositories} repositories; {slow_ms:g} ms an answer, two children",
    )
    yield Figure(
        name="admission.tiny",
        what="Requests of an account of tiny repositories, in those that follow each other without a gap",
        value=measured.tiny.busy_share,
        unit="",
        aim=0.9,
        better="higher",
        detail=f"{measured.tiny.per_second:.2f} /s for {tiny} repositories; {latency_ms:g} ms an answer, two children",
    )
