"""The console's pages."""

from __future__ import annotations

import os

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

_HTTP = ("http://", "https://")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What runs here, where its traces are, and how to start a sync; nothing of any team."""
    jaeger = os.environ.get("SYNCTRACE_JAEGER_URL", "").strip()
    return render(request, "console/index.html", {"jaeger_url": jaeger if jaeger.startswith(_HTTP) else ""})


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 and `ok` while the web process can reach its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")
