"""Remove a team's connected account with everything read with it: announced first, and done wholly or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from apps import machine_catalog
from apps.analysis import metrics
from apps.integrations.errors import WrongState
from apps.integrations.models import Admission, PipelineRun, PointsSpent, RepoSync, VanishedSpans
from apps.pulls.models import PullRequest
from apps.repositories.models import GitHubConnection, TrackedRepository
from telemetry import bind, emit

_TABLES = {
    "admissions": Admission._meta.db_table,
    "points": PointsSpent._meta.db_table,
    "pull_requests": PullRequest._meta.db_table,
    "repositories": TrackedRepository._meta.db_table,
    "rows": RepoSync._meta.db_table,
}
_PARTS = tuple(relation.related_model._meta.db_table for relation in PullRequest._meta.related_objects)
"""The tables of what belongs to a pull request: reviews, commits, files, and what is derived from them."""

_OF_A_PULL_REQUEST = """
    DELETE FROM {part} USING {pull_requests} AS owner, {repositories} AS repository
    WHERE {part}.pull_request_id = owner.id AND owner.repository_id = repository.id AND repository.connection_id = %s
"""
_OF_A_ROW = """
    DELETE FROM {admissions} USING {rows} AS owner, {repositories} AS repository
    WHERE {admissions}.repo_sync_id = owner.id AND owner.repository_id = repository.id AND repository.connection_id = %s
"""
_OF_A_REPOSITORY = """
    DELETE FROM {part} USING {repositories} AS repository
    WHERE {part}.repository_id = repository.id AND repository.connection_id = %s
"""
_OF_THE_CONNECTION = "DELETE FROM {repositories} WHERE connection_id = %s"
_DELETES = (
    *(_OF_A_PULL_REQUEST.format(part=part, **_TABLES) for part in _PARTS),
    _OF_A_REPOSITORY.format(part=_TABLES["pull_requests"], **_TABLES),
    _OF_A_ROW.format(**_TABLES),
    _OF_A_REPOSITORY.format(part=_TABLES["rows"], **_TABLES),
    _OF_A_REPOSITORY.format(part=_TABLES["points"], **_TABLES),
    _OF_THE_CONNECTION.format(**_TABLES),
)
"""In this order, as SQL: there may be millions of rows, which no process should hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What removing a connection deletes, in numbers; `shortened` runs lose its repositories and keep others.

    It is refused while there are `busy` runs: those under way, and ended ones whose traces are not out yet.
    """

    repositories: int
    pull_requests: int
    runs: int
    shortened: int
    busy: tuple[int, ...]


def removal_of(connection: GitHubConnection) -> Removal:
    """Return what `remove` would delete now."""
    rows = RepoSync.objects.filter(repository__connection=connection)
    runs, whole = PipelineRun.objects.filter(pk__in=rows.values("run")), _runs_of_it_alone(connection)
    vanished = VanishedSpans.objects.filter(run=OuterRef("pk"), export_due_at__isnull=False)
    is_busy = Q(Exists(vanished), state=PipelineRun.State.RUNNING, export_due_at__isnull=False, _connector=Q.OR)
    uses = RepoSync.objects.filter(Q(connection=connection) | Q(repository__connection=connection))
    count = whole.count()
    return Removal(
        repositories=TrackedRepository.objects.filter(connection=connection).count(),
        pull_requests=PullRequest.objects.filter(repository__connection=connection).count(),
        runs=count,
        shortened=runs.count() - count,
        busy=tuple(
            PipelineRun.objects.filter(is_busy, pk__in=uses.values("run")).order_by("pk").values_list("pk", flat=True)
        ),
    )


def remove(connection: GitHubConnection, *, by: str) -> Removal:
    """Delete the connection with its token, its repositories, their pull requests and runs, and return what that was.

    The team's weekly metrics are recomputed. Raises `WrongState` and deletes nothing while one of its runs is busy.
    """
    with transaction.atomic():
        GitHubConnection.objects.select_for_update().get(pk=connection.pk)  # no run can begin with it from here on
        found = removal_of(connection)
        if found.busy:
            raise WrongState(why_busy(found))
        _keep_moved(connection)
        whole = list(_runs_of_it_alone(connection).values_list("pk", flat=True))
        with database.cursor() as cursor:
            for statement in _DELETES:
                cursor.execute(statement, [connection.pk])
        PipelineRun.objects.filter(pk__in=whole).delete()
        GitHubConnection.objects.filter(pk=connection.pk).delete()
        metrics.compute(team_id=connection.team_id)
    with bind(team_id=connection.team_id):
        emit(
            machine_catalog.AccountRemoved(
                by=by,
                account=connection.account,
                repos_count=found.repositories,
                pull_requests=found.pull_requests,
                runs_count=found.runs,
            )
        )
    return found


def why_busy(removal: Removal) -> str:
    """Return why a connection cannot be removed yet, as a sentence without its period; empty if it can be."""
    if not removal.busy:
        return ""
    running = PipelineRun.objects.filter(pk__in=removal.busy, state=PipelineRun.State.RUNNING)
    if (run := running.order_by("pk").values_list("pk", flat=True).first()) is not None:
        return f"Run {run} is under way with it: cancel it, or wait until it has ended"
    return f"Run {removal.busy[0]} has ended, and its trace is still on its way: try again in a moment"


def _runs_of_it_alone(connection: GitHubConnection) -> QuerySet[PipelineRun]:
    """Return the runs over its repositories only."""
    rows = RepoSync.objects.filter(run=OuterRef("pk"))
    its = Exists(rows.filter(repository__connection=connection))
    return PipelineRun.objects.filter(its, ~Exists(rows.exclude(repository__connection=connection)))


def _keep_moved(connection: GitHubConnection) -> None:
    """Reassign what was read of repositories that belong to another connection by now: it stays."""
    moved = RepoSync.objects.filter(connection=connection).exclude(repository__connection=connection)
    own = TrackedRepository.objects.filter(pk=OuterRef("repository")).values("connection")
    moved.update(connection=Subquery(own))
