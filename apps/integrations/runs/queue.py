"""Where a queued repository stands: its place in its account's queue, and who is at work there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q

from apps.integrations.errors import limit_in_words
from apps.integrations.lane.leases import blocked_by
from apps.integrations.lane.limits import Block
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.integrations.runs.admission import QUEUED, queued_now, ready
from apps.machine_catalog import QueueReason
from apps.repositories.models import GitHubConnection
from apps.teams.models import Team
from apps.utils import clock
from apps.utils.times_in_text import time_of_day

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


def tell_places(rows: Collection[RepoSync], *, sees: Callable[[int], bool] = lambda _team_id: True) -> None:
    """Set `place` of each of `rows` that is queued; their connections are loaded already.

    `sees` says whether the reader may know what a team, which may share the account, is at.
    """
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
            row.place = f"number {places[row.pk]} for {account}{_held(asking.get(account), blocks.get(account), sees)}"


def tell_waiting(runs: Collection[PipelineRun]) -> None:
    """Set `is_waiting` of each of `runs` of which nothing works: each repository that has not ended waits or queues."""
    unfinished = RepoSync.objects.filter(run__in=runs).exclude(state__in=RepoSync.ENDED)
    works = Q(state=RepoSync.State.RUNNING, wait_reason="")
    counted = unfinished.values_list("run").annotate(working=Count("pk", filter=works))
    waiting = {run for run, working in counted if not working}
    for run in runs:
        run.is_waiting = run.pk in waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Some time for which a row waited to be admitted, and what for."""

    reason: QueueReason
    started_at: datetime
    ended_at: datetime
    behind: RepoSync | None = None
    """The row that was at work with the account meanwhile."""
    limit: str | None = None


def waits_of(row: RepoSync) -> Iterator[Wait]:
    """Yield what the row, which was admitted just now, waited for, in order; nothing if it was sent before."""
    admission = row.admission
    if admission.sent_at is not None or admission.admitted_at - row.due_at < SHORTEST_WAIT:
        return
    at, behind = row.due_at, _last_at_work(row)
    asked_at = min((behind and behind.alive_at) or at, admission.admitted_at)
    lane = ApiLane.objects.filter(account=row.connection.account).first()
    block = None if lane is None else blocked_by(lane, now=asked_at)  # nobody has asked since
    if behind is not None:
        until = admission.admitted_at if block is None else asked_at
        yield Wait(reason="account", started_at=at, ended_at=until, behind=behind)
        at = until
    if block is not None:
        until = min(block.until, admission.admitted_at)
        yield Wait(reason="limit", started_at=at, ended_at=until, limit=block.reason)
        at = until
    if at < admission.admitted_at:
        yield Wait(reason=_reason_since(at, row), started_at=at, ended_at=admission.admitted_at)


def _reason_since(at: datetime, row: RepoSync) -> QueueReason:
    """Return why the row was not admitted at once, though nobody was at work with its account since, and no limit held."""
    waiting = ready(is_backfill=row.is_backfill)
    if waiting >= settings.SYNC_READY_ATTEMPTS:
        return "workers"
    at_work = RepoSync.objects.filter(alive_at__gte=at).exclude(pk=row.pk)
    is_first = row.attempt == 0 and at == row.run.started_at
    if is_first and (row.admission.admitted_at - at < _LONGEST_START or not at_work.exists()):
        return "start"
    # Who has begun since no longer waits for a worker. If even with them there were never too many, whoever had looked
    # would have admitted the row.
    begun = at_work.filter(is_backfill=row.is_backfill).count()
    return "unnoticed" if waiting + begun < settings.SYNC_READY_ATTEMPTS else "unknown"


def _last_at_work(row: RepoSync) -> RepoSync | None:
    """Return the row that was the last at work with this one's account since this one was due, if any was."""
    others = RepoSync.objects.filter(connection__account=row.connection.account, alive_at__gte=row.due_at)
    return others.exclude(pk=row.pk).select_related("repository").order_by("-alive_at").first()


def _held(asking: RepoSync | None, block: Block | None, sees: Callable[[int], bool]) -> str:
    """Return what keeps an account's first in the queue waiting."""
    if asking is not None and not sees(asking.run.team_id):
        return ", where another team's repository is at work"
    if asking is not None:
        return f", where {asking.repository.full_name} of {asking.run.team.name} is at work"
    return "" if block is None else f", which waits for {limit_in_words(block.reason)} until {time_of_day(block.until)}"


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
        cursor.execute(_PLACES, {**queued_now(), "accounts": list(accounts)})
        return dict(cursor.fetchall())
