"""Who syncs what in the smoke test, and what goes wrong at GitHub meanwhile."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

HISTORIES: Final = Path(__file__).parents[2] / "apps" / "github_simulator" / "histories"

LATENCY_MS: Final = 250
"""The least time that an answer of the simulated GitHub takes, so that the syncs outlast the interventions."""
DAYS: Final = 7 * 365
"""The window of the recent runs, long enough for the interventions; the rest is left to the backfills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team with an account of its own at GitHub."""

    slug: str
    token: str
    repositories: tuple[str, ...]


def size_of(history: Path) -> tuple[str, int]:
    """Return the repository of a history and its number of pull requests, both from the first line."""
    with gzip.open(history) as lines:
        header = orjson.loads(lines.readline())
    return header["repository"], header["pull_requests"]


LIBUV, PROCRASTINATE = "libuv/libuv", "procrastinate-org/procrastinate"

SIZES: Final = dict(size_of(history) for history in sorted(HISTORIES.glob("*.jsonl.gz")))
"""The pull requests of each repository at GitHub."""

BAKERS: Final = Team(slug="bakers", token="simulated-bakers", repositories=(LIBUV, "libuv/not-there"))
MILLERS: Final = Team(slug="millers", token="simulated-millers", repositories=(PROCRASTINATE,))
STRANGERS: Final = Team(slug="strangers", token="simulated-strangers", repositories=("nobody/nothing",))
WEAVERS: Final = Team(slug="weavers", token="simulated-weavers", repositories=(LIBUV, PROCRASTINATE))
TEAMS: Final = (BAKERS, MILLERS, STRANGERS, WEAVERS)

TOKENS: Final[Mapping[str, Mapping[str, Any]]] = {team.token: {"account": team.slug} for team in TEAMS}

FAULTS: Final[Sequence[Mapping[str, Any]]] = [
    {"fault": "server_error", "match": {"operation": "PullRequests", "account": "bakers"}, "nth": 2},
    {"fault": "primary_limit", "match": {"operation": "PullRequests", "account": "bakers"}, "nth": 15, "reset_in": 1},
    {"fault": "primary_limit", "match": {"operation": "PullRequests", "account": "millers"}, "nth": 2, "reset_in": 5},
    {"fault": "delay", "match": {"operation": "PullRequests", "account": "weavers"}, "times": None, "delay_ms": 450},
]
"""One of the bakers' attempts fails and is retried, and their backfill waits for a short limit in place. The millers
meet a limit that is too long for that, so their repository is parked and resumed by a sweep. The weavers' answers
take long enough for their sync to last until every outage is over."""

SCRIPTED: Final[Mapping[str, int]] = {"sync.task.retry": 1, "sync.api.rate_wait": 2}
"""How many events FAULTS cause."""


def write_story(folder: Path) -> None:
    """Write the simulator's `faults.json` and `tokens.json` into `folder`."""
    (folder / "faults.json").write_bytes(orjson.dumps(FAULTS))
    (folder / "tokens.json").write_bytes(orjson.dumps(TOKENS))


SETTINGS: Final[dict[str, str]] = {
    "SYNC_SWEEP_SECONDS": "2",
    "SYNC_MAX_WAIT_SECONDS": "4",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "30",
    "OTEL_SERVICE_NAME": "synctrace",
    "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=smoke",
}
"""The application's settings that differ from its defaults, apart from those that the stack sets."""
