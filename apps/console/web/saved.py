"""A run as one file that opens without a server, to be sent to somebody: how it stands, why, its time and its spans."""

from __future__ import annotations

from pathlib import Path

import orjson
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from apps.console.web.run import run as run_page
from apps.console.web.run import run_seen
from apps.console.web.run_time import run_time as time_page
from apps.console.web.sight import Sight
from apps.console.web.waterfall import waterfall_of
from apps.utils import clock


@require_safe
def saved(request: HttpRequest, run_id: int) -> HttpResponse:
    """Answer with the file, as its reader sees the run now; its links lead back here."""
    sight = Sight.of(request.user)
    run = run_seen(sight, run_id)
    html = render_to_string(
        "console/saved.html",
        {
            "run": run,
            "saved_at": clock.now(),
            "state": run_page.changing(sight, QueryDict(), {"run_id": run_id}),
            "time": time_page.changing(sight, QueryDict(), {"run_id": run_id}),
            "style": _own("console.css"),
            "script": _own("waterfall.js"),
            # A name may hold what ends a script: as JSON it need not stand there as it is.
            "spans": mark_safe(orjson.dumps(waterfall_of(run)).decode().replace("<", "\\u003c")),  # noqa: S308
        },
    )
    response = HttpResponse(html.replace('href="/', f'href="{settings.SYNCTRACE_WEB_URL}/'))
    response.headers["Content-Disposition"] = f'attachment; filename="run-{run_id}.html"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _own(name: str) -> str:
    """Return a static file of ours, as it is to stand in the page."""
    found = finders.find(f"console/{name}")
    if found is None:
        raise FileNotFoundError(name)
    return mark_safe(Path(found).read_text(encoding="utf-8"))  # noqa: S308  # what we wrote
