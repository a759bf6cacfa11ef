"""Resume a run: everything it lost, or chosen repositories."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.tasks import send

_MOST_OFFERED = 200
"""The most repositories to choose from; with more, all are resumed, or the one that a link names."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask what to resume, or resume it and redirect to the new run."""
    sight = Sight.of(request.user)
    run = run_seen(sight, run_id)
    sight.require_acting_for(run.team_id)
    asked = request.POST if request.method == "POST" else request.GET
    chosen = asked.getlist("repository")
    if request.method != "POST":
        return render(request, "console/resume.html", _context(run, chosen))
    try:
        resumed = pipeline.resume_run(
            run.pk, by=request.user.get_username(), repositories=chosen if asked.get("which") == "chosen" else None
        )
    except WrongState as error:
        return render(request, "console/resume.html", {**_context(run, chosen), "refused": f"{error}."}, status=409)
    send([*pipeline.advance(resumed.pk), *pipeline.admit()])  # without a broker, the sweep sends it
    return redirect("run", run_id=resumed.pk)


def _context(run: PipelineRun, chosen: Collection[str]) -> dict[str, Any]:
    has_ended = run.ended_at is not None and run.state != PipelineRun.State.COMPLETED
    left = pipeline.left_to_resume(run) if has_ended else []
    lost = [row for row in left if row.state != RepoSync.State.COMPLETED]
    named = {name.lower() for name in chosen}
    lost.sort(key=lambda row: row.repository.full_name.lower() not in named)
    return {
        "run": run,
        "title": f"Resume run {run.pk}?",
        "lost": len(lost),
        "offered": [(row, row.repository.full_name.lower() in named) for row in lost[:_MOST_OFFERED]]
        if len(lost) > 1
        else [],
        "left_out": max(0, len(lost) - _MOST_OFFERED),
        "is_chosen": bool(named) and len(lost) > 1,
    }
