"""Where runs stand, read from their rows, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from apps.integrations.models import ApiLane, PipelineRun, RepoSync
from apps.integrations.runs.queue import tell_places
from telemetry import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Runs with their repositories, and the lanes of the accounts that these use."""

    runs: Sequence[PipelineRun] = ()
    rows: Sequence[RepoSync] = ()
    lanes: Mapping[str, ApiLane] = field(default_factory=dict)

    def points_left(self, row: RepoSync) -> int | None:
        """Return what GitHub last said is left of the points of the row's account, if anything."""
        lane = self.lanes.get(row.repository.connection.account)
        return None if lane is None else lane.graphql_remaining


def read_standing(task_id: str) -> Standing:
    """Return where the run that `task_id` started stands, and those that follow it."""
    first = Q(task_id=task_id, kind=PipelineRun.Kind.RECENT)
    runs = list(PipelineRun.objects.filter(first | Q(follows__task_id=task_id)).order_by("pk"))
    related = ("run", "connection", "repository", "repository__connection")
    rows = list(RepoSync.objects.filter(run__in=runs).select_related(*related).order_by("pk"))
    tell_places(rows)
    lanes = ApiLane.objects.in_bulk({row.repository.connection.account for row in rows})
    return Standing(runs=runs, rows=rows, lanes=lanes)


def has_ended(row: RepoSync) -> bool:
    """Return whether nothing more is fetched for the row; its run may still go on."""
    return row.state in RepoSync.ENDED


def state_of(row: RepoSync) -> str:
    """Return what the row does, waits for, or ended with."""
    return visible(_state_of(row))


def _state_of(row: RepoSync) -> str:
    if row.state == RepoSync.State.FAILED:
        return f"{row.disposition}: {row.error_msg}"
    if row.state == RepoSync.State.COMPLETED:
        return row.run.phase if row.run.ended_at is None else row.disposition
    if row.standing == "queued":
        return f"queued: {row.waits_for}"
    if row.state == RepoSync.State.RETRYING:
        return f"{row.waits_for}: {row.error_msg}"
    if row.waits_for:
        return f"waits for {row.waits_for}"
    return row.standing
