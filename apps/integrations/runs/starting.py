"""Start a run: write its row, those of its repositories and the ids of its root span in one transaction.

That is all it needs to begin: a message only makes it begin sooner, and the sweep makes up for a lost one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from apps import catalog, machine_catalog
from apps.integrations.errors import WrongState
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs import phases, root_spans
from apps.integrations.runs.removed import removed_from
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from telemetry import Root, current_traceparent


@dataclass(frozen=True, slots=True)
class Backfill:
    """What backfills cover: from `since`, or from the beginning if that is None."""

    since: datetime | None


def start_run(
    *,
    team: Team,
    repositories: Sequence[TrackedRepository],
    since: datetime | None,
    backfill: Backfill | None = None,
    task_id: str | None = None,
    announce: bool = True,
) -> PipelineRun:
    """Create a recent run over `repositories` and reserve its root span; `admit` says which of its attempts may begin.

    A second call with the same `task_id` returns the run of the first. With `announce` its first line is written here;
    otherwise by the task that begins it, or by the sweep.
    """
    if not repositories:
        raise ValueError("a run needs at least one repository: track one first")
    known = PipelineRun.objects.filter(task_id=task_id, kind=PipelineRun.Kind.RECENT).first() if task_id else None
    if known is not None:
        if announce:
            root_spans.log_start_once(known)
        return known
    caller = current_traceparent()
    try:
        with transaction.atomic():
            run = _create(
                team=team,
                kind=PipelineRun.Kind.RECENT,
                rows=[RepoSync(repository=repository) for repository in repositories],
                since=since,
                before=None,
                backfill=backfill,
                follows=None,
                links=[caller] if caller else [],
                task_id=task_id,
            )
    except IntegrityError:  # another process was quicker, with the same task
        return PipelineRun.objects.get(task_id=task_id, kind=PipelineRun.Kind.RECENT)
    if announce:
        root_spans.log_start(run)
    return run


def _create(
    *,
    team: Team,
    kind: PipelineRun.Kind,
    rows: Sequence[RepoSync],
    since: datetime | None,
    before: datetime | None,
    backfill: Backfill | None,
    follows: PipelineRun | None,
    links: Sequence[str],
    task_id: str | None,
    resumed_by: str = "",
) -> PipelineRun:
    """Create a run with `rows`, which say where each repository stands: by default at its beginning."""
    root = Root.reserve(catalog.Pipeline, links=links)
    now = clock.now()
    run = PipelineRun.objects.create(
        team=team,
        kind=kind,
        phase=phases.first(kind),
        phase_starts={phases.first(kind): now.isoformat()},
        since=since,
        before=before,
        backfill=backfill is not None,
        backfill_since=backfill.since if backfill else None,
        follows=follows,
        task_id=task_id,
        resumed_by=resumed_by,
        traceparent=root.traceparent,
        links=list(root.links),
        started_ns=int(now.timestamp() * 1_000_000) * 1_000,  # by the same clock as its end, on any machine
        started_at=now,
        repos_count=len(rows),
    )
    for row in rows:
        row.run, row.connection_id, row.due_at = run, row.repository.connection_id, now
        row.is_backfill = kind == PipelineRun.Kind.BACKFILL
    RepoSync.objects.bulk_create(rows)
    return run


def start_backfills(run: PipelineRun) -> int:
    """Create a backfill for each repository that the run has synced and whose older history is not stored yet.

    Return how many were created.
    """
    created = 0
    for row in run.repo_syncs.select_related("repository").filter(state=RepoSync.State.COMPLETED).order_by("pk"):
        if row.repository.covers(run.backfill_since):
            continue
        # An incremental run stopped at its watermark, not at the window's start: the backfill then pages from the top.
        start = row.cursor if row.since == run.since else None
        backfill = _create(
            team=run.team,
            kind=PipelineRun.Kind.BACKFILL,
            rows=[RepoSync(repository=row.repository, start_cursor=start)],
            since=run.backfill_since,
            before=run.since,
            backfill=None,
            follows=run,
            links=[run.traceparent],
            task_id=run.task_id,
        )
        transaction.on_commit(lambda backfill=backfill: root_spans.log_start(backfill))  # type: ignore[misc]  # bound now
        created += 1
    return created


def resume_run(run_id: int, *, by: str, repositories: Collection[str] | None = None) -> PipelineRun:
    """Resume a run that failed, lost repositories or was cancelled, at its cursors, in a new run linked to it.

    Of a partial run only the failed repositories are resumed: it has gone on with the others. With `repositories`, only
    those full names are continued; the others can be resumed later, each once. Raises `WrongState` if there is nothing
    to resume, or if it was resumed already.
    """
    with transaction.atomic():
        old = PipelineRun.objects.select_for_update(of=("self",)).select_related("team").filter(pk=run_id).first()
        if old is None or old.state in (PipelineRun.State.RUNNING, PipelineRun.State.COMPLETED):
            raise WrongState(f"{described(run_id)}: only one that failed, was cancelled or is partial can be resumed")
        rows = left_to_resume(old)
        if not rows:
            raise WrongState(_why_nothing_left(old))
        if repositories is not None:
            rows = _only(old, rows, repositories)
        run = _create(
            team=old.team,
            kind=PipelineRun.Kind(old.kind),
            rows=[_taken_up(row) for row in rows],
            since=old.since,
            before=old.before,
            backfill=Backfill(old.backfill_since) if old.backfill else None,
            follows=old,
            links=[old.traceparent],
            task_id=None,
            resumed_by=by,
        )
    root_spans.log_start(run)
    root_spans.log_event(run, machine_catalog.RunResumed(by=by, resumed_run_id=old.pk))
    return run


def left_to_resume(run: PipelineRun) -> list[RepoSync]:
    """Return the repositories that resuming an ended run continues: none that another run has already taken up."""
    taken = RepoSync.objects.filter(run__follows=run, run__kind=run.kind).values("repository")
    rows = run.repo_syncs.exclude(repository__in=taken).select_related("repository").order_by("pk")
    return list(rows.exclude(state=RepoSync.State.COMPLETED) if run.state == PipelineRun.State.PARTIAL else rows)


def _why_nothing_left(run: PipelineRun) -> str:
    gone = removed_from(run)
    later = run.followed_by.filter(kind=run.kind).order_by("-pk").first()
    if later is not None or gone is None:
        return f"Run {run.pk} was resumed already{f', as run {later.pk}' if later else ''}"
    return f"Nothing of run {run.pk} is left to resume: {gone.said}"


def _only(run: PipelineRun, rows: Sequence[RepoSync], names: Collection[str]) -> list[RepoSync]:
    """Return the named ones of `rows`, and the complete ones that the run's later phases still need."""
    known = {row.repository.full_name.lower(): row for row in rows}
    for name in names:
        row = known.get(name.lower())
        if row is None:
            raise WrongState(f"{name} {_why_not(run, name)}")
        if row.state == RepoSync.State.COMPLETED:
            raise WrongState(f"{name} is complete in run {run.pk}: there is nothing to resume")
    if not names:
        raise WrongState(f"No repository of run {run.pk} is named: name one to resume")
    wanted = {name.lower() for name in names}
    return [row for row in rows if row.state == RepoSync.State.COMPLETED or row.repository.full_name.lower() in wanted]


def _why_not(run: PipelineRun, name: str) -> str:
    row = run.repo_syncs.filter(repository__full_name__iexact=name).first()
    if row is None:
        return f"is not in run {run.pk}"
    later = RepoSync.objects.filter(run__follows=run, run__kind=run.kind, repository=row.repository_id).first()
    return f"is complete in run {run.pk}" if later is None else f"was resumed already, as run {later.run_id}"


def described(run_id: int) -> str:
    """Return how a run stands, in words for an error message."""
    run = PipelineRun.objects.filter(pk=run_id).first()
    return f"There is no run {run_id}" if run is None else f"Run {run_id} is {run.state}"


def _taken_up(row: RepoSync) -> RepoSync:
    """Return a new row that continues where `row` stood; a complete one stays complete."""
    kept = ["repository", "since", "start_cursor", "cursor", "paged", "newest_updated_at", "prs_done", "prs_total", "note"]
    if row.state == RepoSync.State.COMPLETED:
        kept += ["state", "disposition", "gaps", "started_at", "ended_at"]
    return RepoSync(**{name: getattr(row, name) for name in kept})
