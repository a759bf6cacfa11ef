"""Where the time of real runs went, read back from what real workers wrote: each part is there where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from apps.explain.decomposition import Decomposition
from apps.explain.evidence import time_of
from apps.explain.parts import Part
from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations.models import PipelineRun
from apps.integrations.tasks import start_pipeline
from apps.repositories.models import TrackedRepository
from telemetry.reading import Files
from telemetry.timestamps import unix_nanoseconds
from tests.acceptance.worker import wait_until, worker
from tests.integrations.syncing import tracked

QUICK = {
    "SYNC_SWEEP_SECONDS": "0.5",
    "SYNC_REQUEST_SECONDS": "3",
    "SYNC_STALE_SECONDS": "6",
    "SYNC_STEP_SECONDS": "4",
    "SYNC_MAX_WAIT_SECONDS": "4",
}
STORIES = ("stormy", "parked", "patient", "blocked", "kill-before-3", "two")
FIRST, SECOND = "synthetic/repo-0", "synthetic/repo-1"
pytestmark = pytest.mark.django_db(transaction=True)


def _add_faults(github: SimulatedGitHub) -> None:
    """A storm of 502, a limit that is long, one that is short, and a secondary one, each of an account of its own."""
    page = {"operation": "PullRequests"}
    of = {name: {**page, "account": github.account_of(name)} for name in STORIES}
    github.add_faults(
        {"fault": "bad_gateway_page", "match": of["stormy"], "times": 2},
        {"fault": "primary_limit", "match": of["parked"], "times": 1, "reset_in": 8},
        {"fault": "primary_limit", "match": of["patient"], "times": 1, "reset_in": 2},
        {"fault": "secondary_limit", "match": of["blocked"], "times": 1, "retry_after": 2},
    )


def _seconds(time: Decomposition) -> Mapping[Part, float]:
    return {part: value / 1e9 for part, value in time.wall.items()}


@pytest.mark.slow
def test_every_part_of_a_run_s_time_is_told(program_environment: dict[str, str]) -> None:
    """And sums to it, exactly; that less than a hundredth is unexplained is checked for each test of this kind."""
    environment = {**program_environment, **QUICK}
    with simulator(synthetic=30) as github, worker(environment, children=4, app="tests.acceptance.fates"):
        github.add_synthetic(20, seed=1)
        of: dict[str, list[TrackedRepository]] = {name: [tracked(github, FIRST, slug=name, token=name)] for name in STORIES}
        of["two"].append(tracked(github, SECOND, slug="two", token="two"))
        _add_faults(github)
        for repositories in of.values():
            ids = [repository.pk for repository in repositories]
            start_pipeline.delay(repositories[0].team_id, ids, days=4, backfill_all=True)
        wait_until(_have_ended, seconds=100)
    source = Files(traces=Path(environment["SYNCTRACE_HOME"]) / "traces.jsonl")
    runs = {run.team.slug: run for run in PipelineRun.objects.select_related("team").filter(kind="recent")}
    times = {name: time_of([run], source) for name, run in runs.items()}
    for name, time in times.items():
        run = runs[name]
        assert run.ended_at is not None
        assert sum(time.wall.values()) == unix_nanoseconds(run.ended_at) - run.started_ns
    parts = {name: _seconds(time) for name, time in times.items()}
    assert 5.5 < parts["stormy"][Part.BACK_OFF] <= 6.0  # an attempt counts its pause from before its span ends
    assert parts["parked"][Part.PRIMARY_WAIT] > 6.0
    assert parts["patient"][Part.PRIMARY_WAIT] > 1.0
    assert parts["blocked"][Part.SECONDARY_WAIT] >= 1.9
    assert 0 < parts["kill-before-3"][Part.DEAD_UNTIL_FOUND] < 10.0
    assert times["two"].over_workers[Part.QUEUE] > times["two"].wall[Part.QUEUE]
    elsewhere = {
        (name, part)
        for name, own in parts.items()
        for part in (Part.BACK_OFF, Part.PRIMARY_WAIT, Part.SECONDARY_WAIT, Part.DEAD_UNTIL_FOUND, Part.OPEN_NOW)
        if own[part]
    }
    assert elsewhere == {
        ("stormy", Part.BACK_OFF),
        ("parked", Part.PRIMARY_WAIT),
        ("patient", Part.PRIMARY_WAIT),
        ("blocked", Part.SECONDARY_WAIT),
        ("kill-before-3", Part.DEAD_UNTIL_FOUND),
    }
    _check_both_phases(source, runs["stormy"])


def _have_ended() -> bool:
    started = PipelineRun.objects.filter(kind="recent").count()
    return started == len(STORIES) and not PipelineRun.objects.filter(exported_at=None).exists()


def _check_both_phases(source: Files, recent: PipelineRun) -> None:
    """A run and its backfill can be read as one, which begins with the first and ends with the last."""
    (backfill,) = PipelineRun.objects.filter(follows=recent)
    time = time_of([recent, backfill], source)
    assert backfill.ended_at is not None
    assert (time.start_ns, time.end_ns) == (recent.started_ns, unix_nanoseconds(backfill.ended_at))
    assert sum(time.wall.values()) == time.end_ns - time.start_ns
    assert time.wall[Part.UNEXPLAINED] < 0.01 * sum(time.wall.values())
    assert time.wall[Part.BACK_OFF] == time_of([recent], source).wall[Part.BACK_OFF]
