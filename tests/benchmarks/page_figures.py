"""Yield the figures of the console's pages: how long each takes, with much stored."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

from tests.benchmarks.figures import Figure
from tests.benchmarks.programs import program

_AIM_MS = 300
_PAGES: Mapping[str, str] = {
    "home": "Home",
    "runs": "Runs",
    "runs.text": "Runs, looked for by a repository's name",
    "runs.cause": "Runs, looked for by a cause that few had",
    "run": "A run",
    "repositories": "Repositories, worst first",
    "repository": "A repository with a fifth of all pull requests",
    "pull_requests": "Its pull requests",
    "pull_requests.assisted": "Its AI-assisted ones, of which there are none",
    "pull_requests.text": "Its pull requests, looked for by words that none has",
    "pull_requests.updated": "Its pull requests, by their updates, from the middle on",
    "pull_requests.merged": "Its AI-assisted ones, of which there are none, by their merges",
    "teams": "Teams",
    "team": "A team, 52 weeks",
    "accounts": "Accounts",
    "system": "System",
}


def first_answers(*, pull_requests: int, runs: int, turns: int) -> Iterator[Figure]:
    """Yield how long each page takes to whoever sees most."""
    with program("tests.benchmarks.pages") as measuring:
        told = measuring.ask(pull_requests=pull_requests, runs=runs, turns=turns)
    for name, what in _PAGES.items():
        staff, member = (1e3 * statistics.median(told[name][who]["seconds"]) for who in ("staff", "member"))
        yield Figure(
            name=f"pages.{name}",
            what=f"Page: {what}",
            value=max(staff, member),
            unit="ms",
            aim=_AIM_MS,
            detail=f"{staff:.0f} ms for staff, {member:.0f} ms for a member, {told[name]['staff']['queries']} queries; "
            f"{pull_requests:,} pull requests, {runs:,} runs",
        )
