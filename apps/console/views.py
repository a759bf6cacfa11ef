"""The console's pages."""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.utils.jaeger import search_page


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what runs here, where its traces are, and how to start a sync; nothing of any team."""
    service = settings.SYNCTRACE_SERVICE_NAME
    searches = {
        "All runs": search_page(service=service, operation="sync.pipeline"),
        "Runs in which something failed": search_page(
            service=service, operation="sync.pipeline", tags={"sync.outcome": "failed"}
        ),
        "Attempts made again": search_page(service=service, operation="sync.repo", tags={"sync.outcome": "retrying"}),
        "Waits for GitHub's limit": search_page(service=service, operation="sync.api.rate_wait"),
    }
    context = {"jaeger_url": settings.SYNCTRACE_JAEGER_URL, "searches": searches, "command": settings.SYNCTRACE_COMMAND}
    return render(request, "console/index.html", context)


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 and `ok` while the web process can reach its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")
