"""What is said of a run whose repositories were removed since, and what becomes of it."""

from __future__ import annotations

import pytest

from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState
from apps.integrations.models import PipelineRun
from apps.integrations.runs.removed import removed
from apps.repositories.models import TrackedRepository
from tests.integrations.histories import repository


@pytest.mark.parametrize(
    ("began_with", "left", "said"),
    [
        (2, 2, None),
        (None, 1, None),
        (None, 0, "its repositories were removed since"),
        (1, 0, "its repository was removed since"),
        (2_000, 0, "its 2,000 repositories were removed since"),
        (3, 2, "1 of its 3 repositories was removed since"),
        (3, 1, "2 of its 3 repositories were removed since"),
    ],
)
def test_it_is_said_how_many_are_removed(began_with: int | None, left: int, said: str | None) -> None:
    """Of an earlier version's run only that they are, once none is left."""
    found = removed(began_with=began_with, left=left)
    assert (None if found is None else found.said) == said


@pytest.mark.parametrize(
    ("began_with", "left", "counted"),
    [(None, 0, "repositories"), (3, 2, "1 repository"), (3, 1, "2 repositories"), (2_000, 0, "2,000 repositories")],
)
def test_how_many_are_removed_stands_beside_the_names_of_others(began_with: int | None, left: int, counted: str) -> None:
    """In lists of runs."""
    found = removed(began_with=began_with, left=left)
    assert found is not None
    assert (found.counted, found.number) == (counted, None if began_with is None else began_with - left)


@pytest.mark.django_db
def test_a_run_keeps_with_how_many_repositories_it_began() -> None:
    """One that resumes it has those that it takes up."""
    both = [repository("o/one"), repository("o/two")]
    run = pipeline.start_run(team=both[0].team, repositories=both, since=None)
    pipeline.cancel(run.pk, by="somebody")
    TrackedRepository.objects.filter(full_name="o/one").delete()
    resumed = pipeline.resume_run(run.pk, by="somebody")
    assert [PipelineRun.objects.get(pk=each.pk).repos_count for each in (run, resumed)] == [2, 1]


@pytest.mark.django_db
def test_a_run_without_its_repositories_cannot_be_resumed_and_says_why() -> None:
    """It was not resumed before, which is what is said of others that have nothing left."""
    one = repository("o/one")
    run = pipeline.start_run(team=one.team, repositories=[one], since=None)
    pipeline.cancel(run.pk, by="somebody")
    _make_backfill_of(run)
    one.delete()
    with pytest.raises(WrongState, match=f"^Nothing of run {run.pk} is left to resume: its repository was removed since$"):
        pipeline.resume_run(run.pk, by="somebody")


def _make_backfill_of(run: PipelineRun) -> None:
    """Make the run that reads older history, which follows a run without resuming it."""
    PipelineRun.objects.create(
        team=run.team,
        kind=PipelineRun.Kind.BACKFILL,
        follows=run,
        phase="background_syncing",
        started_ns=run.started_ns,
        started_at=run.started_at,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("is_found", [False, True])
def test_a_run_that_loses_all_its_repositories_fails_and_says_so(is_found: bool) -> None:
    """Whoever looks after it: a sweep, which tells of the last repository that ended, finds none."""
    one = repository("o/one")
    run = pipeline.start_run(team=one.team, repositories=[one], since=None)
    one.delete()
    assert pipeline.advance(run.pk, is_found=is_found) == []
    run.refresh_from_db()
    assert (run.state, run.error_msg) == ("failed", "None is left: its repositories were removed while it ran")
