"""A run over one repository, in a time that passes only when somebody sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.onboarding_pipeline import start_run
from apps.utils import clock
from tests.integrations.histories import repo_sync, repository


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
def beside(row: RepoSync) -> Iterator[None]:
    """Another repository of the run, and another team's run, both at work under the same number: they stay as they are."""
    other = repository("o/beside", team="others")
    others = start_run(team=other.team, repositories=[other], since=None, task_id="t-beside")
    rows = [repo_sync(row.run, repository("o/next")), others.repo_syncs.get()]
    now = clock.now()
    for place, each in enumerate(rows, start=100):
        RepoSync.objects.filter(pk=each.pk).update(
            state="running", attempt=1, alive_at=now + timedelta(days=365), failures=3
        )
        Admission.objects.create(
            repo_sync=each, attempt=1, account=each.connection.account, place=place, admitted_at=now, sent_at=now
        )

    def held() -> list[Any]:
        keys, runs = [each.pk for each in rows], PipelineRun.objects.filter(pk=others.pk)
        stored = [RepoSync.objects.filter(pk__in=keys), Admission.objects.filter(repo_sync__in=keys), runs]
        return [list(found.order_by("pk").values()) for found in stored]

    before = held()
    yield
    assert held() == before


@pytest.fixture
def make_runs(time: clock.SteppedClock) -> Callable[[int], list[PipelineRun]]:
    """Start as many runs over one repository."""

    def make(count: int) -> list[PipelineRun]:
        tracked = repository()
        return [
            start_run(team=tracked.team, repositories=[tracked], since=None, task_id=f"t{number}") for number in range(count)
        ]

    return make
