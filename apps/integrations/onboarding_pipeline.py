"""How a run starts, advances, fails and ends.

A recent run covers all of a team's repositories and the requested window; a backfill covers one repository's history
before that window. State lives in rows, not in messages: code that finishes something calls `advance` and gets back the
next steps to send. Every function here may be called twice, by two processes at once, without harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from apps import catalog, machine_catalog
from apps.integrations.errors import Cancelled, EveryRepositoryFailed, StepNeverFinished, WrongState, message_of
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs import admission, attempts, failures, findings, phases, root_spans, vanished
from apps.integrations.runs.root_spans import Flush
from apps.integrations.runs.starting import Backfill, described, left_to_resume, resume_run, start_backfills, start_run
from apps.integrations.runs.steps import RunPhase, Step, SyncRepository
from apps.integrations.runs.sweep import announce_started, claim_steps, finish_roots, runs_to_advance
from apps.utils import clock
from telemetry import error_type, flush

__all__ = [
    "Backfill",
    "admit",
    "advance",
    "cancel",
    "claim_step",
    "complete_phase",
    "fail_phase",
    "left_to_resume",
    "resume_run",
    "start_run",
    "step_sent",
    "sweep",
]


def admit() -> list[Step]:
    """Admit the attempts of any run that may begin now, and return them to be sent."""
    return [SyncRepository(attempt) for attempt in admission.admit()]


def advance(run_id: int, *, is_found: bool = False) -> list[Step]:
    """Move the run out of its syncing phase once each of its repositories has ended, and return the next steps.

    `is_found` says that a sweep found it stalled: no process that ended a repository has advanced it.
    """
    if RepoSync.objects.filter(run=run_id).exclude(state__in=RepoSync.ENDED).exists():  # of 5,000, stops at the first
        return []  # the process that ends the last one looks after that, and none begins again
    with transaction.atomic():
        run = _locked(run_id)
        if run is None or run.phase not in phases.SYNCING:
            return []
        last = run.repo_syncs.order_by("-ended_at").first()
        if is_found and last is not None:
            findings.record_unadvanced(last, phases.named(run.phase))
        if not run.repo_syncs.filter(state=RepoSync.State.COMPLETED).exists():
            _fail(run, _why_all_failed(run))
            return []
        return _enter_next(run)


def claim_step(step: RunPhase, *, will: Mapping[str, Any] | None = None) -> PipelineRun | None:
    """Start a phase's step and return its run, or None if another process has started it or the phase is over.

    The run keeps the `will` of the step's spans while the step is at work.
    """
    claimed = PipelineRun.objects.filter(
        pk=step.run_id, phase=step.phase, state=PipelineRun.State.RUNNING, step_attempt=step.attempt - 1
    ).update(step_attempt=step.attempt, step_sent_at=clock.now(), step_will=will)
    return PipelineRun.objects.select_related("team").get(pk=step.run_id) if claimed else None


def step_sent(step: RunPhase) -> None:
    """Note that a message for a phase's step was sent, unless the step has started by now."""
    PipelineRun.objects.filter(
        pk=step.run_id, phase=step.phase, state=PipelineRun.State.RUNNING, step_attempt=step.attempt - 1
    ).update(step_sent_at=clock.now())


def complete_phase(run_id: int, phase: catalog.Phase) -> list[Step]:
    """Move the run out of `phase`, whose work is done, and return the next steps."""
    with transaction.atomic():
        run = _locked(run_id)
        return [] if run is None or run.phase != phase else _enter_next(run)


def fail_phase(run_id: int, phase: catalog.Phase, error: BaseException) -> None:
    """End the run as failed in `phase`."""
    with transaction.atomic():
        run = _locked(run_id)
        if run is not None and run.phase == phase:
            _fail(run, error)


def cancel(run_id: int, *, by: str) -> PipelineRun:
    """Cancel a run and return it: no attempt begins, those in flight end within a second, and what is stored stays.

    Raises `WrongState` if it has ended.
    """
    with transaction.atomic():
        run = _locked(run_id)
        if run is None:
            raise WrongState(f"{described(run_id)}: only a run that has not ended can be cancelled")
        error, now = Cancelled(f"{by} cancelled it"), clock.now()
        unfinished = run.repo_syncs.exclude(state__in=RepoSync.ENDED).update(
            state=RepoSync.State.CANCELLED,
            disposition=RepoSync.Disposition.CANCELLED,
            wait_reason="",
            error_type=error.error_type,
            error_msg=message_of(error),
            ended_at=now,
        )
        admission.withdraw_run(run)
        run.cancelled_by, run.error_type, run.error_msg = by, error.error_type, message_of(error)
        event = machine_catalog.RunCancelled(by=by, repos_unfinished=unfinished)
        transaction.on_commit(lambda: root_spans.log_event(run, event))
        _end(run, PipelineRun.State.CANCELLED)
    return run


def sweep(*, flush: Flush = flush) -> list[Step]:
    """Return the steps that restart stalled work; finish runs whose end was not logged and exported."""
    findings.log_lateness()
    announce_started()
    findings.log_dead(attempts.bury_dead(record=findings.record_dead))
    vanished.bequeath_silent()
    admission.withdraw_ended()
    missed = [*admission.lost(record=findings.record_missed), *admission.unsent(record=findings.record_missed)]
    findings.log_resent(missed)
    found: list[Step] = [SyncRepository(each.attempt) for each in missed]
    for run in claim_steps(record=findings.record_unheard):
        phase = phases.named(run.phase)
        if phase in phases.LAST:  # an earlier version ended runs in a step of its own
            complete_phase(run.pk, phase)
        elif not failures.STEPS.allows(run.step_attempt):
            error = StepNeverFinished(f"{phase} was started {run.step_attempt} times and never finished")
            fail_phase(run.pk, phase, error)
        else:
            step = RunPhase(run.pk, phase, run.step_attempt + 1)
            findings.log_resent_phase(run, step)
            found.append(step)
    for run_id in runs_to_advance():
        found += advance(run_id, is_found=True)
    vanished.export()
    finish_roots(flush=flush)
    return found + admit()


def _locked(run_id: int) -> PipelineRun | None:
    """Lock the run's row and return it, or None if the run is not running."""
    return (
        PipelineRun.objects.select_for_update(of=("self",))
        .select_related("team")
        .filter(pk=run_id, state=PipelineRun.State.RUNNING)
        .first()
    )


def _enter_next(run: PipelineRun) -> list[Step]:
    """Move the run into the next phase and return the steps to send; reaching the last phase ends it."""
    previous = phases.named(run.phase)
    phase = phases.phase(previous).then
    if phase is None:
        _end(run, PipelineRun.State.COMPLETED)
        return []
    run.phase, run.phase_at, run.step_attempt, run.step_sent_at = phase, clock.now(), 0, None
    run.phase_starts = {**(run.phase_starts or {}), phase: run.phase_at.isoformat()}
    run.save(update_fields=["phase", "phase_at", "phase_starts", "step_attempt", "step_sent_at"])
    transaction.on_commit(lambda: root_spans.log_phase(run, phase, previous))
    if phase not in phases.LAST:
        return [RunPhase(run.pk, phase, 1)]
    if run.backfill and start_backfills(run):
        first = phases.first(PipelineRun.Kind.BACKFILL)
        transaction.on_commit(lambda: root_spans.log_phase(run, first, phase))
    _end(run, PipelineRun.State.COMPLETED)
    return []


def _fail(run: PipelineRun, error: BaseException) -> None:
    run.error_type, run.error_msg = error_type(error), message_of(error)
    _end(run, PipelineRun.State.FAILED)


def _end(run: PipelineRun, state: PipelineRun.State) -> None:
    """End the run, once; its root span and last line follow the commit, or else come from the sweep."""
    done = run.repo_syncs.filter(state=RepoSync.State.COMPLETED)
    run.state, run.ended_at, run.step_sent_at = state, clock.now(), None
    run.export_due_at = run.ended_at + timedelta(seconds=settings.SYNC_STALE_SECONDS)
    run.repos_synced, run.repos_failed = done.count(), run.repo_syncs.filter(state=RepoSync.State.FAILED).count()
    if state == PipelineRun.State.COMPLETED and run.repos_failed:
        run.state = PipelineRun.State.PARTIAL
    run.total_prs = done.aggregate(total=Sum("prs_done"))["total"] or 0
    run.save()
    transaction.on_commit(lambda: root_spans.finish_after_attempt(run))


def _why_all_failed(run: PipelineRun) -> EveryRepositoryFailed:
    names = [
        f"{row.repository.full_name}: {row.error_msg}"
        for row in run.repo_syncs.select_related("repository").order_by("pk")[:3]
    ]
    if not names:
        return EveryRepositoryFailed("None is left: its repositories were removed while it ran")
    more = run.repo_syncs.count() - len(names)
    return EveryRepositoryFailed("; ".join(names) + (f"; and {more} more" if more > 0 else ""))
