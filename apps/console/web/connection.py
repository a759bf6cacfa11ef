"""A connection: whose token it has, what that may do and see, and its repositories, to start a run over some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery import uuid
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.console.web.accounts import budgets_of
from apps.console.web.connecting import LIST_SECONDS, connection_to_act_on
from apps.console.web.picking import Choices, Picking
from apps.console.web.sight import Sight
from apps.console.web.window import UnclearWindowError, Window
from apps.integrations.connections import list_repositories
from apps.integrations.models import ApiLane, PipelineRun
from apps.integrations.tasks import start_pipeline
from apps.repositories.accounts import track
from apps.repositories.models import GitHubConnection, TokenAccess, TrackedRepository
from apps.repositories.names import InvalidRepositoryName
from apps.utils import clock

_LONGEST_TEXT = 200
_ASKS_GITHUB: Mapping[str, bool] = {"list": False, "read_on": True}
"""Actions that read the list of repositories, and whether they continue where it stopped."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def connection(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Show a connection, change which repositories are chosen, or start a run over them and redirect to it."""
    sight = Sight.of(request.user)
    found = connection_to_act_on(sight, connection_id)
    form, action = request.POST, request.POST.get("do", "")
    access = _access_of(found)
    if request.method == "POST" and (action in _ASKS_GITHUB):
        access = list_repositories(found, within=LIST_SECONDS, goes_on=_ASKS_GITHUB[action])
    names = [*form.getlist("repository"), *form.get("others", "").splitlines()]
    choices = _choices(found, access)
    picking = choices.picked(text=form.get("text", "").strip()[:_LONGEST_TEXT], names=names, action=action)
    window, wrong = Window.of(form.dict()), ""
    if request.method == "POST" and action == "start":
        try:
            return redirect("run", run_id=_start(found, picking, window).pk)
        except (InvalidRepositoryName, UnclearWindowError) as error:
            wrong = str(error)
    context = {"connection": found, "access": access, "picking": picking, "wrong": wrong}
    if "HX-Request" in request.headers:
        response = render(request, "console/parts/picking.html", context)
    else:
        more = {"window": window, **_who(sight, found, access)}
        response = render(request, "console/connection.html", {**context, **more}, status=422 if wrong else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _start(found: GitHubConnection, picking: Picking, window: Window) -> PipelineRun:
    """Track what is chosen, start a run over it, and return it."""
    arguments = window.as_arguments(now=clock.now())
    if not (picking.chosen or picking.unknown):
        raise InvalidRepositoryName("Choose a repository, or name one.")
    tracked = track(connection=found, full_names=picking.unknown, listed=picking.chosen)
    task_id = uuid()
    start_pipeline.apply_async(args=(found.team_id, [each.pk for each in tracked]), kwargs=arguments, task_id=task_id)
    return PipelineRun.objects.get(task_id=task_id, kind=PipelineRun.Kind.RECENT)


def _access_of(found: GitHubConnection) -> TokenAccess:
    """Return what is known of its token, if it was asked: an earlier version did not."""
    try:
        return found.access
    except TokenAccess.DoesNotExist:
        return TokenAccess(connection=found, asked_at=found.created_at)


def _choices(found: GitHubConnection, access: TokenAccess) -> Choices:
    tracked = TrackedRepository.objects.filter(team=found.team_id).values_list("full_name", "connection__account")
    return Choices(access.listed(), tracked=dict(tracked), account=found.account, api_url=found.api_url)


def _who(sight: Sight, found: GitHubConnection, access: TokenAccess) -> dict[str, Any]:
    """Return facts about the token: what is left of its account's limits, and what it may not do."""
    lane = sight.lanes().filter(account=found.account).first() or ApiLane(account=found.account)
    scopes = access.scopes
    return {
        "budgets": budgets_of(lane, now=clock.now()),
        "sees_public_alone": scopes is not None and "repo" not in scopes,
    }
