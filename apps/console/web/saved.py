"""Save a run as one file that opens without a server, to send to somebody: its state, causes, time and spans."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from apps.console.collecting import nothing_collected
from apps.console.log_lines import Wanted, find_lines
from apps.console.run_times import source_of, spans_of, time_of_spans
from apps.console.web.run import run as run_page
from apps.console.web.run import run_seen
from apps.console.web.run_time import run_time as time_page
from apps.console.web.sight import Sight
from apps.console.web.span_details import details_of
from apps.console.web.span_messages import ERROR, OPEN, head_of, spans_as_columns, time_as_columns
from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.reading import Span

MOST_DETAILS = 3_000
"""How many spans have attributes and lines in the file: first those that decided how the run went."""
_SCRIPTS = ("axis.js", "span_table.js", "picture.js", "span_panel.js", "span_data.js", "waterfall.js")
_BETWEEN_MODULES = re.compile(r"^import .*?;\n|^export ", re.MULTILINE)


@require_safe
def saved(request: HttpRequest, run_id: int) -> HttpResponse:
    """Answer with the file, showing the run as its reader sees it now; its links lead back here."""
    sight = Sight.of(request.user)
    run = run_seen(sight, run_id)
    with nothing_collected():
        spans, now = spans_of(run), clock.now()
        time = time_of_spans(run, spans)
        columns = spans_as_columns(run, spans)
        picture = [head_of(run, now=now), columns, {"whole": True}, time_as_columns(run, spans, time, now=now)]
        on_path = frozenset() if time is None else time.on_path(spans)
        chosen = _telling(spans, columns["spans"]["flags"], on_path)
        details = _details(run, spans, chosen, sight)
    html = render_to_string(
        "console/saved.html",
        {
            "run": run,
            "saved_at": now,
            "state": run_page.changing(sight, QueryDict(), {"run_id": run_id}),
            "time": time_page.changing(sight, QueryDict(), {"run_id": run_id}),
            "style": style(),
            "script": script(),
            "spans": as_json(picture),
            "details": as_json(details),
        },
    )
    response = HttpResponse(html.replace('href="/', f'href="{settings.SYNCTRACE_WEB_URL}/'))
    response.headers["Content-Disposition"] = f'attachment; filename="run-{run_id}.html"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _details(run: PipelineRun, spans: Sequence[Span], chosen: frozenset[str], sight: Sight) -> Mapping[str, Any]:
    """Return the details of a run's chosen spans, by id."""
    lines = find_lines(source_of(run), Wanted({"trace_id": frozenset({trace_id_of(run.traceparent)})}))
    of_them = [line for line in lines if line.get("span_id") in chosen]
    shown = [span for span in spans if span.span_id in chosen]
    details = details_of(run, shown, of_them, sight, of_spans=[span.span_id for span in shown])
    for each in details.values():
        for link in each["links"]:
            if link.get("address", "").startswith("/"):
                link["address"] = f"{settings.SYNCTRACE_WEB_URL}{link['address']}"
    return details


def _telling(spans: Sequence[Span], flags: Sequence[int], on_path: frozenset[str]) -> frozenset[str]:
    """Return as many spans as fit: errors and open ones, then those on the critical path, then the others."""
    order = sorted(
        (not flag & (ERROR | OPEN), span.span_id not in on_path, at)
        for at, (span, flag) in enumerate(zip(spans, flags, strict=True))
    )
    return frozenset(spans[at].span_id for _, _, at in order[:MOST_DETAILS])


def style() -> SafeString:
    """Return our style sheet, for embedding in a page."""
    return mark_safe(_own("console.css"))  # noqa: S308  # what we wrote


def script() -> SafeString:
    """Return the waterfall's script as one module, for embedding in a page."""
    return mark_safe("".join(_BETWEEN_MODULES.sub("", _own(name)) for name in _SCRIPTS))  # noqa: S308  # what we wrote


def as_json(value: Any) -> SafeString:
    """Return a value as JSON for embedding in a page, with anything that could end a script escaped."""
    return mark_safe(orjson.dumps(value).decode().replace("<", "\\u003c"))  # noqa: S308  # see above


def _own(name: str) -> str:
    found = finders.find(f"console/{name}")
    if found is None:
        raise FileNotFoundError(name)
    return Path(found).read_text(encoding="utf-8")
