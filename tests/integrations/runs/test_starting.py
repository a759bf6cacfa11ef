"""What a run's start writes is all that it needs; a backfill and a run that is taken up begin where another stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps import catalog
from apps.integrations.errors import WrongState
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.onboarding_pipeline import Backfill, cancel, resume_run, start_run
from apps.integrations.runs import starting
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from telemetry import current_traceparent, observe, trace_id_of
from telemetry.testing import Capture
from tests.integrations.histories import repository

SINCE, OLDER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def tracked(time: clock.SteppedClock) -> list[TrackedRepository]:
    """Three repositories of one team."""
    return [repository(f"o/{number}") for number in range(3)]


@pytest.fixture
def beside(time: clock.SteppedClock) -> PipelineRun:
    """Another team's run, which failed."""
    other = repository("p/q", team="others")
    run = start_run(team=other.team, repositories=[other], since=None, task_id="other")
    run.repo_syncs.update(state="failed", cursor="theirs")
    PipelineRun.objects.filter(pk=run.pk).update(state="failed")
    return run


def _start(tracked: list[TrackedRepository], **more: Any) -> PipelineRun:
    return start_run(team=tracked[0].team, repositories=tracked, **{"since": SINCE, "task_id": "t1", **more})


def _rows(run: PipelineRun) -> list[RepoSync]:
    return list(run.repo_syncs.order_by("pk"))


def test_a_start_writes_the_run_and_a_row_for_each_repository(
    tracked: list[TrackedRepository], beside: PipelineRun, captrace: Capture, time: clock.SteppedClock
) -> None:
    """In the order in which they were asked for, due at once; its trace is linked to what started it, its line written."""
    captrace.clear()
    run = _start(list(reversed(tracked)), backfill=Backfill(OLDER))
    assert (run.team, run.kind, run.state, run.phase) == (tracked[0].team, "recent", "running", "syncing")
    assert (run.since, run.before, run.backfill, run.backfill_since) == (SINCE, None, True, OLDER)
    assert (run.task_id, run.follows, run.resumed_by, run.links) == ("t1", None, "", [])
    assert (run.started_at, run.started_ns) == (clock.now(), int(clock.now().timestamp() * 1_000_000) * 1_000)
    assert [(row.repository, row.state, row.is_backfill, row.due_at, row.attempt) for row in _rows(run)] == [
        (each, "queued", False, clock.now(), 0) for each in reversed(tracked)
    ]
    assert {row.connection for row in _rows(run)} == {tracked[0].connection}
    assert captrace.line("sync.pipeline.started")["run_id"] == run.pk
    assert PipelineRun.objects.get(pk=run.pk).announced_at == clock.now()
    unlimited = _start(tracked, task_id="t2", backfill=Backfill(None), since=None)
    assert (unlimited.since, unlimited.backfill, unlimited.backfill_since) == (None, True, None)
    assert not _start(tracked, task_id="t3").backfill


def test_a_start_that_is_not_announced_leaves_its_line_to_others(
    tracked: list[TrackedRepository], captrace: Capture
) -> None:
    """The second call with the task announces it, the third does not again; each returns the run of the first."""
    run = _start(tracked, announce=False)
    assert "sync.pipeline.started" not in captrace.events()
    assert PipelineRun.objects.get(pk=run.pk).announced_at is None
    assert _start(tracked, announce=False) == run
    assert "sync.pipeline.started" not in captrace.events()
    assert [_start(tracked), _start(tracked)] == [run, run]
    assert captrace.line("sync.pipeline.started")["run_id"] == run.pk
    assert PipelineRun.objects.count() == 1
    assert _start(tracked, task_id=None) != _start(tracked, task_id=None)


def test_a_run_without_repositories_is_none(tracked: list[TrackedRepository]) -> None:
    """Nothing would ever end it."""
    with pytest.raises(ValueError, match="at least one repository"):
        start_run(team=tracked[0].team, repositories=[], since=None)
    assert not PipelineRun.objects.exists()


def test_a_backfill_follows_for_each_repository_that_was_synced_and_lacks_history(
    tracked: list[TrackedRepository],
    beside: PipelineRun,
    captrace: Capture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """It ends where the recent run began, and pages on at its cursor, unless that stopped at a watermark."""
    more = [*tracked, repository("o/covered"), repository("o/failed")]
    run = _start(more, backfill=Backfill(OLDER))
    rows = _rows(run)
    RepoSync.objects.filter(run=run).update(state="completed", cursor="c7", since=SINCE)
    RepoSync.objects.filter(pk=rows[1].pk).update(since=SINCE + timedelta(days=3))
    RepoSync.objects.filter(pk=rows[4].pk).update(state="failed")
    TrackedRepository.objects.filter(pk=more[2].pk).update(covered_from=OLDER + timedelta(seconds=1))
    TrackedRepository.objects.filter(pk=more[3].pk).update(covered_from=OLDER)
    captrace.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert starting.start_backfills(run) == 3
        assert captrace.events() == []  # of a run that is not there yet nothing is said
    backfills = list(PipelineRun.objects.filter(follows=run).order_by("pk"))
    said = [line["run_id"] for line in captrace.lines if line["event"] == "sync.pipeline.started"]
    assert said == [each.pk for each in backfills]
    assert [(each.kind, each.phase, each.since, each.before, each.task_id) for each in backfills] == [
        ("backfill", "background_syncing", OLDER, SINCE, "t1")
    ] * 3
    assert [(each.team, each.backfill, each.links) for each in backfills] == [(run.team, False, [run.traceparent])] * 3
    made = [row for each in backfills for row in each.repo_syncs.all()]
    assert [(row.repository, row.start_cursor, row.cursor, row.is_backfill) for row in made] == [
        (more[0], "c7", None, True),
        (more[1], None, None, True),
        (more[2], "c7", None, True),
    ]
    assert len({trace_id_of(each.traceparent) for each in (run, *backfills)}) == 4


def _stopped(run: PipelineRun, state: str, *rows: dict[str, Any]) -> None:
    for row, changes in zip(_rows(run), rows, strict=True):
        RepoSync.objects.filter(pk=row.pk).update(**changes)
    PipelineRun.objects.filter(pk=run.pk).update(state=state)


WHERE_IT_STOOD = {
    "since": SINCE + timedelta(days=1),
    "start_cursor": "c1",
    "cursor": "c5",
    "paged": True,
    "newest_updated_at": SINCE + timedelta(days=2),
    "prs_done": 50,
    "prs_total": 90,
    "note": "archived",
}
DONE = {"state": "completed", "disposition": "synced", "cursor": "end", "prs_done": 7, "gaps": [{"list": "files"}]}


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_run_is_taken_up_where_it_stood(
    state: str, tracked: list[TrackedRepository], beside: PipelineRun, captrace: Capture, time: clock.SteppedClock
) -> None:
    """In a new run over the same window, linked to the old; what was complete stays so, the rest queues at its cursors."""
    old = _start(tracked, backfill=Backfill(OLDER))
    failed = {"state": state, "attempt": 6, "failures": 6, "error_type": "server_error", "error_msg": "no"}
    ended = {"started_at": clock.now(), "ended_at": clock.now()}
    _stopped(old, state, {**failed, **WHERE_IT_STOOD}, {**DONE, **ended}, failed)
    time.sleep(60)
    captrace.clear()
    run = resume_run(old.pk, by="ada@laptop")
    kept = ("team", "kind", "since", "before", "backfill", "backfill_since")
    assert [getattr(run, name) for name in kept] == [getattr(old, name) for name in kept]
    assert (run.state, run.phase, run.follows, run.resumed_by, run.task_id) == (
        "running",
        "syncing",
        old,
        "ada@laptop",
        None,
    )
    assert (run.links, run.started_at) == ([old.traceparent], clock.now())
    first, second, third = _rows(run)
    assert [row.repository for row in (first, second, third)] == tracked
    assert {name: getattr(first, name) for name in WHERE_IT_STOOD} == WHERE_IT_STOOD
    assert {name: getattr(second, name) for name in (*DONE, *ended)} == {**DONE, **ended}
    for row in (first, third):
        assert (row.state, row.attempt, row.failures, row.error_type, row.error_msg) == ("queued", 0, 0, "", "")
        assert (row.disposition, row.due_at, row.started_at, row.ended_at) == ("", clock.now(), None, None)
    assert captrace.events() == ["sync.pipeline.started", "sync.run.resumed"]
    assert captrace.line("sync.run.resumed")["by"] == "ada@laptop"
    assert not PipelineRun.objects.filter(follows=beside).exists()
    with pytest.raises(WrongState, match=f"resumed already, as run {run.pk}"):
        resume_run(old.pk, by="ben@laptop")


def test_of_a_partial_run_only_what_failed_is_taken_up(tracked: list[TrackedRepository]) -> None:
    """It has gone on with the others, also to their backfills, which are no second try of it."""
    old = _start(tracked)
    _stopped(old, "partial", DONE, {"state": "failed", "cursor": "c3"}, DONE)
    PipelineRun.objects.create(
        team=old.team, kind="backfill", follows=old, phase="complete", started_ns=0, started_at=clock.now()
    )
    run = resume_run(old.pk, by="ada")
    assert [(row.repository, row.cursor) for row in _rows(run)] == [(tracked[1], "c3")]
    assert (run.backfill, run.backfill_since) == (False, None)


@pytest.mark.parametrize("state", ["running", "completed"])
def test_a_run_that_works_or_is_complete_is_not_taken_up(state: str, tracked: list[TrackedRepository]) -> None:
    """Nor is one that there never was; the error says how it stands."""
    run = _start(tracked)
    PipelineRun.objects.update(state=state)
    with pytest.raises(WrongState, match=f"^Run {run.pk} is {state}: only one that failed"):
        resume_run(run.pk, by="ada")
    with pytest.raises(WrongState, match=f"^There is no run {run.pk + 1}: "):
        resume_run(run.pk + 1, by="ada")
    assert PipelineRun.objects.count() == 1


def test_a_run_is_called_off_with_what_has_not_ended_of_it(
    tracked: list[TrackedRepository], captrace: Capture, time: clock.SteppedClock
) -> None:
    """What has ended stays; another team's run and its places are as they were; a second call finds nothing to call off."""
    other = repository("p/q", team="others")
    others = start_run(team=other.team, repositories=[other], since=None)
    run = _start(tracked)
    _stopped(run, "running", DONE, {"state": "running", "attempt": 2, "wait_reason": "lane"}, {"state": "failed"})
    for place, row in enumerate([*_rows(run)[1:2], *_rows(others)], start=1):
        Admission.objects.create(
            repo_sync=row, attempt=1, account=f"a/{place}", place=place, admitted_at=clock.now(), sent_at=clock.now()
        )
    before = list(others.repo_syncs.values()), list(Admission.objects.filter(repo_sync__run=others).values())
    time.sleep(5)
    called_off = cancel(run.pk, by="ada@laptop")
    assert (called_off.state, called_off.cancelled_by, called_off.ended_at) == ("cancelled", "ada@laptop", clock.now())
    assert (called_off.error_type, called_off.error_msg) == ("cancelled", "ada@laptop cancelled it")
    assert (called_off.repos_synced, called_off.repos_failed, called_off.total_prs) == (1, 1, 7)
    assert [(row.state, row.disposition, row.wait_reason, row.ended_at) for row in _rows(run)] == [
        ("completed", "synced", "", None),
        ("cancelled", "cancelled", "", clock.now()),
        ("failed", "", "", None),
    ]
    assert [row.error_msg for row in _rows(run)] == ["", "ada@laptop cancelled it", ""]
    assert not Admission.objects.filter(repo_sync__run=run).exists()
    assert (list(others.repo_syncs.values()), list(Admission.objects.values())) == before
    with pytest.raises(WrongState, match=f"Run {run.pk} is cancelled"):
        cancel(run.pk, by="ben")


def test_a_run_that_a_span_started_is_linked_with_it(tracked: list[TrackedRepository], captrace: Capture) -> None:
    """As a run is that a page or a command starts; it follows no other."""
    with observe(catalog.RowsWrite(entity_type="metric", rows=0)) as write:
        around = current_traceparent()
        run = _start(tracked)
        write.completed(catalog.RowsWritten(created=0, updated=0))
    assert run.links == [around]
    assert run.follows is None
