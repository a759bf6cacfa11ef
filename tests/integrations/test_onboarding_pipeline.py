"""A run advances once, ends once, and is logged and exported once, whoever calls and whoever dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, get_args

import pytest
from django.conf import settings
from django.db import transaction

from apps import catalog
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.steps import RunPhase, SyncRepository
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.testing import Capture
from tests.integrations.histories import repo_sync, repository

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def time() -> Iterator[clock.SteppedClock]:
    """Time passes only when somebody sleeps."""
    stepped = clock.SteppedClock(clock.now())
    with clock.using(stepped):
        yield stepped


@pytest.fixture
def run() -> PipelineRun:
    """A run over one repository that is about to begin."""
    tracked = repository()
    return pipeline.start_run(team=tracked.team, repositories=[tracked], since=None, task_id="t1")


def _all(state: str) -> None:
    RepoSync.objects.update(state=state, disposition="synced")


def test_a_start_delivered_twice_begins_nothing_twice(run: PipelineRun) -> None:
    """One run, and no message for a repository whose first attempt is under way."""
    row = run.repo_syncs.get()
    assert pipeline.admit() == [SyncRepository(Attempt(row.pk, 1))]
    again = pipeline.start_run(team=run.team, repositories=[row.repository], since=None, task_id="t1")
    assert again == run
    assert pipeline.admit() == []


def test_a_run_advances_once_whoever_asks(run: PipelineRun) -> None:
    """Each phase's task is sent by one of two that come late, and the run is completed by one."""
    assert pipeline.advance(run.pk) == []
    _all("completed")
    assert [pipeline.advance(run.pk), pipeline.advance(run.pk)] == [[RunPhase(run.pk, "llm_processing", 1)], []]
    assert pipeline.claim_step(RunPhase(run.pk, "llm_processing", 1)) is not None
    assert pipeline.claim_step(RunPhase(run.pk, "llm_processing", 1)) is None
    assert pipeline.complete_phase(run.pk, "llm_processing") == [RunPhase(run.pk, "computing_metrics", 1)]
    assert pipeline.complete_phase(run.pk, "llm_processing") == []
    assert pipeline.complete_phase(run.pk, "computing_metrics") == []
    run.refresh_from_db()
    assert (run.phase, run.state) == ("phase1_complete", "completed")


def _pass_through_phases(run: PipelineRun, time: clock.SteppedClock) -> list[str]:
    """Let a run pass through all of its phases, seven seconds each, and return when it entered each but the first."""
    RepoSync.objects.filter(run=run).update(state="completed", disposition="synced")
    time.sleep(7)
    entered, steps = [time.now().isoformat()], pipeline.advance(run.pk)
    while steps:
        (step,) = steps
        assert isinstance(step, RunPhase)
        time.sleep(7)
        entered.append(time.now().isoformat())
        steps = pipeline.complete_phase(run.pk, step.phase)
    return entered


def test_when_a_run_entered_each_phase_is_kept(time: clock.SteppedClock) -> None:
    """By the database's clock, with the change itself; also of a backfill."""
    tracked = repository()
    begin = time.now() - timedelta(days=30)
    run = pipeline.start_run(team=tracked.team, repositories=[tracked], since=begin, backfill=pipeline.Backfill(None))
    assert run.phase_starts == {"syncing": time.now().isoformat()}
    entered = [run.started_at.isoformat(), *_pass_through_phases(run, time)]
    run.refresh_from_db()
    names = ["syncing", "llm_processing", "computing_metrics", "phase1_complete"]
    assert run.phase_starts == dict(zip(names, entered, strict=True))
    backfill = run.followed_by.get()
    entered = [backfill.started_at.isoformat(), *_pass_through_phases(backfill, time)]
    backfill.refresh_from_db()
    names = ["background_syncing", "background_llm", "complete"]
    assert backfill.phase_starts == dict(zip(names, entered, strict=True))


def test_of_a_run_that_an_earlier_version_began_later_phases_are_kept(run: PipelineRun) -> None:
    """What it did not keep stays unknown."""
    PipelineRun.objects.update(phase_starts=None)
    _all("completed")
    pipeline.advance(run.pk)
    run.refresh_from_db()
    assert run.phase_at is not None
    assert run.phase_starts == {"llm_processing": run.phase_at.isoformat()}


def test_the_sweep_advances_what_its_last_task_could_not(run: PipelineRun) -> None:
    """The process died after the last repository's commit."""
    _all("completed")
    assert pipeline.sweep() == [RunPhase(run.pk, "llm_processing", 1)]


def test_a_step_is_started_again_and_then_fails_the_run(
    run: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """Three times it was started and died; a message that is lost counts as none."""
    _all("completed")
    pipeline.advance(run.pk)
    for number in (1, 2, 3):
        assert pipeline.sweep() == []
        time.sleep(settings.SYNC_STEP_SECONDS + 1)
        assert pipeline.sweep() == [RunPhase(run.pk, "llm_processing", number)]
        assert pipeline.claim_step(RunPhase(run.pk, "llm_processing", number)) is not None
    time.sleep(settings.SYNC_STEP_SECONDS + 1)
    assert pipeline.sweep() == []
    run.refresh_from_db()
    assert (run.state, run.phase, run.error_type) == ("failed", "llm_processing", "step_never_finished")
    assert captrace.events().count("sync.pipeline.failed") == 1


def _ended(run: PipelineRun) -> None:
    _all("completed")
    pipeline.advance(run.pk)
    pipeline.complete_phase(run.pk, "llm_processing")
    pipeline.complete_phase(run.pk, "computing_metrics")


def test_a_step_that_works_is_left_alone(run: PipelineRun, time: clock.SteppedClock) -> None:
    """Its time begins when it is started, not when it was sent; and of two sweeps one sends it again."""
    _all("completed")
    pipeline.advance(run.pk)
    time.sleep(settings.SYNC_STEP_SECONDS - 1)
    assert pipeline.claim_step(RunPhase(run.pk, "llm_processing", 1)) is not None
    time.sleep(2)
    assert pipeline.sweep() == []
    time.sleep(settings.SYNC_STEP_SECONDS)
    assert [pipeline.sweep(), pipeline.sweep()] == [[RunPhase(run.pk, "llm_processing", 2)], []]


class Killed(BaseException):
    """The process is no more."""


def _die_behind_the_commit(work: Callable[[], None]) -> None:
    def die() -> None:
        raise Killed

    with transaction.atomic():
        transaction.on_commit(die)  # before what the work leaves for then
        work()


def test_a_process_that_dies_behind_the_commit_leaves_the_end_to_the_sweep(
    run: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """The run has ended, nobody has said so, and then one does: once, with the end it really had."""
    with pytest.raises(Killed):
        _die_behind_the_commit(lambda: _ended(run))
    run.refresh_from_db()
    assert (run.state, run.logged_at, run.exported_at) == ("completed", None, None)
    pipeline.sweep(flush=lambda _seconds: True)  # it may only be slow
    assert "sync.pipeline.completed" not in captrace.events()
    for _ in range(2):
        time.sleep(settings.SYNC_STALE_SECONDS + 1)
        pipeline.sweep(flush=lambda _seconds: True)
    assert captrace.events().count("sync.pipeline.completed") == 1
    (root,) = [span for span in captrace.spans if span.name == "sync.pipeline"]
    assert root.trace_id == trace_id_of(run.traceparent)
    assert run.ended_at is not None
    assert abs(root.end_ns / 1e9 - run.ended_at.timestamp()) < 0.001


def test_an_exported_run_is_left_alone_by_the_sweep(run: PipelineRun, time: clock.SteppedClock, captrace: Capture) -> None:
    """One that an exporter did not take when it ended is exported by the sweep after SYNC_STALE_SECONDS, once."""
    _ended(run)
    spans = len(captrace.spans)
    run.refresh_from_db()
    due_at = run.ended_at and run.ended_at + timedelta(seconds=settings.SYNC_STALE_SECONDS)
    PipelineRun.objects.update(exported_at=None, export_due_at=due_at)  # as an exporter that is down leaves it
    pipeline.sweep(flush=lambda _seconds: True)
    assert len(captrace.spans) == spans
    for _ in range(2):
        time.sleep(settings.SYNC_STALE_SECONDS + 1)
        pipeline.sweep(flush=lambda _seconds: True)
    assert len(captrace.spans) == spans + 1
    run.refresh_from_db()
    assert (run.exported_at is not None, run.export_due_at) == (True, None)


def test_a_run_none_of_whose_repositories_could_be_synced_has_failed(run: PipelineRun) -> None:
    """One that could is enough for the run to go on."""
    other = repo_sync(run, repository("o/other"), state="failed", error_msg="no")
    RepoSync.objects.exclude(pk=other.pk).update(state="completed")
    assert pipeline.advance(run.pk) == [RunPhase(run.pk, "llm_processing", 1)]
    PipelineRun.objects.update(phase="syncing")
    RepoSync.objects.update(state="failed")
    assert pipeline.advance(run.pk) == []
    run.refresh_from_db()
    assert (run.state, run.error_type) == ("failed", "every_repository_failed")


def test_a_run_that_lost_a_repository_is_partial(run: PipelineRun, captrace: Capture) -> None:
    """It goes through its phases and ends with the event of a completed one; another team's failure is not its own."""
    lost = repo_sync(run, repository("o/lost"), state="failed", disposition="gone", error_msg="no")
    other = repository("p/q", team="smiths")
    theirs = pipeline.start_run(team=other.team, repositories=[other], since=None, task_id="t2")
    RepoSync.objects.exclude(pk=lost.pk).update(state="completed", disposition="synced", prs_done=3)
    for each in (run, theirs):
        pipeline.advance(each.pk)
        pipeline.complete_phase(each.pk, "llm_processing")
        pipeline.complete_phase(each.pk, "computing_metrics")
        each.refresh_from_db()
    assert [(each.state, each.repos_synced, each.repos_failed, each.total_prs) for each in (run, theirs)] == [
        ("partial", 1, 1, 3),
        ("completed", 1, 0, 3),
    ]
    assert (run.shortfall, theirs.shortfall) == ("1 of 2 repositories failed", "")
    assert captrace.events().count("sync.pipeline.completed") == 2
    assert "sync.pipeline.failed" not in captrace.events()
    roots = {
        span.attributes["run_id"]: (span.status, span.outcome) for span in captrace.spans if span.name == "sync.pipeline"
    }
    assert roots == {run.pk: ("ERROR", "completed"), theirs.pk: ("OK", "completed")}


@pytest.fixture
def other_run() -> PipelineRun:
    """A run of another team's, over two repositories."""
    first, second = repository("smiths/a", team="smiths"), repository("smiths/b", team="smiths")
    return pipeline.start_run(team=first.team, repositories=[first, second], since=None, task_id="t-other")


def _columns(run: PipelineRun) -> dict[str, Any]:
    return dict(PipelineRun.objects.filter(pk=run.pk).values().get())


PHASES: tuple[catalog.Phase, ...] = get_args(catalog.Phase)


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_run_that_has_ended_does_not_end_again(
    end: str, run: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """Nor does anything else about it change, in whatever phase somebody comes late; and one root and one line say it."""
    if end == "completed":
        _ended(run)
    else:
        _all("completed")
        pipeline.advance(run.pk)
        pipeline.fail_phase(run.pk, "llm_processing", ValueError("no"))
    before, spans, lines = _columns(run), captrace.spans, captrace.lines
    assert before["state"] == end
    time.sleep(60)
    _all("failed")
    for phase in PHASES:
        assert pipeline.complete_phase(run.pk, phase) == []
        pipeline.fail_phase(run.pk, phase, ValueError("late"))
        assert pipeline.claim_step(RunPhase(run.pk, phase, before["step_attempt"] + 1)) is None
    assert pipeline.advance(run.pk) == []
    PipelineRun.objects.filter(pk=run.pk).update(phase="syncing")
    assert pipeline.advance(run.pk) == []
    assert _columns(run) == before | {"phase": "syncing"}
    assert (captrace.spans, captrace.lines) == (spans, lines)
    assert [line["event"] for line in lines if line["event"] in ("sync.pipeline.completed", "sync.pipeline.failed")] == [
        f"sync.pipeline.{end}"
    ]
    assert captrace.span("sync.pipeline").outcome == end


def test_a_phase_is_left_in_that_phase_alone(run: PipelineRun, captrace: Capture) -> None:
    """What belongs to another phase comes too late or too early, and changes neither the row nor the trace."""
    _all("completed")
    pipeline.advance(run.pk)
    before, lines = _columns(run), captrace.lines
    for phase in PHASES:
        if phase != "llm_processing":
            assert pipeline.complete_phase(run.pk, phase) == []
            pipeline.fail_phase(run.pk, phase, ValueError("of another phase"))
            assert pipeline.claim_step(RunPhase(run.pk, phase, 1)) is None
    for attempt in (0, 2, 3):
        assert pipeline.claim_step(RunPhase(run.pk, "llm_processing", attempt)) is None
    assert _columns(run) == before
    assert (captrace.spans, captrace.lines) == ([], lines)


def test_what_becomes_of_one_run_becomes_of_no_other(
    run: PipelineRun, other_run: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """Advanced, started, completed and ended beside another team's, which stands where it stood."""
    before = _columns(other_run)
    rows = list(other_run.repo_syncs.order_by("pk").values())
    captrace.clear()
    run.repo_syncs.update(state="completed", disposition="synced")
    assert pipeline.advance(other_run.pk) == []
    assert pipeline.advance(run.pk) == [RunPhase(run.pk, "llm_processing", 1)]
    claimed = pipeline.claim_step(RunPhase(run.pk, "llm_processing", 1))
    assert (claimed, claimed and claimed.team) == (run, run.team)
    pipeline.complete_phase(run.pk, "llm_processing")
    pipeline.fail_phase(run.pk, "computing_metrics", ValueError("no"))
    assert (_columns(other_run), list(other_run.repo_syncs.order_by("pk").values())) == (before, rows)
    assert captrace.span("sync.pipeline").trace_id == trace_id_of(run.traceparent)
    assert {line["run_id"] for line in captrace.lines} == {run.pk}


def test_totals_are_those_of_the_repositories_that_were_synced(other_run: PipelineRun, captrace: Capture) -> None:
    """Neither what a failed one had read counts nor what another team's run has; row, root and line agree."""
    bystander = repository("o/n")
    repo_sync(
        pipeline.start_run(team=bystander.team, repositories=[repository("o/m")], since=None),
        bystander,
        state="completed",
        prs_done=100,
    )
    first, second = other_run.repo_syncs.order_by("pk")
    RepoSync.objects.filter(pk=first.pk).update(state="completed", disposition="synced", prs_done=7)
    RepoSync.objects.filter(pk=second.pk).update(state="failed", disposition="failed", prs_done=30, error_msg="no")
    captrace.clear()
    pipeline.advance(other_run.pk)
    pipeline.complete_phase(other_run.pk, "llm_processing")
    pipeline.complete_phase(other_run.pk, "computing_metrics")
    row = _columns(other_run)
    line, root = captrace.line("sync.pipeline.completed"), captrace.span("sync.pipeline").attributes
    for said in (row, line, root):
        assert (said["repos_synced"], said["total_prs"]) == (1, 7)
    assert root["repos_count"] == 2
    assert [line["phase"] for line in captrace.lines if line["event"] == "sync.pipeline.phase_changed"] == [
        "llm_processing",
        "computing_metrics",
        "phase1_complete",
    ]


def test_why_every_repository_failed_is_said_of_three_and_counted_of_more(run: PipelineRun, other_run: PipelineRun) -> None:
    """By name, in the order in which they were asked for; another run's are not among them."""
    for number in range(2, 6):
        repo_sync(run, repository(f"o/{number}"))
    other_run.repo_syncs.update(state="failed", error_msg="of others")
    for row in run.repo_syncs.select_related("repository"):
        RepoSync.objects.filter(pk=row.pk).update(state="failed", error_msg=f"no {row.repository.full_name}")
    pipeline.advance(run.pk)
    run.refresh_from_db()
    assert run.error_msg == "o/n: no o/n; o/2: no o/2; o/3: no o/3; and 2 more"
    pipeline.advance(other_run.pk)
    other_run.refresh_from_db()
    assert other_run.error_msg == "smiths/a: of others; smiths/b: of others"
