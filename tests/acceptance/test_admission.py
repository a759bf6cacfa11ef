"""Many accounts on few workers: a large team keeps no small one waiting, and no worker waits for an account."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations.connections import connect
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.tasks import start_pipeline
from apps.repositories.accounts import track
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from telemetry.reading import Span, read_spans
from tests.acceptance.worker import wait_until, worker

BIG, SMALL = 50, (10, 1, 1)
CHILDREN = 4
PULL_REQUESTS = 5
LATENCY_MS = 50
SLACK_SECONDS = 0.4
"""Beside the factor, for what does not grow with a sync: its few messages may each come while both cores are busy."""
MOST_LANE_WAIT = 0.05
"""It is 0.006 where nothing else runs; taking the lane counts, and that takes longer where both cores are busy."""


@dataclass(frozen=True)
class Sync:
    """The sync of a team with an account of its own, asked for at `asked_at`, a Unix time in seconds."""

    repositories: Sequence[TrackedRepository]
    asked_at: float

    @property
    def seconds(self) -> float:
        """How long it took from when it was asked for."""
        run = PipelineRun.objects.get(team=self.repositories[0].team_id, state="completed")
        assert run.ended_at is not None
        return run.ended_at.timestamp() - self.asked_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_large_team_keeps_no_small_one_waiting(program_environment: dict[str, str]) -> None:
    """Of 50, 10, 1 and 1 repositories on four children, the small ones take at most 1.5 times what they take alone.

    Hardly any of the workers' time goes by waiting for a lane, and no account has two requests in flight. The large team
    has 50 repositories and not 100 because every one more takes another fifth of a second.
    """
    traces = Path(program_environment["SYNCTRACE_HOME"]) / "traces.jsonl"
    with simulator(synthetic=1, latency_ms=LATENCY_MS) as github, worker(program_environment, children=CHILDREN):
        for seed in range(1, BIG + 1):
            github.add_synthetic(PULL_REQUESTS, seed=seed)
        _wait_for(*(_start(github, f"first-{number}", 10) for number in range(CHILDREN)))  # every child has worked by now
        alone = []
        for number, repositories in enumerate(SMALL):
            alone.append(_start(github, f"alone-{number}", repositories))
            _wait_for(alone[-1])
        began_ns = time.time_ns()
        big = _start(github, "big", BIG)
        time.sleep(1)
        small = [_start(github, f"small-{number}", repositories) for number, repositories in enumerate(SMALL)]
        _wait_for(big, *small)
        assert max(github.stats()["max_in_flight"].values()) == 1
    assert not RepoSync.objects.exclude(state="completed", attempt=1).exists()
    assert not Admission.objects.exists()
    for one, by_itself in zip(small, alone, strict=True):
        assert one.seconds <= 1.5 * by_itself.seconds + SLACK_SECONDS
        assert one.seconds < big.seconds
    assert _lane_wait([span for span in read_spans(traces) if span.start_ns > began_ns]) < MOST_LANE_WAIT


def _start(github: SimulatedGitHub, slug: str, repositories: int) -> Sync:
    team = Team.objects.create(slug=slug, name=slug)
    connection = connect(team=team, api_url=github.url, token=slug)
    tracked = track(connection=connection, full_names=[f"synthetic/repo-{seed}" for seed in range(1, repositories + 1)])
    asked_at = clock.now().timestamp()
    start_pipeline.delay(team.pk, [each.pk for each in tracked], days=30)
    return Sync(tracked, asked_at)


def _wait_for(*syncs: Sync) -> None:
    teams = {sync.repositories[0].team_id for sync in syncs}
    wait_until(lambda: PipelineRun.objects.filter(team__in=teams, exported_at__isnull=False).count() == len(teams))


def _lane_wait(spans: Sequence[Span]) -> float:
    """Return the share of the time spent on repositories that was waiting for a lane, taking it included."""
    waited = [float(str(span.attributes["sync.lane.wait_ms"])) for span in spans if span.name.startswith("sync.api.")]
    busy = [(span.end_ns - span.start_ns) / 1e6 for span in spans if span.name == "sync.repo"]
    assert len(busy) == BIG + sum(SMALL)
    assert len(waited) >= 3 * len(busy)
    return sum(waited) / sum(busy)
