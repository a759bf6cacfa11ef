"""The console's pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps import catalog
from apps.console.terminal.ledger_texts import troubles
from apps.utils.jaeger import search_page
from telemetry import ledger, problem
from telemetry.model import Operation, Outcome


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what runs here, where its traces are, and how to start a sync; nothing of any team."""
    service = settings.SYNCTRACE_SERVICE_NAME
    searches = {
        "All runs": _search(service, catalog.Pipeline),
        "Runs in which something failed": _search(service, catalog.Pipeline, Outcome.FAILED),
        "Attempts made again": _search(service, catalog.RepoSync, Outcome.RETRYING),
        "Waits for GitHub's limit": _search(service, catalog.RateWait),
    }
    context = {
        "jaeger_url": settings.SYNCTRACE_JAEGER_URL,
        "searches": searches,
        "command": settings.SYNCTRACE_COMMAND,
        "troubles": troubles(_ledger()),
    }
    return render(request, "console/index.html", context)


def _search(service: str, operation: type[Operation[Any]], outcome: Outcome | None = None) -> str:
    """Return the page that lists the traces with such an operation in them, if Jaeger is there."""
    namespace = operation.__operation__.partition(".")[0]
    tags = None if outcome is None else {f"{namespace}.outcome": outcome.value}
    return search_page(service=service, operation=operation.__operation__, tags=tags)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 and `ok` while the web process can reach its database; with `?details`, what became of all spans too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if "details" not in request.GET:
        return HttpResponse("ok", content_type="text/plain")
    counts = _ledger()
    spans = {name: count.as_json() for name, count in counts.items()}
    return JsonResponse({"status": "ok", "spans": spans, "troubles": troubles(counts)})


def _ledger() -> Mapping[str, ledger.Count]:
    """Return what became of the spans of this home; nothing where its files cannot be read, which is said elsewhere."""
    try:
        return ledger.of_home(settings.SYNCTRACE_HOME)
    except OSError as error:
        problem(error)
        return {}
