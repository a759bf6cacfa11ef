"""Read runs from their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.explain.known_runs import PARTIAL, RUNNING, WAITING, Asked, KnownRepository, KnownRun, is_like
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.removed import removed
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from telemetry import trace_id_of

_AT_ONCE = 25
_COLUMNS = ("run_id", "repository_id", "repository__full_name", "state", "disposition", "gaps", "error_type", "error_msg")
_OF_STANDING = ("alive_at", "due_at", "wait_reason", "attempt")


class Rows:
    """The runs in the database."""

    def runs(self, asked: Asked) -> Iterator[KnownRun]:
        """Yield the runs asked for, newest first, fetched a few at a time."""
        found, before = _asked_of_rows(asked), None
        while True:
            these = list((found if before is None else found.filter(pk__lt=before))[:_AT_ONCE])
            yield from (run for run in _known(these) if asked.is_met_by(run))
            if len(these) < _AT_ONCE:
                return
            before = these[-1].pk

    def following(self, run: KnownRun) -> list[int]:
        """Return the numbers of the runs that follow a run: its backfills, and what takes it up."""
        return list(PipelineRun.objects.filter(follows=run.number).order_by("pk").values_list("pk", flat=True))


def _asked_of_rows(asked: Asked) -> QuerySet[PipelineRun]:
    """Return a superset of the runs asked for: what SQL cannot express is checked afterwards."""
    runs = PipelineRun.objects.select_related("team").order_by("-pk")
    if asked.number is not None:
        runs = runs.filter(pk=asked.number)
    if asked.trace_id is not None:
        runs = runs.filter(traceparent__contains=f"-{asked.trace_id}-")
    equal = {"task_id": asked.task_id, "team": asked.team_id, "team__slug": asked.team, "started_at__gte": asked.since}
    runs = runs.filter(**{name: value for name, value in equal.items() if value is not None})
    if asked.in_states:
        runs = runs.filter(state__in=asked.in_states | {RUNNING if state == WAITING else state for state in asked.in_states})
    of_repository = Q()
    if asked.repo_id is not None:
        of_repository &= Q(repository=asked.repo_id)
    if asked.repository is not None:
        tracked = TrackedRepository.objects.values_list("pk", "full_name")
        of_repository &= Q(repository__in=[pk for pk, name in tracked if is_like(name, asked.repository)])
    own = RepoSync.objects.filter(of_repository, run=OuterRef("pk"))
    if of_repository:
        runs = runs.filter(Exists(own))
    if asked.not_fine:
        short = own.exclude(state=RepoSync.State.COMPLETED, gaps=[])
        is_short = Exists(short) if of_repository else Exists(short) | ~Q(state=PipelineRun.State.COMPLETED)
        runs = runs.filter(is_short | Q(state=PipelineRun.State.RUNNING))
    return runs


def _known(runs: Sequence[PipelineRun]) -> Iterator[KnownRun]:
    if not runs:
        return
    now = clock.now()
    rows = RepoSync.objects.filter(run__in=runs).select_related("repository").only(*_COLUMNS, *_OF_STANDING).order_by("pk")
    of_run: dict[int, list[RepoSync]] = {}
    for row in rows:
        of_run.setdefault(row.run_id, []).append(row)
    for run in runs:
        own = of_run.get(run.pk, [])
        yield KnownRun(
            number=run.pk,
            kind=run.kind,
            state=WAITING if _waits(run, own) else run.state,
            phase=run.phase,
            team_id=run.team_id,
            team=run.team.slug,
            started_at=run.started_at,
            ended_at=run.ended_at,
            seen_at=now,
            trace_id=trace_id_of(run.traceparent),
            task_id=run.task_id or "",
            follows=run.follows_id,
            repositories=tuple(map(_repository, own)),
            error_msg=run.error_msg or (run.shortfall if run.state == PARTIAL else ""),
            removed=removed(began_with=run.repos_count, left=len(own)),
        )


def _waits(run: PipelineRun, rows: Sequence[RepoSync]) -> bool:
    """Return whether nothing of it works although something has not ended."""
    unfinished = [row for row in rows if row.state not in RepoSync.ENDED]
    return run.state == RUNNING and bool(unfinished) and all(row.standing != "syncing" for row in unfinished)


def _repository(row: RepoSync) -> KnownRepository:
    lacking = _lacking(row.gaps)
    has_ended = row.state in RepoSync.ENDED
    return KnownRepository(
        repo_id=row.repository_id,
        full_name=row.repository.full_name,
        state=row.standing,
        is_fine=row.state == RepoSync.State.COMPLETED and not row.error_type and not lacking,
        why=(row.error_msg or lacking) if has_ended else row.said,
    )


def _lacking(gaps: Sequence[dict[str, Any]]) -> str:
    """Return what GitHub withheld, in words; a mended value is not a gap."""
    unlisted = sum("list" in gap for gap in gaps)
    hidden = sum(gap.get("reason") == "hidden" for gap in gaps)
    parts = [f"GitHub does not list everything in {unlisted} lists"] if unlisted else []
    return "; ".join([*parts, f"GitHub hides {hidden} values from the token"] if hidden else parts)
