"""A run over one repository, in a time that passes only when somebody sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.onboarding_pipeline import start_run
from apps.utils import clock
from tests.integrations.histories import repository


@pytest.fixture
def time() -> Iterator[clock.SteppedClock]:
    """Time stands still until somebody sleeps."""
    stepped = clock.SteppedClock(clock.now())
    with clock.using(stepped):
        yield stepped


@pytest.fixture
def run(time: clock.SteppedClock) -> PipelineRun:
    """A run over one repository that was started just now."""
    tracked = repository()
    return start_run(team=tracked.team, repositories=[tracked], since=None, task_id="t1")


@pytest.fixture
def row(run: PipelineRun) -> RepoSync:
    """A row whose first attempt was sent just now."""
    return run.repo_syncs.get()


@pytest.fixture
def make_runs(time: clock.SteppedClock) -> Callable[[int], list[PipelineRun]]:
    """Start as many runs over one repository."""

    def make(count: int) -> list[PipelineRun]:
        tracked = repository()
        return [
            start_run(team=tracked.team, repositories=[tracked], since=None, task_id=f"t{number}") for number in range(count)
        ]

    return make
