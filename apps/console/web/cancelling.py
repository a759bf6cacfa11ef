"""Cancel a run, after asking once: for the team's owners and for staff."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask whether to cancel, or cancel."""
    sight = Sight.of(request.user)
    run = run_seen(sight, run_id)
    sight.require_acting_for(run.team_id)
    if request.method != "POST":
        return render(request, "console/cancel.html", {"run": run})
    try:
        pipeline.cancel(run.pk, by=request.user.get_username())
    except WrongState as error:
        return render(request, "console/cancel.html", {"run": run, "refused": f"{error}."}, status=409)
    return redirect("run", run_id=run.pk)
