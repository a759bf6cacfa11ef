"""What removing an account deletes is what was said before, and nothing of anybody else's."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from apps.analysis import assistance, metrics
from apps.analysis.models import Analysis, WeeklyMetrics
from apps.integrations.errors import WrongState
from apps.integrations.models import PipelineRun, RepoSync, VanishedSpans
from apps.integrations.removing import Removal, removal_of, remove
from apps.pulls.models import Commit, PullRequest, Review
from apps.repositories.models import GitHubConnection, TokenAccess, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from telemetry.testing import Capture
from tests.integrations.histories import DAY, pull_request, repo_sync, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    """A team with two accounts."""
    return Team.objects.create(slug="bakers", name="Bakers")


def _connected(team: Team, login: str, *names: str) -> tuple[GitHubConnection, list[TrackedRepository]]:
    connection = GitHubConnection.objects.create(team=team, account=f"github.test/{login}", encrypted_token=b"x")
    TokenAccess.objects.create(connection=connection, asked_at=clock.now())
    tracked = [TrackedRepository.objects.create(team=team, connection=connection, full_name=name) for name in names]
    for number, repository in enumerate(tracked):
        store(repository.pk, pull_request(10 * repository.pk + number))
    return connection, tracked


def _run(team: Team, *repositories: TrackedRepository, **fields: Any) -> PipelineRun:
    now = clock.now()
    known: dict[str, Any] = {
        "ended_at": now,
        "kind": "recent",
        "state": "completed",
        "phase": "phase1_complete",
        "traceparent": "",
        "started_ns": 0,
    }
    run = PipelineRun.objects.create(team=team, started_at=now, **{**known, **fields})
    for repository in repositories:
        repo_sync(run, repository, state="completed")
    return run


def _counts() -> dict[type[Model], int]:
    names = ("repositories", "pulls", "analysis", "integrations")
    return {model: model._default_manager.count() for name in names for model in apps.get_app_config(name).get_models()}


def test_what_was_said_is_deleted_and_nothing_else(team: Team, captrace: Capture) -> None:
    """A run over other accounts' repositories too keeps those; the weeks are computed anew; a line says who did."""
    other_team = Team.objects.create(slug="other", name="Other")
    _run(other_team, *_connected(other_team, "ada", "x/y")[1])
    kept, (theirs,) = _connected(team, "ben", "b/one")
    shared_before = _counts()
    ada, (one, two) = _connected(team, "ada", "a/one", "a/two")
    assistance.analyze(team_id=team.pk, repository_ids=[one.pk, two.pk, theirs.pk])
    metrics.compute(team_id=team.pk)
    alone = _run(team, one, two)
    shared = _run(team, two, theirs)
    _run(team, theirs, follows=alone)
    expected = Removal(repositories=2, pull_requests=2, runs=1, shortened=1, busy=())
    assert removal_of(ada) == expected
    assert remove(ada, by="carla") == expected
    assert [row.repository for row in RepoSync.objects.filter(run__team=team)] == [theirs, theirs]
    assert not PipelineRun.objects.filter(pk=alone.pk).exists()
    assert {run.pk for run in PipelineRun.objects.filter(team=team)} > {shared.pk}
    counts = _counts()
    same = (GitHubConnection, TokenAccess, TrackedRepository, PullRequest, Review, Commit)
    assert {model: counts[model] for model in same} == {model: shared_before[model] for model in same}
    assert Analysis.objects.get().pull_request.repository == theirs
    assert [week.merged for week in WeeklyMetrics.objects.filter(team=team)] == [1]
    assert GitHubConnection.objects.filter(pk=kept.pk).exists()
    line = captrace.line("sync.account.removed")
    assert (line["by"], line["account"], line["repos_count"], line["pull_requests"]) == ("carla", "github.test/ada", 2, 2)


def test_what_has_moved_to_another_account_stays(team: Team) -> None:
    """With the runs in which it was read before."""
    (ada, (moved,)), (ben, _) = _connected(team, "ada", "a/one"), _connected(team, "ben")
    run = _run(team, moved)
    TrackedRepository.objects.filter(pk=moved.pk).update(connection=ben)
    assert remove(ada, by="carla") == Removal(repositories=0, pull_requests=0, runs=0, shortened=0, busy=())
    row = RepoSync.objects.get()
    assert (row.run, row.connection, PullRequest.objects.count()) == (run, ben, 1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "running", "ended_at": None}, "is under way with it: cancel it, or wait until it has ended"),
        ({"export_due_at": DAY}, "has ended, and its trace is still on its way: try again in a moment"),
    ],
)
def test_nothing_is_removed_while_a_run_is_busy(fields: dict[str, Any], said: str, team: Team) -> None:
    """Its trace would miss its end."""
    ada, (one,) = _connected(team, "ada", "a/one")
    run = _run(team, one, **fields)
    before = _counts()
    assert removal_of(ada).busy == (run.pk,)
    with pytest.raises(WrongState, match=f"^Run {run.pk} {said}$"):
        remove(ada, by="carla")
    assert _counts() == before


def test_spans_that_are_still_to_be_exported_are_waited_for(team: Team) -> None:
    """Those of a process that vanished, which belong to a run that ended long ago."""
    ada, (one,) = _connected(team, "ada", "a/one")
    run, now = _run(team, one), clock.now()
    VanishedSpans.objects.create(run=run, will={}, found_at=now, export_due_at=now)
    assert removal_of(ada).busy == (run.pk,)
    VanishedSpans.objects.update(export_due_at=None)
    remove(ada, by="carla")
    assert not VanishedSpans.objects.exists()
