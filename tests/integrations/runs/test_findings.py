"""What a sweep finds is said once, in the trace of the run it is about, with two runs of two teams present."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.runs import admission, attempts, findings, sweep
from apps.integrations.runs.admission import Missed
from apps.integrations.runs.attempts import Attempt
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


def _missing(captrace: Capture) -> list[tuple[Any, ...]]:
    """What was missing, with its run, repository, step, attempt, why, for how many seconds, and when it was found."""
    keys = ("run_id", "repo_id", "sync.missing.step", "sync.attempt", "sync.missing.reason")
    return [
        (*(span.attributes.get(key) for key in keys), span.duration_ms / 1e3, _moment(span.end_ns))
        for span in captrace.spans
        if span.name == "sync.missing"
    ]


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000)


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
    assert _missing(captrace) == [
        (run.pk, row.repository_id, "sync_repository", 1, "silent", settings.SYNC_STALE_SECONDS + 2.5, clock.now())
    ]


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
    of_run, of_other = run.repo_syncs.get().repository_id, other.repo_syncs.get().repository_id
    assert sorted(_missing(captrace)) == [
        (run.pk, of_run, "sync_repository", 1, "lost", settings.SYNC_STALE_SECONDS + 61, clock.now()),
        (other.pk, of_other, "sync_repository", 1, "unsent", 60.0, clock.now()),
    ]


def test_of_what_is_not_sent_again_nothing_is_said(run: PipelineRun, other: PipelineRun, captrace: Capture) -> None:
    """Another team's attempt is on its way."""
    missed = Missed(Attempt(run.repo_syncs.get().pk, 3), clock.now(), "lost")
    findings.log_resent([missed])
    assert [(line["run_id"], line["attempt"], line["reason"]) for line in _said(captrace, "sync.step.resent")] == [
        (run.pk, 3, "lost")
    ]
    findings.log_resent([])
    assert len(_said(captrace, "sync.step.resent")) == 1


@pytest.mark.parametrize(
    ("sent_at", "begun", "said"),
    [(None, 0, (1, "unsent", 1)), (2.0, 0, (1, "lost", 1)), (2.0, 2, (3, "unheard", 2))],
    ids=["unsent", "lost", "unheard"],
)
def test_a_phase_that_is_not_heard_of_is_said_to_be_sent_again(
    sent_at: float | None,
    begun: int,
    said: tuple[int, str, int],
    run: PipelineRun,
    other: PipelineRun,
    time: clock.SteppedClock,
    captrace: Capture,
) -> None:
    """With the attempt that follows, and the one that is missing: since it was sent or begun, or should have been."""
    time.sleep(7)
    entered = clock.now()
    sent = None if sent_at is None else entered + timedelta(seconds=sent_at)
    phase = {"phase": "llm_processing", "phase_at": entered, "step_sent_at": sent, "step_attempt": begun}
    PipelineRun.objects.filter(pk=run.pk).update(**phase)
    waited = settings.SYNC_STEP_SECONDS + 5
    time.sleep(waited)
    pipeline.sweep()
    attempt, reason, absent = said
    assert _said(captrace, "sync.step.resent") == [
        {"step": "llm_processing", "attempt": attempt, "reason": reason, "team_id": run.team_id, "run_id": run.pk}
    ]
    assert _missing(captrace) == [
        (run.pk, None, "llm_processing", absent, reason, waited - (sent_at or 0.0), clock.now()),
    ]
    assert captrace.span("sync.missing").trace_id == trace_id_of(run.traceparent)


def test_a_run_that_nobody_let_go_on_was_missing_until_a_sweep_did(
    run: PipelineRun, other: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """Since its last repository ended; whoever ends that and lets it go on has missed nothing."""
    for each in (run, other):
        time.sleep(3)
        each.repo_syncs.update(state="completed", ended_at=clock.now())
    time.sleep(1)
    assert pipeline.advance(other.pk)
    pipeline.sweep()
    row = run.repo_syncs.get()
    assert _missing(captrace) == [(run.pk, row.repository_id, "syncing", None, "unadvanced", 4.0, clock.now())]


def test_a_run_over_what_had_ended_before_was_missing_since_its_start(
    run: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """As one that takes up a run whose repositories had all ended."""
    run.repo_syncs.update(state="completed", ended_at=clock.now() - timedelta(days=1))
    time.sleep(2)
    pipeline.sweep()
    assert [found[5] for found in _missing(captrace)] == [2.0]


class Killed(BaseException):
    """The process is no more."""


def _killed(_of_what: object) -> None:
    raise Killed


@pytest.mark.django_db(transaction=True)
def test_what_is_missing_is_known_before_anybody_takes_it_up(
    run: PipelineRun, other: PipelineRun, time: clock.SteppedClock
) -> None:
    """A sweep that is killed at that moment has taken nothing up: the next finds the same, since the same moment."""
    pipeline.admit()
    silent, lost = run.repo_syncs.get(), other.repo_syncs.get()
    sent = clock.now()
    Admission.objects.update(sent_at=sent)
    assert attempts.claim(Attempt(silent.pk, 1), traceparent=None)
    step = {"phase": "llm_processing", "step_sent_at": sent, "step_attempt": 1}
    PipelineRun.objects.filter(pk=other.pk).update(**step)
    time.sleep(max(settings.SYNC_STALE_SECONDS, settings.SYNC_STEP_SECONDS) + 1)
    finders: list[Callable[..., object]] = [attempts.bury_dead, admission.lost, sweep.claim_steps]
    for find in finders:
        with pytest.raises(Killed):
            find(record=_killed)
    assert [row.alive_at for row in attempts.bury_dead()] == [sent]
    assert admission.lost() == [Missed(Attempt(lost.pk, 1), sent, "lost")]
    assert [found.step_sent_at for found in sweep.claim_steps()] == [sent]


def test_a_sweep_that_comes_late_is_said_and_one_in_time_is_not(time: clock.SteppedClock, captrace: Capture) -> None:
    """The first has nothing to be late for; a period that is skipped is nothing to speak of."""
    every = settings.SYNC_SWEEP_SECONDS
    pipeline.sweep()
    time.sleep(3 * every + 5)
    pipeline.sweep()
    assert _said(captrace, "sync.beat.late") == []
    time.sleep(3 * every + 5.5004)  # said to the millisecond
    pipeline.sweep()
    pipeline.sweep()
    assert _said(captrace, "sync.beat.late") == [{"late_sec": 2 * every + 5.5, "every_sec": every}]
