"""A repository's page: its freshness and completeness, its runs and newest pull requests; and the list of all of them."""

from __future__ import annotations

from typing import Any

from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404

from apps.console.freshness_reports import report_on
from apps.console.web.completeness import completeness_of
from apps.console.web.page import Page
from apps.console.web.paging import paged
from apps.console.web.pull_requests import ASSISTED, LOOKED_AT, ORDERS, STATES, PullRequestFilter, newest_of, page_of
from apps.console.web.sight import Sight
from apps.integrations.freshness import with_freshness
from apps.repositories.models import TrackedRepository
from apps.utils import clock

_SHOWN = 10


def _seen(sight: Sight, repository_id: int) -> TrackedRepository:
    """Return a repository, or raise Http404, also for one that the user may not see."""
    if repository_id >= 2**63:
        raise Http404
    rows = with_freshness(sight.repositories(), now=clock.now()).select_related("team", "connection")
    return get_object_or_404(rows, pk=repository_id)


def _read(sight: Sight, query: QueryDict, *, repository_id: int) -> dict[str, Any]:
    repository = _seen(sight, repository_id)
    (freshness,) = report_on([repository], now=clock.now(), sees=sight.has)
    syncs = sight.repo_syncs().filter(repository=repository)
    history = paged(syncs.select_related("run"), query, prefix="run_", size=_SHOWN)
    for row in history.rows:
        row.repository = repository
    return {
        "repository": repository,
        "report": freshness,
        "completeness": completeness_of(repository, syncs),
        "history": history,
        "lines": newest_of(sight.pull_requests().filter(repository=repository), most=_SHOWN),
    }


def _read_pull_requests(sight: Sight, query: QueryDict, *, repository_id: int) -> dict[str, Any]:
    repository = _seen(sight, repository_id)
    asked = PullRequestFilter.of(query)
    page, lines = page_of(sight.pull_requests().filter(repository=repository), asked, query)
    return {
        "repository": repository,
        "filter": asked,
        "query": asked.as_query(),
        "page": page,
        "lines": lines,
        "states": list(STATES),
        "assisted": list(ASSISTED),
        "orders": list(ORDERS),
        "looked_at": LOOKED_AT,
    }


repository = Page(template="console/repository.html", part="console/parts/repository.html", read=_read)
pull_requests = Page(
    template="console/pull_requests.html", part="console/parts/pull_requests.html", read=_read_pull_requests
)
