"""Yield the figures of admission: what it costs with many teams."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

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
