"""Cancel and resume a run, after asking once: for the team's owners and for staff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import WrongState
from apps.integrations.models import PipelineRun
from apps.integrations.tasks import send


@dataclass(frozen=True, slots=True, kw_only=True)
class _Action:
    """What is done, and the words that ask for it."""

    title: str
    text: str
    button: str
    is_dangerous: bool
    do: Callable[[int, str], PipelineRun]


def _cancel(run_id: int, by: str) -> PipelineRun:
    return pipeline.cancel(run_id, by=by)


def _resume(run_id: int, by: str) -> PipelineRun:
    run = pipeline.resume_run(run_id, by=by)
    send([*pipeline.advance(run.pk), *pipeline.admit()])  # without a broker, the sweep does
    return run


_CANCEL = _Action(
    title="Cancel run {}?",
    text="Nothing more is asked of GitHub. What is stored stays, and the run can be resumed where it stopped.",
    button="Cancel the run",
    is_dangerous=True,
    do=_cancel,
)
_RESUME = _Action(
    title="Resume run {}?",
    text="A new run takes it up where it stopped. Of a partial run, only the repositories that failed are read.",
    button="Resume it",
    is_dangerous=False,
    do=_resume,
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask whether to cancel, or cancel."""
    return _act(request, run_id, _CANCEL)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask whether to resume, or resume, and lead to the new run."""
    return _act(request, run_id, _RESUME)


def _act(request: HttpRequest, run_id: int, action: _Action) -> HttpResponse:
    sight = Sight.of(request.user)
    run = run_seen(sight, run_id)
    if not sight.may_act_for(run.team_id):
        raise PermissionDenied
    context = {"run": run, "action": action, "title": action.title.format(run.pk)}
    if request.method != "POST":
        return render(request, "console/action.html", context)
    try:
        acted = action.do(run.pk, request.user.get_username())
    except WrongState as error:
        return render(request, "console/action.html", {**context, "refused": f"{error}."}, status=409)
    return redirect("run", run_id=acted.pk)
