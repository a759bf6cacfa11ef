"""A run is taken up where it stopped: whatever ended it, once, and beside what others do."""

from __future__ import annotations

import pytest

from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.steps import RunPhase, SyncRepository
from apps.repositories.models import TrackedRepository
from telemetry import trace_id_of
from telemetry.testing import Capture
from tests.integrations.histories import DAY, repo_sync, repository

pytestmark = pytest.mark.django_db(transaction=True)

WHERE = {
    "since": DAY,
    "start_cursor": "c0",
    "cursor": "c7",
    "paged": False,
    "newest_updated_at": DAY,
    "prs_done": 7,
    "prs_total": 20,
    "note": "renamed: o/m is now o/n",
}
"""Where a row stood when its run ended."""


@pytest.fixture
def repositories() -> list[TrackedRepository]:
    """Two of a team's."""
    return [repository("o/n"), repository("o/other")]


def started(repositories: list[TrackedRepository], task_id: str = "t1") -> PipelineRun:
    """Return a run over them that backfills of all history are to follow."""
    return pipeline.start_run(
        team=repositories[0].team,
        repositories=repositories,
        since=DAY,
        backfill=pipeline.Backfill(None),
        task_id=task_id,
    )


def end_rows(run: PipelineRun, *states: str) -> list[RepoSync]:
    """Let the rows of a run end with these states, each where `WHERE` says, and return them."""
    rows = list(run.repo_syncs.order_by("pk"))
    for row, state in zip(rows, states, strict=True):
        run.repo_syncs.filter(pk=row.pk).update(
            state=state, disposition="synced" if state == "completed" else "failed", attempt=3, failures=2, **WHERE
        )
    return rows


def places(run: PipelineRun) -> list[tuple[str, str, int, int, dict[str, object]]]:
    """Return each row's repository, state, attempts and failures, and where it stands."""
    rows = run.repo_syncs.select_related("repository").order_by("pk")
    return [
        (row.repository.full_name, row.state, row.attempt, row.failures, {name: getattr(row, name) for name in WHERE})
        for row in rows
    ]


def test_a_partial_run_is_taken_up_for_what_it_lost(repositories: list[TrackedRepository]) -> None:
    """At its cursor, from its first attempt; the one that was synced is left alone, also by the backfills that follow."""
    old = started(repositories)
    end_rows(old, "completed", "failed")
    pipeline.advance(old.pk)
    pipeline.complete_phase(old.pk, "llm_processing")
    pipeline.complete_phase(old.pk, "computing_metrics")
    old.refresh_from_db()
    assert old.state == "partial"
    run = pipeline.resume_run(old.pk, by="ann@here")
    assert places(run) == [("o/other", "queued", 0, 0, WHERE)]
    assert (run.kind, run.since, run.before, run.backfill, run.backfill_since) == ("recent", DAY, None, True, None)
    run.repo_syncs.update(state="completed", disposition="synced")
    pipeline.advance(run.pk)
    pipeline.complete_phase(run.pk, "llm_processing")
    pipeline.complete_phase(run.pk, "computing_metrics")
    backfills = PipelineRun.objects.filter(kind="backfill").order_by("pk")
    assert [(each.follows, each.repo_syncs.get().repository.full_name) for each in backfills] == [
        (old, "o/n"),
        (run, "o/other"),
    ]


def test_a_run_whose_phase_failed_goes_on_with_its_phases(repositories: list[TrackedRepository]) -> None:
    """Nothing is read again of what is complete: the phases begin at once, and their step from its first start."""
    old = started(repositories)
    end_rows(old, "completed", "completed")
    pipeline.advance(old.pk)
    pipeline.fail_phase(old.pk, "llm_processing", ValueError("no"))
    run = pipeline.resume_run(old.pk, by="ann@here")
    assert [(name, state) for name, state, *_ in places(run)] == [("o/n", "completed"), ("o/other", "completed")]
    assert pipeline.admit() == []
    assert pipeline.advance(run.pk) == [RunPhase(run.pk, "llm_processing", 1)]


def test_a_failed_run_is_taken_up_with_each_of_its_repositories(repositories: list[TrackedRepository]) -> None:
    """As one that was cancelled is; another team's run stays as it is, and keeps the account that both ask with."""
    theirs = started([repository("smiths/a", team="smiths")], "t2")
    old = started(repositories)
    end_rows(old, "failed", "failed")
    pipeline.advance(old.pk)
    assert pipeline.admit() == [SyncRepository(Attempt(theirs.repo_syncs.get().pk, 1))]
    run = pipeline.resume_run(old.pk, by="ann@here")
    assert places(run) == [("o/n", "queued", 0, 0, WHERE), ("o/other", "queued", 0, 0, WHERE)]
    assert pipeline.admit() == []
    theirs.refresh_from_db()
    assert (theirs.state, theirs.repo_syncs.get().state) == ("running", "queued")


def test_a_run_that_is_taken_up_has_a_trace_of_its_own_linked_to_the_old(
    repositories: list[TrackedRepository], captrace: Capture
) -> None:
    """The old one stays ended; who took it up stands on the new row and in its line."""
    old = started(repositories)
    end_rows(old, "failed", "failed")
    pipeline.advance(old.pk)
    captrace.clear()
    run = pipeline.resume_run(old.pk, by="ann@here")
    old.refresh_from_db()
    assert (run.follows, run.resumed_by, run.links, old.state) == (old, "ann@here", [old.traceparent], "failed")
    assert trace_id_of(run.traceparent) != trace_id_of(old.traceparent)
    line = captrace.line("sync.run.resumed")
    assert (line["by"], line["resumed_run_id"], line["run_id"]) == ("ann@here", old.pk, run.pk)
    assert line["trace_id"] == trace_id_of(run.traceparent)


@pytest.mark.parametrize("state", ["running", "completed"])
def test_a_run_that_lost_nothing_is_not_taken_up(repositories: list[TrackedRepository], state: str) -> None:
    """The error says how it stands, and nothing is written."""
    run = started(repositories)
    PipelineRun.objects.filter(pk=run.pk).update(state=state)
    with pytest.raises(WrongState, match=f"Run {run.pk} is {state}: only one that failed"):
        pipeline.resume_run(run.pk, by="ann@here")
    assert PipelineRun.objects.count() == 1


def test_a_run_is_taken_up_once(repositories: list[TrackedRepository]) -> None:
    """The second who tries is told which run goes on; that one can be taken up in turn."""
    old = started(repositories)
    end_rows(old, "failed", "failed")
    pipeline.advance(old.pk)
    run = pipeline.resume_run(old.pk, by="ann@here")
    with pytest.raises(WrongState, match=f"Run {old.pk} was resumed already, as run {run.pk}"):
        pipeline.resume_run(old.pk, by="ben@there")
    with pytest.raises(WrongState, match="There is no run 987654"):
        pipeline.resume_run(987654, by="ann@here")
    pipeline.cancel(run.pk, by="ben@there")
    assert pipeline.resume_run(run.pk, by="ann@here").follows == run


def test_repositories_that_are_named_are_taken_up_alone(repositories: list[TrackedRepository]) -> None:
    """Each once, whatever the case of its name; those that are left are taken up later, and then nothing is."""
    old = started(repositories)
    end_rows(old, "failed", "failed")
    pipeline.advance(old.pk)
    first = pipeline.resume_run(old.pk, by="ann@here", repositories=["O/Other"])
    assert [name for name, *_ in places(first)] == ["o/other"]
    with pytest.raises(WrongState, match=f"o/other was resumed already, as run {first.pk}"):
        pipeline.resume_run(old.pk, by="ben@there", repositories=["o/n", "o/other"])
    second = pipeline.resume_run(old.pk, by="ben@there")
    assert [name for name, *_ in places(second)] == ["o/n"]
    with pytest.raises(WrongState, match=f"Run {old.pk} was resumed already, as run {second.pk}"):
        pipeline.resume_run(old.pk, by="ann@here")
    assert pipeline.left_to_resume(old) == []


def test_a_run_that_has_still_to_go_on_keeps_what_is_complete(repositories: list[TrackedRepository]) -> None:
    """Beside the one that is named: its phases are over both, once."""
    old = started(repositories)
    end_rows(old, "completed", "failed")
    PipelineRun.objects.filter(pk=old.pk).update(state="cancelled")
    run = pipeline.resume_run(old.pk, by="ann@here", repositories=["o/other"])
    assert [(name, state) for name, state, *_ in places(run)] == [("o/n", "completed"), ("o/other", "queued")]


@pytest.mark.parametrize(
    ("names", "why"),
    [(["o/none"], "o/none is not in run"), (["o/n"], "o/n is complete in run"), ([], "No repository of run")],
)
@pytest.mark.parametrize("state", ["partial", "failed"])
def test_a_name_that_lost_nothing_is_not_taken_up(
    repositories: list[TrackedRepository], names: list[str], why: str, state: str
) -> None:
    """Nothing is written, also for others that are named beside it."""
    old = started(repositories)
    end_rows(old, "completed", "failed")
    PipelineRun.objects.filter(pk=old.pk).update(state=state)
    with pytest.raises(WrongState, match=why):
        pipeline.resume_run(old.pk, by="ann@here", repositories=[*names, *(["o/other"] if names else [])])
    assert PipelineRun.objects.count() == 1


def test_why_a_name_is_not_taken_up_is_said_of_that_repository(repositories: list[TrackedRepository]) -> None:
    """One is complete, the other was resumed already, by a run that is named."""
    old = started(repositories)
    end_rows(old, "completed", "failed")
    PipelineRun.objects.filter(pk=old.pk).update(state="partial")
    later = pipeline.resume_run(old.pk, by="ann@here", repositories=["o/other"])
    repo_sync(old, repository("o/third"), state="failed")
    with pytest.raises(WrongState, match=f"o/n is complete in run {old.pk}"):
        pipeline.resume_run(old.pk, by="ann@here", repositories=["o/n"])
    with pytest.raises(WrongState, match=f"o/other was resumed already, as run {later.pk}"):
        pipeline.resume_run(old.pk, by="ann@here", repositories=["o/other"])
