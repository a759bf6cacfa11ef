"""Tell where a queued repository stands: its place in its account's queue, and who is at work there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

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
"""A shorter wait is not worth a span."""
_LONGEST_START = timedelta(seconds=1)  # from a run's rows to their admission; a process that takes longer was stopped

# A team's later rows rank behind the first rows of others: admission gives each team its turn.
_PLACES = f"""
    SELECT id, account, row_number() OVER (PARTITION BY account ORDER BY is_backfill, nth_of_team::float / share, id)
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


class _Place(NamedTuple):
    """Where a queued row stands."""

    account: str
    number: int


def tell_places(rows: Collection[RepoSync], *, sees: Callable[[int], bool] = lambda _team_id: True) -> None:
    """Set `place` of each queued one of `rows`, whose connections are already loaded.

    `sees` says whether the reader may know what a team, which may share the account, is at.
    """
    queued = [row for row in rows if _is_queued(row)]
    if queued:
        accounts = {row.connection.account for row in queued}
        _tell(queued, _places(accounts), _admitted(accounts), sees)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """An account's queue: its first rows in the order of admission, with places set, and how many follow."""

    first: Sequence[RepoSync]
    more: int


def queues_of(accounts: Collection[str], *, most: int, sees: Callable[[int], bool]) -> Mapping[str, Queue]:
    """Return the queues of the accounts that have one: up to `most` rows each, with their teams and repositories.

    Admitted rows that wait for a worker come first. `sees` is as in `tell_places`.
    """
    places, admitted = _places(accounts), _admitted(accounts)
    numbers = {pk: place.number for pk, place in places.items()}
    ready_rows = {each.repo_sync_id for each in admitted if each.repo_sync.attempt < each.attempt}
    shown = ready_rows | {pk for pk, number in numbers.items() if number <= most}
    found = RepoSync.objects.filter(pk__in=shown).select_related("run__team", "repository", "connection")
    rows = [row for row in found if _is_queued(row)]  # some may have begun meanwhile
    _tell(rows, places, admitted, sees)
    length = Counter(place.account for place in places.values())
    queues: dict[str, list[RepoSync]] = {}
    for row in sorted(rows, key=lambda row: (numbers.get(row.pk, 0), row.pk)):
        queues.setdefault(row.connection.account, []).append(row)
    return {
        account: Queue(first=first[:most], more=length[account] - sum(row.pk in numbers for row in first[:most]))
        for account, first in queues.items()
    }


def _is_queued(row: RepoSync) -> bool:
    """Return whether the row waits for its turn rather than for a moment."""
    return row.standing in ("queued", "dead")


def _tell(
    rows: Collection[RepoSync],
    places: Mapping[int, _Place],
    admitted: Collection[Admission],
    sees: Callable[[int], bool],
) -> None:
    """Set `place` of those of `rows` that are in a queue, or were admitted from one."""
    asking = {each.account: each.repo_sync for each in admitted if each.place == Admission.ASKING}
    waiting = {each.repo_sync_id for each in admitted}
    blocks = _blocks({row.connection.account for row in rows})
    for row in rows:
        account = row.connection.account
        if row.pk in waiting:
            row.place = "the next free worker takes it"
        elif row.pk in places:
            held = _held(asking.get(account), blocks.get(account), sees)
            row.place = f"number {places[row.pk].number} for {account}{held}"


def tell_waiting(runs: Collection[PipelineRun]) -> None:
    """Set `is_waiting` of each of `runs` in which nothing works: every unfinished repository waits or queues."""
    unfinished = RepoSync.objects.filter(run__in=runs).exclude(state__in=RepoSync.ENDED)
    works = Q(state=RepoSync.State.RUNNING, wait_reason="")
    counted = unfinished.values_list("run").annotate(working=Count("pk", filter=works))
    waiting = {run for run, working in counted if not working}
    for run in runs:
        run.is_waiting = run.pk in waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A stretch of time in which a row waited to be admitted, and for what."""

    reason: QueueReason
    started_at: datetime
    ended_at: datetime
    behind: RepoSync | None = None
    """The row that was using the account meanwhile."""
    limit: str | None = None


def waits_of(row: RepoSync) -> Iterator[Wait]:
    """Yield what the just admitted row waited for, in order; nothing if it was sent before."""
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
    """Return why the row was not admitted at once, although its account was unused and no limit held."""
    waiting = ready(is_backfill=row.is_backfill)
    if waiting >= settings.SYNC_READY_ATTEMPTS:
        return "workers"
    at_work = RepoSync.objects.filter(alive_at__gte=at).exclude(pk=row.pk)
    is_first = row.attempt == 0 and at == row.run.started_at
    if is_first and (row.admission.admitted_at - at < _LONGEST_START or not at_work.exists()):
        return "start"
    # Attempts begun since no longer wait for a worker. If even with them the limit was never reached, any process
    # that had looked would have admitted the row.
    begun = at_work.filter(is_backfill=row.is_backfill).count()
    return "unnoticed" if waiting + begun < settings.SYNC_READY_ATTEMPTS else "unknown"


def _last_at_work(row: RepoSync) -> RepoSync | None:
    """Return the row that last used this one's account since this one was due, if any did."""
    others = RepoSync.objects.filter(connection__account=row.connection.account, alive_at__gte=row.due_at)
    return others.exclude(pk=row.pk).select_related("repository").order_by("-alive_at").first()


def _held(asking: RepoSync | None, block: Block | None, sees: Callable[[int], bool]) -> str:
    """Return what keeps the first in an account's queue waiting."""
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


def _places(accounts: Collection[str]) -> Mapping[int, _Place]:
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {**queued_now(), "accounts": list(accounts)})
        return {pk: _Place(account, number) for pk, account, number in cursor.fetchall()}
