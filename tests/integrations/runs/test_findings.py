"""What a sweep finds is said once, in the trace of the run it is about, with two runs of two teams present."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.repositories.models import GitHubConnection
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.testing import Capture
from tests.integrations.histories import repository

pytestmark = pytest.mark.django_db
CONTEXT = {"timestamp", "level", "event", "trace_id", "span_id", "trace_flags"}


@pytest.fixture
def other(time: clock.SteppedClock) -> PipelineRun:
    """A run of another team's, over one repository, with an account of its own."""
    theirs = repository("smiths/a", team="smiths")
    GitHubConnection.objects.filter(team=theirs.team).update(account="github.test/grace")
    return pipeline.start_run(team=theirs.team, repositories=[theirs], since=None, task_id="t-other")


def _said(captrace: Capture, event: str) -> list[dict[str, Any]]:
    return [{name: line[name] for name in line.keys() - CONTEXT} for line in captrace.lines if line["event"] == event]


def test_an_attempt_that_is_found_dead_is_said_in_its_runs_trace(
    run: PipelineRun, other: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """Once, with for how long it was silent; the other team's attempt, which lives, is not."""
    pipeline.admit()
    RepoSync.objects.update(state="running", attempt=1, alive_at=clock.now())
    time.sleep(settings.SYNC_STALE_SECONDS + 2.5)
    RepoSync.objects.filter(run=other).update(alive_at=clock.now())
    pipeline.sweep()
    pipeline.sweep()
    row = run.repo_syncs.get()
    assert _said(captrace, "sync.attempt.dead") == [
        {
            "full_name": row.repository.full_name,
            "attempt": 1,
            "silent_sec": settings.SYNC_STALE_SECONDS + 2.5,
            "team_id": run.team_id,
            "repo_id": row.repository_id,
            "run_id": run.pk,
        }
    ]
    assert captrace.line("sync.attempt.dead")["trace_id"] == trace_id_of(run.traceparent)
    assert captrace.line("sync.attempt.dead")["level"] == "warning"


def test_a_message_that_nobody_took_or_sent_is_said_to_be_sent_again(
    run: PipelineRun, other: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """One that was sent and lost, and one whose sender died: each in its own run's trace."""
    pipeline.admit()
    Admission.objects.filter(repo_sync__run=run).update(sent_at=clock.now())
    time.sleep(settings.SYNC_STALE_SECONDS + 1)
    Admission.objects.filter(repo_sync__run=other).update(admitted_at=clock.now())
    time.sleep(60)
    pipeline.sweep()
    said = {line["run_id"]: (line["step"], line["attempt"], line["reason"]) for line in _said(captrace, "sync.step.resent")}
    assert said[run.pk] == ("sync_repository", 1, "lost")
    assert said[other.pk] == ("sync_repository", 1, "unsent")
    traces = {line["run_id"]: line["trace_id"] for line in captrace.lines if line["event"] == "sync.step.resent"}
    assert traces == {each.pk: trace_id_of(each.traceparent) for each in (run, other)}


def test_a_phase_that_is_not_heard_of_is_said_to_be_sent_again(
    run: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """With the attempt that follows."""
    PipelineRun.objects.update(phase="llm_processing", step_sent_at=clock.now(), step_attempt=1)
    time.sleep(settings.SYNC_STEP_SECONDS + 1)
    pipeline.sweep()
    assert _said(captrace, "sync.step.resent") == [
        {"step": "llm_processing", "attempt": 2, "reason": "unheard", "team_id": run.team_id, "run_id": run.pk}
    ]


def test_a_sweep_that_comes_late_is_said_and_one_in_time_is_not(time: clock.SteppedClock, captrace: Capture) -> None:
    """The first has nothing to be late for; a period that is skipped is nothing to speak of."""
    every = settings.SYNC_SWEEP_SECONDS
    pipeline.sweep()
    time.sleep(3 * every + 5)
    pipeline.sweep()
    assert _said(captrace, "sync.beat.late") == []
    time.sleep(3 * every + 5.5)
    pipeline.sweep()
    pipeline.sweep()
    assert _said(captrace, "sync.beat.late") == [{"late_sec": 2 * every + 5.5, "every_sec": every}]
