"""The first page: what needs attention, what is late, what runs, and which accounts run out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q
from django.http import QueryDict

from apps.console.demo_data import demo_connection
from apps.console.web.accounts import AccountLine, account_lines
from apps.console.web.page import Page
from apps.console.web.repositories import state_counts, worst_of
from apps.console.web.runs import lines_of
from apps.console.web.sight import Sight
from apps.integrations.models import PipelineRun, RepoSync
from apps.utils import clock

_DAYS = 7
_MOST = 10
_LOOKED_AT = 100
"""Failed runs, without those made good since."""


def _read(sight: Sight, _query: QueryDict) -> dict[str, Any]:
    runs = sight.runs().select_related("team")
    troubled = _unmended(sight)
    running = list(runs.filter(ended_at=None).order_by("-pk")[:_MOST])
    recent = list(runs.exclude(ended_at=None).order_by("-pk")[:_MOST])
    now = clock.now()
    lines = {line.run.pk: line for line in lines_of({run.pk: run for run in (*troubled, *running, *recent)}.values())}
    return {
        "troubled": [lines[run.pk] for run in troubled],
        "running": [lines[run.pk] for run in running],
        "recent": [lines[run.pk] for run in recent],
        "counts": state_counts(sight.repositories(), now=now),
        "worst": worst_of(sight, now=now),
        "dry": _dry(account_lines(sight)),
        "days": _DAYS,
        "has_connections": sight.connections().exists(),
        "demo": demo_connection() if sight.may_make_teams else None,
        "has_demo": bool(settings.SYNCTRACE_DEMO_API_URL),
        "command": settings.SYNCTRACE_COMMAND,
    }


def _unmended(sight: Sight) -> list[PipelineRun]:
    """Return runs that recently failed, wholly or partly, and have not been made good since, newest first.

    A run is made good once each repository that it lost is resumed, or complete in a later run.
    """
    failed = sight.runs().filter(
        state__in=(PipelineRun.State.FAILED, PipelineRun.State.PARTIAL),
        ended_at__gte=clock.now() - timedelta(days=_DAYS),
    )
    runs = list(failed.select_related("team").order_by("-pk")[:_LOOKED_AT])
    has_failed = Q(state=RepoSync.State.FAILED) | Q(run__state=PipelineRun.State.FAILED)
    resumed = RepoSync.objects.filter(
        run__follows=OuterRef("run"), run__kind=OuterRef("run__kind"), repository=OuterRef("repository")
    )
    failures = RepoSync.objects.filter(has_failed, ~Exists(resumed), run__in=runs)
    lost = list(failures.values_list("run", "repository", "is_backfill", "pk"))
    completed = RepoSync.objects.filter(
        repository__in={repository for _, repository, _, _ in lost}, state=RepoSync.State.COMPLETED
    )
    newest = completed.values_list("repository", "is_backfill").annotate(Max("pk"))
    complete_at = {(repository, is_backfill): pk for repository, is_backfill, pk in newest}
    unmended = {run for run, repository, is_backfill, pk in lost if complete_at.get((repository, is_backfill), 0) < pk}
    return [run for run in runs if run.pk in unmended][:_MOST]


def _dry(accounts: Sequence[AccountLine]) -> list[AccountLine]:
    return [account for account in accounts if account.is_dry]


home = Page(template="console/home.html", part="console/parts/home.html", read=_read)
