"""Where a queued repository stands: its place in its account's queue, and who is at work there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q

from apps.integrations.errors import limit_in_words
from apps.integrations.lane.leases import blocked_by
from apps.integrations.lane.limits import Block
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.integrations.runs import phases
from apps.integrations.runs.admission import QUEUED, queued_at, ready
from apps.machine_catalog import QueueReason
from apps.repositories.models import GitHubConnection
from apps.teams.models import Team
from apps.utils import clock

SHORTEST_WAIT = timedelta(milliseconds=10)
"""What is over sooner is not worth a span."""
_LONGEST_START = timedelta(seconds=1)  # from a run's rows to their admission; whoever takes longer was stopped

# A team's later rows stand behind the first of others: admission gives each team its turn.
_PLACES = f"""
    SELECT id, row_number() OVER (PARTITION BY account ORDER BY is_backfill, nth_of_team::float / share, id)
    FROM (
        SELECT rows.id, rows.is_backfill, connections.account, teams.share,
            row_number() OVER (PARTITION BY rows.connection_id, rows.is_backfill ORDER BY rows.id) AS nth_of_team
        FROM {RepoSync._meta.db_table} AS rows
            JOIN {GitHubConnection._meta.db_table} AS connections ON connections.id = rows.connection_id
            JOIN {Team._meta.db_table} AS teams ON teams.id = connections.team_id
            JOIN {PipelineRun._meta.db_table} AS runs ON runs.id = rows.run_id
        WHERE connections.account = ANY(%(accounts)s) AND {QUEUED}
            AND NOT EXISTS (SELECT FROM {Admission._meta.db_table} AS admission WHERE admission.repo_sync_id = rows.id)
    ) AS queued
"""  # noqa: S608  # only our own tables' names are put in


def tell_places(rows: Collection[RepoSync]) -> None:
    """Set `place` of each of `rows` that is queued; their connections are loaded already."""
    queued = [row for row in rows if row.standing in ("queued", "dead")]
    if not queued:
        return
    accounts = {row.connection.account for row in queued}
    admitted = _admitted(accounts)
    asking = {each.account: each.repo_sync for each in admitted if each.place == Admission.ASKING}
    waiting = {each.repo_sync_id for each in admitted}
    blocks, places = _blocks(accounts), _places(accounts)
    for row in queued:
        account = row.connection.account
        if row.pk in waiting:
            row.place = "the next free worker takes it"
        elif row.pk in places:
            row.place = f"number {places[row.pk]} for {account}{_held(asking.get(account), blocks.get(account))}"


def tell_waiting(runs: Collection[PipelineRun]) -> None:
    """Set `is_waiting` of each of `runs` of which nothing works: each repository that has not ended waits or queues."""
    unfinished = RepoSync.objects.filter(run__in=runs, run__phase__in=phases.SYNCING).exclude(state__in=RepoSync.ENDED)
    works = Q(state=RepoSync.State.RUNNING, wait_reason="")
    counted = unfinished.values_list("run").annotate(working=Count("pk", filter=works))
    waiting = {run for run, working in counted if not working}
    for run in runs:
        run.is_waiting = run.pk in waiting


def reason_of_wait(row: RepoSync) -> QueueReason | None:
    """Return why the row, which was admitted just now, had to wait for that; None if it hardly did, or was sent before."""
    admission, account = row.admission, row.connection.account
    waited = admission.admitted_at - row.due_at
    if admission.sent_at is not None or waited < SHORTEST_WAIT:
        return None
    lane = ApiLane.objects.filter(account=account).first()
    if lane is not None and blocked_by(lane, now=row.due_at) is not None:  # nobody has asked since
        return "limit"
    if at_work_meanwhile(row) is not None:
        return "account"
    if ready(is_backfill=row.is_backfill) >= settings.SYNC_READY_ATTEMPTS:
        return "workers"
    is_first = row.attempt == 0 and row.due_at == row.run.started_at
    return "start" if is_first and (waited < _LONGEST_START or _nobody_worked_since(row)) else "unknown"


def at_work_meanwhile(row: RepoSync) -> str | None:
    """Return the repository that was the last at work with the row's account since the row was due, if any was."""
    others = RepoSync.objects.filter(connection__account=row.connection.account, alive_at__gte=row.due_at)
    return others.exclude(pk=row.pk).order_by("-alive_at").values_list("repository__full_name", flat=True).first()


def _nobody_worked_since(row: RepoSync) -> bool:
    """Return whether no attempt anywhere was at work since the row was due: no worker had taken its run's start yet."""
    return not RepoSync.objects.filter(alive_at__gte=row.due_at).exclude(pk=row.pk).exists()


def _held(asking: RepoSync | None, block: Block | None) -> str:
    """Return what keeps an account's first in the queue waiting."""
    if asking is not None:
        return f", where {asking.repository.full_name} of {asking.run.team.name} is at work"
    return "" if block is None else f", which waits for {limit_in_words(block.reason)} until {block.until:%H:%M:%S}Z"


def _admitted(accounts: Collection[str]) -> list[Admission]:
    related = ("repo_sync__repository", "repo_sync__run__team")
    return list(Admission.objects.filter(account__in=accounts).select_related(*related))


def _blocks(accounts: Collection[str]) -> Mapping[str, Block]:
    """Return what forbids accounts to send anything now."""
    now = clock.now()
    lanes = ApiLane.objects.filter(account__in=accounts)
    return {lane.account: block for lane in lanes if (block := blocked_by(lane, now=now)) is not None}


def _places(accounts: Collection[str]) -> Mapping[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {**queued_at(clock.now()), "accounts": list(accounts)})
        return dict(cursor.fetchall())
