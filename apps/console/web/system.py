"""The machine: first what is wrong, then who works, what waits, and where its traces are; nothing about teams."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import celery
import django
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.views.decorators.http import require_safe

from apps import catalog
from apps.console.terminal.ledger_texts import troubles
from apps.console.web.machine import Asking, machine_now
from apps.console.web.page import Page
from apps.console.web.sight import Sight
from apps.integrations.models import Admission, RepoSync, SweepTime
from apps.utils import clock
from apps.utils.jaeger import search_page
from telemetry import ledger, problem
from telemetry.model import Operation, Outcome

_PERIODS_LATE = 3
_FIRST_ANSWER_SECONDS = 2.0
asking = Asking(lambda: machine_now(celery.current_app))


def _read(sight: Sight, _query: QueryDict, *, wait_seconds: float = _FIRST_ANSWER_SECONDS) -> dict[str, Any]:
    now = clock.now()
    swept = SweepTime.objects.filter(pk=SweepTime.ONLY).values_list("at", flat=True).first()
    late_after = timedelta(seconds=_PERIODS_LATE * settings.SYNC_SWEEP_SECONDS + 5)
    counts = _ledger()
    unfinished = RepoSync.objects.exclude(state__in=RepoSync.ENDED)
    return {
        "troubles": troubles(counts),
        "machine": asking.last(wait_seconds=wait_seconds),
        "versions": _versions(),
        "swept_at": swept,
        "is_beat_late": swept is None or now - swept > late_after,
        "sweep_seconds": settings.SYNC_SWEEP_SECONDS,
        "at_work": unfinished.filter(state=RepoSync.State.RUNNING).count(),
        "for_a_worker": Admission.objects.exclude(repo_sync__state=RepoSync.State.RUNNING).count(),
        "unfinished": unfinished.count(),
        "ledger": counts,
        "command": settings.SYNCTRACE_COMMAND,
        "searches": _searches() if sight.teams is None else {},
        "jaeger_url": settings.SYNCTRACE_JAEGER_URL,
    }


def _versions() -> Mapping[str, str]:
    """Return the versions that the web runs on; the broker reports its own."""
    return {
        "synctrace": settings.SYNCTRACE_VERSION,
        "Python": platform.python_version(),
        "Django": django.__version__,
        "Celery": celery.__version__,
        "PostgreSQL": ".".join(map(str, connection.get_database_version())),
    }


def _searches() -> Mapping[str, str]:
    """Return searches in Jaeger, which has no notion of teams: only for staff."""
    if not settings.SYNCTRACE_JAEGER_URL:
        return {}
    return {
        "All runs": _search(catalog.Pipeline),
        "Runs in which something failed": _search(catalog.Pipeline, Outcome.FAILED),
        "Attempts made again": _search(catalog.RepoSync, Outcome.RETRYING),
        "Waits for GitHub's limit": _search(catalog.RateWait),
    }


def _search(operation: type[Operation[Any]], outcome: Outcome | None = None) -> str:
    """Return the page that lists traces containing such an operation."""
    namespace = operation.__operation__.partition(".")[0]
    tags = None if outcome is None else {f"{namespace}.outcome": outcome.value}
    return search_page(service=settings.SYNCTRACE_SERVICE_NAME, operation=operation.__operation__, tags=tags)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 and `ok` while the web process can reach its database; with `?details`, add what became of all spans."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if "details" not in request.GET:
        return HttpResponse("ok", content_type="text/plain")
    counts = _ledger()
    spans = {name: count.as_json() for name, count in counts.items()}
    return JsonResponse({"status": "ok", "spans": spans, "troubles": troubles(counts)})


def _ledger() -> Mapping[str, ledger.Count]:
    """Return what became of this home's spans; nothing if its files cannot be read, which is reported elsewhere."""
    try:
        return ledger.of_home(settings.SYNCTRACE_HOME)
    except OSError as error:
        problem(error)
        return {}


system = Page(
    template="console/system.html",
    part="console/parts/system.html",
    read=_read,
    read_at_once=partial(_read, wait_seconds=0.0),
)
