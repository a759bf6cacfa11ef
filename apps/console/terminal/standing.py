"""Read from rows where runs stand, and put it into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from apps.integrations.models import ApiLane, PipelineRun, RepoSync
from apps.integrations.runs.queue import tell_places
from telemetry import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Runs with their repositories, and the lanes of the accounts they use."""

    runs: Sequence[PipelineRun] = ()
    rows: Sequence[RepoSync] = ()
    lanes: Mapping[str, ApiLane] = field(default_factory=dict)

    def points_left(self, row: RepoSync) -> int | None:
        """Return what GitHub last said is left of the points of the row's account, if known."""
        lane = self.lanes.get(row.repository.connection.account)
        return None if lane is None else lane.graphql_remaining


def read_standing(run: str | int) -> Standing:
    """Return where a run, given by number or starting task, and its followers stand."""
    if isinstance(run, int):
        named = Q(pk=run) | Q(follows=run)
    else:
        named = Q(task_id=run, kind=PipelineRun.Kind.RECENT) | Q(follows__task_id=run)
    runs = list(PipelineRun.objects.filter(named).order_by("pk"))
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
    is_analyzed = row.state == RepoSync.State.COMPLETED and row.run.ended_at is None
    return visible(row.run.phase if is_analyzed else row.said)
