"""The first page: what needs somebody, what runs, what waits, and which accounts run dry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict

from apps.console.web.accounts import AccountLine, account_lines
from apps.console.web.page import Page
from apps.console.web.runs import lines_of
from apps.console.web.sight import Sight
from apps.integrations.models import PipelineRun, RepoSync
from apps.utils import clock

_DAYS = 7
_MOST = 10


def _read(sight: Sight, _query: QueryDict) -> dict[str, Any]:
    runs = sight.runs().select_related("team")
    troubled = list(_unmended(sight)[:_MOST])
    running = list(runs.filter(ended_at=None).order_by("-pk")[:_MOST])
    recent = list(runs.exclude(ended_at=None).order_by("-pk")[:_MOST])
    lines = {line.run.pk: line for line in lines_of({run.pk: run for run in (*troubled, *running, *recent)}.values())}
    return {
        "troubled": [lines[run.pk] for run in troubled],
        "running": [lines[run.pk] for run in running],
        "recent": [lines[run.pk] for run in recent],
        "dry": _dry(account_lines(sight)),
        "days": _DAYS,
        "command": settings.SYNCTRACE_COMMAND,
    }


def _unmended(sight: Sight) -> Any:
    """Return the runs that failed of late, wholly or in part, and that nothing has made good since: newest first.

    A run is made good once it is resumed, or once each repository that it lost is complete in a later one.
    """
    later = RepoSync.objects.filter(
        repository=OuterRef("repository"),
        pk__gt=OuterRef("pk"),
        is_backfill=OuterRef("is_backfill"),
        state=RepoSync.State.COMPLETED,
    )
    lost = RepoSync.objects.filter(~Exists(later), run=OuterRef("pk")).filter(
        Q(state=RepoSync.State.FAILED) | Q(run__state=PipelineRun.State.FAILED)
    )
    resumed = PipelineRun.objects.filter(follows=OuterRef("pk"), kind=OuterRef("kind"))
    failed = sight.runs().filter(
        Exists(lost),
        ~Exists(resumed),
        state__in=(PipelineRun.State.FAILED, PipelineRun.State.PARTIAL),
        ended_at__gte=clock.now() - timedelta(days=_DAYS),
    )
    return failed.select_related("team").order_by("-pk")


def _dry(accounts: Sequence[AccountLine]) -> list[AccountLine]:
    return [account for account in accounts if account.is_dry]


home = Page(template="console/home.html", part="console/parts/home.html", read=_read)
