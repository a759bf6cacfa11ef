"""Connect an installation of the GitHub App in the settings: for staff, because it may be anybody's."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.console.web.connecting import CHECK_SECONDS, TeamForm, checked
from apps.console.web.finding import Finding
from apps.console.web.sight import Sight
from apps.integrations import connections
from apps.integrations.errors import SyncError, message_of
from apps.integrations.services.clients import configured_app
from apps.repositories.models import GitHubConnection


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def github_app(request: HttpRequest) -> HttpResponse:
    """Show where the app is installed and how to install it, and connect a team with one of these places."""
    sight = Sight.of(request.user)
    if sight.teams is not None:
        raise PermissionDenied
    if configured_app() is None:
        raise Http404
    form = TeamForm(request.POST or None, sight=sight)

    def connect() -> GitHubConnection:
        number = request.POST.get("installation", "")
        return connections.connect_installation(
            team=form.team_of(),
            api_url=settings.SYNCTRACE_API_URLS[0],
            installation_id=int(number) if number.isascii() and number.isdigit() else 0,
            by=request.user.get_username(),
            within=CHECK_SECONDS,
        )

    if request.method == "POST" and form.is_valid():
        return checked(connect, lambda refusal: _page(request, form, refusal))
    return _page(request, form)


def _page(request: HttpRequest, form: TeamForm, refusal: Finding | None = None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "refusal": refusal}
    try:
        app, installations = connections.github_app(api_url=settings.SYNCTRACE_API_URLS[0], within=CHECK_SECONDS)
        context |= {"app": app, "installations": installations}
    except SyncError as error:
        context["refusal"] = refusal or Finding(sentence=f"{message_of(error).rstrip('. ')}.", advice=error.advice)
    refused = context["refusal"] is not None or bool(form.errors)
    return render(request, "console/github_app.html", context, status=422 if refused else 200)
