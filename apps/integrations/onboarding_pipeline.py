"""The phases of a run, their order, and how a run advances, fails and is resumed.

Phase 1 is a run over all of a team's repositories and the window asked for; phase 2 is a run a repository over the history
before it. State lives in the rows, not in messages: whoever finishes something asks the run to `advance`, and gets back the
next steps to send. Every function here may be called twice, by two processes at once, without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum

from apps import catalog
from apps.integrations import attempts
from apps.integrations.attempts import Attempt
from apps.integrations.errors import EveryRepositoryFailed, StepNeverFinished, message_of
from apps.integrations.models import PipelineRun, RepoSync
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from telemetry import Root, bind, current_traceparent, emit, flush

PHASES: dict[str, tuple[catalog.Phase, ...]] = {
    PipelineRun.Kind.RECENT: ("syncing", "llm_processing", "computing_metrics", "phase1_complete"),
    PipelineRun.Kind.BACKFILL: ("background_syncing", "background_llm", "complete"),
}
SYNCING: tuple[catalog.Phase, ...] = ("syncing", "background_syncing")
LAST: tuple[catalog.Phase, ...] = ("phase1_complete", "complete")
MAX_STEP_ATTEMPTS = 3
_ENDED = (RepoSync.State.COMPLETED, RepoSync.State.FAILED)
_FLUSH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SyncRepository:
    """The next attempt at a repository is to be sent."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RunPhase:
    """The task of a phase after syncing is to be sent: analysis or metrics."""

    run_id: int
    phase: catalog.Phase
    attempt: int


@dataclass(frozen=True, slots=True)
class EndRun:
    """Everything that the run dispatches is sent: `end_run` closes it."""

    run_id: int


Step = SyncRepository | RunPhase | EndRun


@dataclass(frozen=True, slots=True)
class Backfill:
    """What phase 2 is to cover: from ``since``, or from the beginning when it is None."""

    since: datetime | None


def start_run(
    *,
    team: Team,
    repositories: Sequence[TrackedRepository],
    since: datetime | None,
    backfill: Backfill | None = None,
    task_id: str | None = None,
    resumes: PipelineRun | None = None,
) -> PipelineRun:
    """A phase 1 run over ``repositories`` is on its row with its root span reserved; its `steps` are to be sent.

    A second call with the same ``task_id`` returns the first one's run.
    """
    if not repositories:
        raise ValueError("a run needs at least one repository: track one first")
    known = PipelineRun.objects.filter(task_id=task_id, kind=PipelineRun.Kind.RECENT).first() if task_id else None
    if known is not None:
        return known
    links = [link for link in (current_traceparent(), resumes.traceparent if resumes else None) if link]
    with transaction.atomic():
        run = _create(
            team=team,
            kind=PipelineRun.Kind.RECENT,
            repositories=[(repository, None) for repository in repositories],
            since=since,
            before=None,
            backfill=backfill,
            follows=resumes,
            links=links,
            task_id=task_id,
        )
    _announce(run)
    return run


def steps(run: PipelineRun) -> list[Step]:
    """The first attempts at a run's repositories, in the order they were added; none at those that were begun already."""
    return [SyncRepository(Attempt(row.pk, 1)) for row in run.repo_syncs.filter(attempt=0).order_by("pk")]


def advance(run_id: int) -> list[Step]:
    """The run has left its syncing phase if every repository of it has ended; the steps to send next."""
    with transaction.atomic():
        run = _locked(run_id)
        if run is None or run.phase not in SYNCING:
            return []
        if run.repo_syncs.exclude(state__in=_ENDED).exists():  # of 5,000 the first that is found
            return []
        if not run.repo_syncs.filter(state=RepoSync.State.COMPLETED).exists():
            return _fail(run, _why_all_failed(run))
        return _enter_next(run)


def complete_phase(run_id: int, phase: catalog.Phase) -> list[Step]:
    """The run has left ``phase``, whose task is done; the steps to send next."""
    with transaction.atomic():
        run = _locked(run_id)
        return [] if run is None or run.phase != phase else _enter_next(run)


def end_run(run_id: int) -> None:
    """The run, whose last phase is reached and whose steps are sent, is completed."""
    with transaction.atomic():
        run = _locked(run_id)
        if run is not None and run.phase in LAST:
            _end(run, PipelineRun.State.COMPLETED)


def fail_phase(run_id: int, phase: catalog.Phase, error: BaseException) -> None:
    """The run has failed in ``phase``."""
    with transaction.atomic():
        run = _locked(run_id)
        if run is not None and run.phase == phase:
            _fail(run, error)


def claim_phase(run_id: int, phase: catalog.Phase, attempt: int) -> PipelineRun | None:
    """The run, whose ``phase`` this attempt now works on; None when another does or the phase is over."""
    claimed = PipelineRun.objects.filter(
        pk=run_id, phase=phase, state=PipelineRun.State.RUNNING, step_attempt=attempt - 1
    ).update(step_attempt=attempt, step_sent_at=clock.now())
    return PipelineRun.objects.select_related("team").get(pk=run_id) if claimed else None


def sweep() -> list[Step]:
    """Everything that stands still moves again: parked, lost and dead attempts, lost phase tasks, unexported roots."""
    with transaction.atomic():
        found: list[Step] = [SyncRepository(attempt) for attempt in attempts.overdue()]
        stale = clock.now() - timedelta(seconds=settings.SYNC_STEP_SECONDS)
        for run in PipelineRun.objects.select_for_update(skip_locked=True).filter(
            state=PipelineRun.State.RUNNING, step_sent_at__lt=stale
        ):
            if run.step_attempt >= MAX_STEP_ATTEMPTS:
                _fail(run, StepNeverFinished(f"{run.phase} was started {run.step_attempt} times and never finished"))
                continue
            run.step_sent_at = clock.now()
            run.save(update_fields=["step_sent_at"])
            found.append(EndRun(run.pk) if run.phase in LAST else RunPhase(run.pk, _phase(run), run.step_attempt + 1))
    for run_id in PipelineRun.objects.filter(
        ~Q(repo_syncs__state__in=("pending", "running", "retrying", "waiting")),
        state=PipelineRun.State.RUNNING,
        phase__in=SYNCING,
    ).values_list("pk", flat=True):
        found += advance(run_id)
    forgotten = clock.now() - timedelta(seconds=settings.SYNC_STALE_SECONDS)
    with transaction.atomic():
        ended = PipelineRun.objects.filter(exported_at=None, ended_at__lt=forgotten)
        runs = list(ended.select_for_update(skip_locked=True)[:100])
        # A collector that is down is tried with one, or the traces file would get all of them again at every sweep.
        if _emit_ends(runs[:1]):
            _emit_ends(runs[1:])
    return found


def root_of(run: PipelineRun) -> Root:
    """The run's reserved root span."""
    return Root(run.traceparent, run.started_ns, tuple(run.links))


def _create(
    *,
    team: Team,
    kind: PipelineRun.Kind,
    repositories: Sequence[tuple[TrackedRepository, str | None]],
    since: datetime | None,
    before: datetime | None,
    backfill: Backfill | None,
    follows: PipelineRun | None,
    links: Sequence[str],
    task_id: str | None,
) -> PipelineRun:
    root = Root.reserve(catalog.Pipeline, links=links)
    now = clock.now()
    run = PipelineRun.objects.create(
        team=team,
        kind=kind,
        phase=PHASES[kind][0],
        since=since,
        before=before,
        backfill=backfill is not None,
        backfill_since=backfill.since if backfill else None,
        follows=follows,
        task_id=task_id,
        traceparent=root.traceparent,
        links=list(root.links),
        started_ns=root.started_ns,
        started_at=now,
    )
    RepoSync.objects.bulk_create(
        RepoSync(run=run, repository=repository, due_at=now, sent_at=now, start_cursor=start)
        for repository, start in repositories
    )
    return run


def _locked(run_id: int) -> PipelineRun | None:
    """The run's row, locked, if it is still running."""
    return (
        PipelineRun.objects.select_for_update(of=("self",))
        .select_related("team")
        .filter(pk=run_id, state=PipelineRun.State.RUNNING)
        .first()
    )


def _phase(run: PipelineRun) -> catalog.Phase:
    return next(phase for phase in PHASES[run.kind] if phase == run.phase)


def _enter_next(run: PipelineRun) -> list[Step]:
    phases = PHASES[run.kind]
    previous = _phase(run)
    run.phase = phases[phases.index(previous) + 1]
    run.step_attempt, run.step_sent_at = 0, clock.now()
    run.save(update_fields=["phase", "step_attempt", "step_sent_at"])
    _tell_phase(run, _phase(run), previous)
    if run.phase not in LAST:
        return [RunPhase(run.pk, _phase(run), 1)]
    found = _start_backfill(run) if run.backfill else []
    if found:
        _tell_phase(run, "background_syncing", "phase1_complete")
    return [*found, EndRun(run.pk)]


def _start_backfill(run: PipelineRun) -> list[Step]:
    """A phase 2 run for each repository that phase 1 synced, starting where its paging stopped; none where all is stored."""
    found: list[Step] = []
    for row in run.repo_syncs.select_related("repository").filter(state=RepoSync.State.COMPLETED).order_by("pk"):
        if row.repository.covers(run.backfill_since):
            continue
        # An incremental phase 1 stopped at its watermark, not at the window's start: phase 2 then pages from the top.
        start = row.cursor if row.since == run.since else None
        background = _create(
            team=run.team,
            kind=PipelineRun.Kind.BACKFILL,
            repositories=[(row.repository, start)],
            since=run.backfill_since,
            before=run.since,
            backfill=None,
            follows=run,
            links=[run.traceparent],
            task_id=run.task_id,
        )
        transaction.on_commit(lambda background=background: _announce(background))  # type: ignore[misc]  # bound now
        found += steps(background)
    return found


def _fail(run: PipelineRun, error: BaseException) -> list[Step]:
    run.error_type = str(getattr(error, "error_type", type(error).__name__))
    run.error_msg = message_of(error)
    _end(run, PipelineRun.State.FAILED)
    return []


def _end(run: PipelineRun, state: PipelineRun.State) -> None:
    """The run has ended, once; its root span and line follow the commit."""
    done = run.repo_syncs.filter(state=RepoSync.State.COMPLETED)
    run.state, run.ended_at, run.step_sent_at = state, clock.now(), None
    run.repos_synced = done.count()
    run.total_prs = done.aggregate(total=Sum("prs_done"))["total"] or 0
    run.save()
    transaction.on_commit(lambda: _emit_ends([run]))


def _emit_ends(runs: Sequence[PipelineRun]) -> bool:
    """Each run's last line is written, where it was not, and its root span exported; else the sweep does it again.

    Whether they were exported.
    """
    for run in runs:
        with (
            bind(team_id=run.team_id, repo_id=None, run_id=run.pk),
            root_of(run).finish(_operation(run), ended_at=run.ended_at, repeat=run.logged_at is not None) as pipeline,
        ):
            if run.state == PipelineRun.State.COMPLETED:
                pipeline.completed(catalog.PipelineCompleted(repos_synced=run.repos_synced, total_prs=run.total_prs))
            else:
                pipeline.failed(RunFailed(run.error_type, run.error_msg))
        PipelineRun.objects.filter(pk=run.pk, logged_at=None).update(logged_at=clock.now())
    exported = bool(runs) and flush(_FLUSH_SECONDS)
    if exported:
        PipelineRun.objects.filter(pk__in=[run.pk for run in runs]).update(exported_at=clock.now())
    return exported


def _announce(run: PipelineRun) -> None:
    with bind(team_id=run.team_id, repo_id=None, run_id=run.pk):
        root_of(run).announce(_operation(run))


def _operation(run: PipelineRun) -> catalog.Pipeline:
    return catalog.Pipeline(
        team_id=run.team_id, repos_count=run.repo_syncs.count(), phase=_phase(run), task_id=run.task_id, run_id=run.pk
    )


def _tell_phase(run: PipelineRun, phase: catalog.Phase, previous: catalog.Phase) -> None:
    """The transition's line is written once it is committed, in the run's own trace."""

    def tell() -> None:
        with bind(team_id=run.team_id, repo_id=None, run_id=run.pk), root_of(run).active():
            emit(catalog.PhaseChanged(team_id=run.team_id, phase=phase, previous_phase=previous))

    transaction.on_commit(tell)


def _why_all_failed(run: PipelineRun) -> EveryRepositoryFailed:
    names = [
        f"{row.repository.full_name}: {row.error_msg}"
        for row in run.repo_syncs.select_related("repository").order_by("pk")[:3]
    ]
    more = run.repo_syncs.count() - len(names)
    return EveryRepositoryFailed("; ".join(names) + (f"; and {more} more" if more > 0 else ""))


class RunFailed(Exception):  # noqa: N818  # it states what happened to the run
    """How a failed run is told to its root span: the error its row holds."""

    def __init__(self, error_type: str, error_msg: str) -> None:
        super().__init__(error_msg)
        self.error_type = error_type
