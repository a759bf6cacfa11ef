"""Read what the database says about a run and what went on around it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from apps.explain.facts import Affected, Busy, Earlier, Limit, RepositoryFacts, RunFacts, Surroundings
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync, SweepTime
from apps.integrations.runs.removed import removed
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.timestamps import unix_nanoseconds

_HOUR = timedelta(hours=1)
_MOST_EARLIER = 7
_MOST_OTHERS = 200
_SAME_WINDOW = timedelta(hours=1)
"""Windows that begin about equally long before their runs count as the same."""


def facts_of(run: PipelineRun) -> RunFacts:
    """Return what a run's rows say."""
    now = clock.now()
    rows = run.repo_syncs.select_related("repository", "connection").order_by("pk")
    sent = dict(Admission.objects.filter(repo_sync__run=run).values_list("repo_sync", Coalesce("sent_at", "admitted_at")))
    return RunFacts(
        run_id=run.pk,
        trace_id=trace_id_of(run.traceparent),
        root_id=run.traceparent.split("-")[2],
        kind=run.kind,
        state=run.state,
        phase=run.phase,
        team=run.team.slug,
        started_ns=run.started_ns,
        ended_ns=_ns(run.ended_at),
        now_ns=unix_nanoseconds(now),
        error_type=run.error_type,
        error_msg=run.error_msg,
        cancelled_by=run.cancelled_by,
        has_row=True,
        is_resumed=bool(run.resumed_by),
        step_attempt=run.step_attempt,
        step_sent_ns=_ns(run.step_sent_at),
        repositories=tuple(_repository(row, sent.get(row.pk), now) for row in rows),
        removed=removed(began_with=run.repos_count, left=len(rows)),
    )


def surroundings_of(run: PipelineRun, facts: RunFacts) -> Surroundings:
    """Return what the database says about the time of a run: who else was at work, and whom errors struck."""
    accounts = {each.account for each in facts.repositories}
    return Surroundings(
        swept_ns=_ns(SweepTime.objects.values_list("at", flat=True).first()),
        sweep_seconds=settings.SYNC_SWEEP_SECONDS,
        blocks=dict(_blocks(accounts)) if run.ended_at is None else {},
        limits=dict(_limits(accounts)) if run.ended_at is None else {},
        busy=tuple(_busy(run, accounts)),
        affected=tuple(_affected(run)),
        earlier=tuple(_earlier(run)),
        is_known=True,
    )


def earlier_runs(run: PipelineRun) -> list[PipelineRun]:
    """Return the last successful runs before `run` over the same repositories and a window of the same length."""
    return [one for one in complete_before(run) if has_same_window(one, run)][:_MOST_EARLIER]


def complete_before(run: PipelineRun) -> list[PipelineRun]:
    """Return the last successful runs before `run` over the same repositories and any window, newest first."""
    repositories = set(run.repo_syncs.values_list("repository", flat=True))
    if not repositories or removed(began_with=run.repos_count, left=len(repositories)) is not None:
        return []
    with_one = RepoSync.objects.filter(run=OuterRef("pk"), repository=min(repositories))
    before = PipelineRun.objects.filter(
        Exists(with_one), team=run.team_id, kind=run.kind, pk__lt=run.pk, state=PipelineRun.State.COMPLETED
    )
    latest = list(before.filter(ended_at__isnull=False).order_by("-pk")[: 4 * _MOST_EARLIER])
    of_run: dict[int, set[int]] = {}
    for run_id, repository in RepoSync.objects.filter(run__in=latest).values_list("run", "repository"):
        of_run.setdefault(run_id, set()).add(repository)
    return [
        one
        for one in latest
        if of_run[one.pk] == repositories and removed(began_with=one.repos_count, left=len(repositories)) is None
    ]


def has_same_window(one: PipelineRun, other: PipelineRun) -> bool:
    """Return whether the windows of two runs begin and end about equally long before the runs."""
    windows = [
        tuple(None if moment is None else run.started_at - moment for moment in (run.since, run.before))
        for run in (one, other)
    ]
    return all(
        (a is None and b is None) or (a is not None and b is not None and abs(a - b) <= _SAME_WINDOW)
        for a, b in zip(*windows, strict=True)
    )


def _repository(row: RepoSync, sent_at: datetime | None, now: datetime) -> RepositoryFacts:
    silent = row.silent_for
    return RepositoryFacts(
        repo_id=row.repository_id,
        full_name=row.repository.full_name,
        state=row.state,
        disposition=row.disposition,
        row=row.pk,
        error_type=row.error_type,
        error_msg=row.error_msg,
        attempt=row.attempt,
        prs_done=row.prs_done,
        prs_total=row.prs_total,
        wait_reason=row.wait_reason,
        due_ns=unix_nanoseconds(row.due_at),
        alive_ns=_ns(row.alive_at),
        silent_sec=(now - row.alive_at).total_seconds() if silent and row.alive_at else 0.0,
        started_ns=_ns(row.started_at),
        ended_ns=_ns(row.ended_at),
        sent_ns=_ns(sent_at) if row.state != RepoSync.State.RUNNING else None,
        account=row.connection.account,
        gaps=row.gaps,
        points=row.points,
        requests=row.requests,
    )


def _blocks(accounts: Collection[str]) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield which limit holds an account now, and until when."""
    from apps.integrations.lane.leases import blocked_by  # imports everything that sends requests; most runs have ended

    now = clock.now()
    for lane in ApiLane.objects.filter(account__in=accounts):
        block = blocked_by(lane, now=now)
        if block is not None:
            yield lane.account, (block.reason, unix_nanoseconds(block.until))


def _limits(accounts: Collection[str]) -> Iterator[tuple[str, Limit]]:
    """Yield what is left of each account's points, if GitHub has said it."""
    for lane in ApiLane.objects.filter(account__in=accounts):
        if lane.graphql_limit and lane.graphql_remaining is not None and lane.graphql_reset_at is not None:
            resets_ns = unix_nanoseconds(lane.graphql_reset_at)
            yield lane.account, Limit(limit=lane.graphql_limit, remaining=lane.graphql_remaining, resets_ns=resets_ns)


def _busy(run: PipelineRun, accounts: Collection[str]) -> Iterator[Busy]:
    """Yield the repositories of other runs at work meanwhile, those of the run's accounts first."""
    end = run.ended_at or clock.now()
    others = RepoSync.objects.exclude(run=run).filter(started_at__lt=end, alive_at__gt=run.started_at)
    rows = others.select_related("repository", "run__team", "connection").order_by("started_at")[:_MOST_OTHERS]
    for row in sorted(rows, key=lambda row: row.connection.account not in accounts):
        if row.started_at is not None and row.alive_at is not None:
            yield Busy(
                team=row.run.team.slug,
                full_name=row.repository.full_name,
                repo_id=row.repository_id,
                run_id=row.run_id,
                account=row.connection.account,
                start_ns=unix_nanoseconds(row.started_at),
                end_ns=unix_nanoseconds(row.ended_at or row.alive_at),
            )


def _affected(run: PipelineRun) -> Iterator[Affected]:
    """Yield the repositories of other runs that an error or a limit struck within an hour of the run."""
    began, ended = run.started_at - _HOUR, (run.ended_at or clock.now()) + _HOUR
    struck = RepoSync.objects.exclude(run=run).filter(alive_at__gte=began, alive_at__lte=ended)
    struck = struck.filter(~Q(error_type="") | ~Q(wait_reason=""))
    for row in struck.select_related("repository", "run__team").order_by("-alive_at")[:_MOST_OTHERS]:
        at = row.ended_at or row.alive_at
        if at is not None:
            yield Affected(
                team=row.run.team.slug,
                full_name=row.repository.full_name,
                repo_id=row.repository_id,
                run_id=row.run_id,
                error_type=row.error_type or _OF_LIMIT.get(row.wait_reason, ""),
                error_msg=row.error_msg,
                at_ns=unix_nanoseconds(at),
            )


_OF_LIMIT = {"primary": "rate_limited", "secondary": "secondary_limited", "retry_after": "server_error"}


def _earlier(run: PipelineRun) -> Iterator[Earlier]:
    earlier = earlier_runs(run)
    rows = RepoSync.objects.filter(run__in=earlier).values("run")
    sums = rows.annotate(asked=Sum("requests"), cost=Sum("points"), tries=Sum("attempt"))
    of_run = {each["run"]: each for each in sums}
    for one in earlier:
        if one.ended_at is not None:
            yield Earlier(
                run_id=one.pk,
                wall_sec=(one.ended_at - one.started_at).total_seconds(),
                requests=of_run[one.pk]["asked"],
                points=of_run[one.pk]["cost"],
                attempts=of_run[one.pk]["tries"],
            )


def _ns(moment: datetime | None) -> int | None:
    return None if moment is None else unix_nanoseconds(moment)
