"""Admit attempts: the rows are the queue, and only what may begin now is sent to the workers.

GitHub wants one request at a time for each account, so only one of an account's attempts asks; once it has asked all it
needs, it hands over its place and writes while its successor asks. Recent runs go before backfills, a team's oldest
rows first. Among teams, the next turn goes to the one whose last turn, weighted by its share, is longest ago: none
starves, and each gets about its share. Few messages wait for a worker at any time, because Celery's queues are first
in, first out, and this one is fair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from apps.integrations.lane.limits import RESET_MARGIN
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.integrations.runs.attempts import WAITING, Attempt
from apps.machine_catalog import ResentReason
from apps.repositories.models import GitHubConnection
from apps.teams.models import Team
from apps.utils import clock

_TABLES = {
    "admissions": Admission._meta.db_table,
    "accounts": GitHubConnection._meta.db_table,
    "lanes": ApiLane._meta.db_table,
    "rows": RepoSync._meta.db_table,
    "runs": PipelineRun._meta.db_table,
    "teams": Team._meta.db_table,
}

_NOW = "coalesce(%(now)s, statement_timestamp())"
QUEUED = f"rows.state = ANY(%(waiting)s) AND rows.due_at <= {_NOW} AND runs.state = %(running)s"
"""The SQL condition for `rows` of `runs` that are queued or admitted; `queued_now` has its values."""


def _sql(statement: str) -> str:
    return statement.format(**_TABLES, queued=QUEUED, now=_NOW)


_ADMIT = _sql("""
    WITH ready AS (
        SELECT count(*) FILTER (WHERE NOT rows.is_backfill) AS recent, count(*) FILTER (WHERE rows.is_backfill) AS backfill
        FROM {admissions} AS admission JOIN {rows} AS rows ON rows.id = admission.repo_sync_id
        WHERE rows.attempt < admission.attempt
    ), free AS (
        SELECT connections.id, connections.account, connections.team_id, teams.share
        FROM {accounts} AS connections
            JOIN {teams} AS teams ON teams.id = connections.team_id
            LEFT JOIN {lanes} AS lanes USING (account)
        WHERE connections.account NOT IN (SELECT account FROM {admissions} WHERE place = %(asking)s)
            AND coalesce(lanes.blocked_until <= {now}, true)
            AND coalesce(lanes.graphql_remaining > 0 OR lanes.graphql_reset_at <= {now} - %(margin)s, true)
            AND coalesce(lanes.core_remaining > 0 OR lanes.core_reset_at <= {now} - %(margin)s, true)
            AND (SELECT least(recent, backfill) < %(most_ready)s FROM ready)
    ), heads AS (
        SELECT free.account, free.team_id, free.share, head.*,
            free.share * extract(epoch FROM {now} - coalesce(last.by_account, 'epoch')) AS claim,
            free.share * extract(epoch FROM {now} - coalesce(last.by_team, 'epoch')) AS team_claim
        FROM free
            CROSS JOIN LATERAL (
                SELECT rows.id, rows.is_backfill
                FROM {rows} AS rows JOIN {runs} AS runs ON runs.id = rows.run_id
                WHERE rows.connection_id = free.id AND {queued}
                ORDER BY rows.is_backfill, rows.id
                LIMIT 1
            ) AS head
            CROSS JOIN LATERAL (
                SELECT
                    (
                        SELECT rows.admitted_at FROM {rows} AS rows
                        WHERE rows.connection_id = free.id AND rows.admitted_at IS NOT NULL
                        ORDER BY rows.admitted_at DESC LIMIT 1
                    ) AS by_account,
                    (
                        SELECT max(each.admitted_at) FROM {accounts} AS connections CROSS JOIN LATERAL (
                            SELECT rows.admitted_at FROM {rows} AS rows
                            WHERE rows.connection_id = connections.id AND rows.admitted_at IS NOT NULL
                            ORDER BY rows.admitted_at DESC LIMIT 1
                        ) AS each
                        WHERE connections.team_id = free.team_id
                    ) AS by_team
            ) AS last
    ), turns AS (
        SELECT DISTINCT ON (account) * FROM heads ORDER BY account, is_backfill, claim DESC, share DESC, id
    ), in_order AS (
        SELECT *, row_number() OVER (PARTITION BY is_backfill ORDER BY nth_of_team, team_claim DESC, share DESC, id) AS nth
        FROM (
            SELECT *, row_number() OVER (PARTITION BY is_backfill, team_id ORDER BY claim DESC, id) AS nth_of_team FROM turns
        ) AS of_teams
    ), chosen AS (
        SELECT rows.id, rows.attempt + 1 AS attempt, in_order.account, in_order.is_backfill, in_order.nth
        FROM in_order
            CROSS JOIN ready
            JOIN {rows} AS rows ON rows.id = in_order.id
            JOIN {runs} AS runs ON runs.id = rows.run_id
        WHERE nth <= %(most_ready)s - CASE WHEN in_order.is_backfill THEN ready.backfill ELSE ready.recent END AND {queued}
        FOR UPDATE OF rows SKIP LOCKED
    ), admitted AS (
        INSERT INTO {admissions} (repo_sync_id, attempt, account, place, admitted_at)
        SELECT id, attempt, account, %(asking)s, {now} FROM chosen
        ORDER BY is_backfill, nth
        ON CONFLICT DO NOTHING
        RETURNING id, repo_sync_id, attempt
    )
    UPDATE {rows} AS rows SET admitted_at = {now}
    FROM admitted WHERE rows.id = admitted.repo_sync_id
    RETURNING admitted.id, rows.id, admitted.attempt
""")

_HAND_OVER = _sql("""
    WITH free AS (
        SELECT min(place) AS place FROM generate_series(%(asking)s + 1, %(most)s) AS place
        WHERE place NOT IN (
            SELECT taken.place FROM {admissions} AS taken JOIN {admissions} AS mine USING (account)
            WHERE mine.repo_sync_id = %(row)s
        )
    )
    UPDATE {admissions} AS mine SET place = free.place FROM free
    WHERE mine.repo_sync_id = %(row)s AND mine.attempt = %(attempt)s AND mine.place = %(asking)s AND free.place IS NOT NULL
""")

SENDING = timedelta(seconds=2)
"""How long a sender may take before the sweep sends in its place; a second message changes nothing."""
_WAITS_FOR_WORKER = timedelta(seconds=1)

_IS_WANTED = _sql("""
    SELECT EXISTS (
        SELECT FROM {accounts} AS connections
            JOIN {rows} AS rows ON rows.connection_id = connections.id
            JOIN {runs} AS runs ON runs.id = rows.run_id
        WHERE connections.account = %(account)s AND {queued}
            AND (
                rows.is_backfill < %(backfill)s
                OR %(over)s AND rows.is_backfill = %(backfill)s AND connections.team_id <> %(team)s
            )
    ) OR %(over)s AND EXISTS (
        SELECT FROM {admissions} AS admission JOIN {rows} AS rows ON rows.id = admission.repo_sync_id
        WHERE rows.attempt < admission.attempt AND admission.admitted_at < {now} - %(waits)s
            AND rows.is_backfill <= %(backfill)s
    )
""")


@dataclass(frozen=True, slots=True)
class Missed:
    """An admitted attempt that no worker has begun, since when, and why its message must be sent again."""

    attempt: Attempt
    since: datetime
    reason: ResentReason


def admit() -> list[Attempt]:
    """Admit whatever may begin now, and return it in sending order.

    Call this whenever something may have changed: an attempt has begun, has asked all it needs or has ended, or rows
    were added. Any number of processes may call it at once: later ones find the places taken.
    """
    values = {
        **queued_now(),
        "asking": Admission.ASKING,
        "margin": RESET_MARGIN,
        "most_ready": settings.SYNC_READY_ATTEMPTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADMIT, values)
        return [Attempt(row, number) for _, row, number in sorted(cursor.fetchall())]


def is_short_of_workers(row: RepoSync) -> bool:
    """Return whether the number of attempts waiting for a worker was at its limit until the one at `row` just began."""
    return ready(is_backfill=row.is_backfill) >= settings.SYNC_READY_ATTEMPTS - 1


def ready(*, is_backfill: bool) -> int:
    """Return how many admitted attempts wait for a worker."""
    return Admission.objects.filter(repo_sync__attempt__lt=F("attempt"), repo_sync__is_backfill=is_backfill).count()


def unsent(*, record: Callable[[Missed], None] = lambda _: None) -> list[Missed]:
    """Return the admitted attempts whose messages have not been sent by now: the admitting process may be gone.

    `record` is called with each.
    """
    waiting = Admission.objects.filter(repo_sync__attempt__lt=F("attempt"), sent_at=None)
    found = [_missed(each) for each in waiting.filter(admitted_at__lt=clock.now() - SENDING).order_by("pk")]
    for each in found:
        record(each)
    return found


def lost(*, record: Callable[[Missed], None] = lambda _: None) -> list[Missed]:
    """Return the admitted attempts that no worker has begun in SYNC_STALE_SECONDS, whose messages must be sent again.

    They were sent, or could not be; only this sweep resends them. `record` is called with each before the commit.
    """
    now = clock.now()
    sent_before = now - timedelta(seconds=settings.SYNC_STALE_SECONDS)
    with transaction.atomic():
        unclaimed = Admission.objects.filter(repo_sync__attempt__lt=F("attempt"), sent_at__lt=sent_before).order_by("pk")
        found = list(unclaimed.select_for_update(skip_locked=True, of=("self",)))
        missed = [_missed(each) for each in found]
        for each in missed:
            record(each)
        Admission.objects.filter(pk__in=[each.pk for each in found]).update(sent_at=now)
    return missed


def _missed(admission: Admission) -> Missed:
    """Return an admission that no worker has begun, and why: `not_sent` dates sending before admission."""
    attempt, at = Attempt(admission.repo_sync_id, admission.attempt), admission.sent_at
    if at is None or at < admission.admitted_at:
        return Missed(attempt, admission.admitted_at, "unsent")
    return Missed(attempt, at, "lost")


def sent(attempt: Attempt) -> None:
    """Note that a message for the attempt was sent."""
    Admission.objects.filter(repo_sync=attempt.repo_sync_id, attempt=attempt.number).update(sent_at=clock.in_statement())


def not_sent(attempt: Attempt) -> None:
    """Note that the attempt's message could not be sent: it counts as `lost` at once."""
    tried = Admission.objects.filter(repo_sync=attempt.repo_sync_id, attempt=attempt.number)
    tried.update(sent_at=F("admitted_at") - timedelta(days=1))


def withdraw_run(run: PipelineRun) -> None:
    """Free the places of a cancelled run; its attempts in flight notice that they own nothing any more."""
    Admission.objects.filter(repo_sync__run=run).delete()


def withdraw_ended() -> None:
    """Free the places of ended runs, however they ended: nobody will begin their attempts."""
    Admission.objects.exclude(repo_sync__run__state=PipelineRun.State.RUNNING).delete()


def hand_over(attempt: Attempt) -> bool:
    """Let another attempt of the account ask, now that this one has asked all it needs; return whether one may.

    If there is no free place, it keeps its own until it ends.
    """
    with connection.cursor() as cursor:
        values = {"row": attempt.repo_sync_id, "attempt": attempt.number}
        most = settings.SYNC_ATTEMPTS_PER_ACCOUNT
        cursor.execute(_HAND_OVER, {**values, "asking": Admission.ASKING, "most": most})
        return bool(cursor.rowcount)


def is_wanted(row: RepoSync, *, at_work: timedelta) -> bool:
    """Return whether the attempt at `row`, `at_work` for so long, should yield its place and queue again.

    A backfill yields to a recent run on its account. After SYNC_SLICE_SECONDS an attempt also yields its place to
    another team that queues for the account, and its worker to an attempt that waits for one.
    """
    is_over = at_work >= timedelta(seconds=settings.SYNC_SLICE_SECONDS)
    if not (row.is_backfill or is_over):
        return False
    values = {
        **queued_now(),
        "account": row.repository.connection.account,
        "team": row.run.team_id,
        "backfill": row.is_backfill,
        "over": is_over,
        "waits": _WAITS_FOR_WORKER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_IS_WANTED, values)
        return bool(cursor.fetchone()[0])


def queued_now() -> dict[str, Any]:
    """Return the values of `QUEUED`."""
    return {"now": clock.pinned(), "waiting": [str(state) for state in WAITING], "running": str(PipelineRun.State.RUNNING)}
