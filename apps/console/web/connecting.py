"""Connect an account with a token, which is checked at once, stored encrypted and never shown; or replace its token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.console.web.finding import Finding
from apps.console.web.sight import Sight
from apps.integrations import connections
from apps.integrations.errors import (
    NotFound,
    Parked,
    RateLimited,
    SecondaryLimited,
    SyncError,
    Unauthorized,
    message_of,
)
from apps.integrations.services.clients import configured_app
from apps.repositories.models import GitHubConnection
from apps.teams.models import Team

CHECK_SECONDS = 8.0
"""How long each request about a token may take while somebody waits for the page."""
LIST_SECONDS = 15.0
"""How long one reading of a list of repositories may take."""

_WAIT = "Nothing was stored. Try again then: GitHub's limits apply to the account, whatever uses it."
_ADVICE: Mapping[type[SyncError], str] = {
    Unauthorized: (
        "GitHub does not accept the token: it was not copied whole, was revoked, or has expired. "
        "Paste it again, or create a new one."
    ),
    Parked: _WAIT,
    RateLimited: _WAIT,
    SecondaryLimited: _WAIT,
    NotFound: "What answers there is not a GitHub API. An administrator can check SYNCTRACE_API_URLS.",
}
"""Advice on errors for somebody who pastes a token; other errors have their usual advice."""


class TeamForm(forms.Form):
    """The team; staff may name a new one if there is none yet."""

    team = forms.ModelChoiceField(Team.objects.none(), required=False, empty_label=None)
    new_team = forms.CharField(max_length=50, required=False)

    def __init__(self, *args: Any, sight: Sight, **options: Any) -> None:
        super().__init__(*args, **options)
        teams = sight.teams_to_act_for().order_by("name")
        some = list(teams[:2])
        self.may_make_team = sight.may_make_teams and not some
        self.only_team = some[0] if len(some) == 1 else None
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"{name}-help"
        if isinstance(team := self.fields["team"], forms.ModelChoiceField):
            team.queryset = teams

    def clean(self) -> dict[str, Any]:
        """Require a team, or a valid name for a new one."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.may_make_team:
            if not slugify(cleaned.get("new_team", "")):
                self.add_error("new_team", "Name the team, with letters or digits.")
        elif not cleaned.get("team") and "team" not in self.errors:
            self.add_error("team", "Choose a team.")
        return cleaned

    def team_of(self) -> Team:
        """Return the team, which is stored now if it is new."""
        if not self.may_make_team:
            found: Team = self.cleaned_data["team"]
            return found
        name = self.cleaned_data["new_team"]
        return Team.objects.get_or_create(slug=slugify(name), defaults={"name": name})[0]


class _TokenForm(forms.Form):
    token = forms.CharField(
        max_length=1_000,
        error_messages={"required": "Paste a token.", "max_length": "This is too long for a token."},
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False),
    )


class _ConnectForm(TeamForm, _TokenForm):
    """For whom, where, and the token."""

    api_url = forms.ChoiceField()

    def __init__(self, *args: Any, sight: Sight, **options: Any) -> None:
        super().__init__(*args, sight=sight, **options)
        if isinstance(api_url := self.fields["api_url"], forms.ChoiceField):
            api_url.choices = [(url, urlsplit(url).netloc) for url in settings.SYNCTRACE_API_URLS]
        self.has_one_api = len(settings.SYNCTRACE_API_URLS) == 1


@never_cache
@sensitive_post_parameters("token")
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """Show which accounts are connected, and connect one more."""
    sight = Sight.of(request.user)
    if request.method != "POST":
        return _connect_page(request, sight, _ConnectForm(sight=sight))
    if not sight.may_act:
        raise PermissionDenied
    form = _ConnectForm(request.POST, sight=sight)
    if not form.is_valid():
        return _connect_page(request, sight, form)

    def check() -> GitHubConnection:
        return connections.connect(
            team=form.team_of(),
            api_url=form.cleaned_data["api_url"],
            token=form.cleaned_data["token"],
            by=request.user.get_username(),
            within=CHECK_SECONDS,
        )

    return checked(check, lambda refusal: _connect_page(request, sight, form, refusal))


@never_cache
@sensitive_post_parameters("token")
@require_http_methods(["GET", "HEAD", "POST"])
def token(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Ask for another token of a connection's account, and store it."""
    found = connection_to_act_on(Sight.of(request.user), connection_id)
    if found.installation_id is not None:  # a GitHub App makes its tokens
        raise Http404
    form = _TokenForm(request.POST or None)

    def page(refusal: Finding | None = None) -> HttpResponse:
        refused = refusal is not None or bool(form.errors)
        context = {"connection": found, "form": form, "refusal": refusal, "token_page": token_page(found.api_url)}
        return render(request, "console/token.html", context, status=422 if refused else 200)

    def check() -> GitHubConnection:
        username = request.user.get_username()
        connections.replace_token(found, form.cleaned_data["token"], by=username, within=CHECK_SECONDS)
        return GitHubConnection.objects.get(pk=found.pk)

    return checked(check, page) if request.method == "POST" and form.is_valid() else page()


def connection_to_act_on(sight: Sight, connection_id: int) -> GitHubConnection:
    """Return a connection with its team for those who may change it; others get a 404 or a 403."""
    if connection_id >= 2**63:
        raise Http404
    found = get_object_or_404(sight.connections().select_related("team", "access"), pk=connection_id)
    sight.require_acting_for(found.team_id)
    return found


def token_page(api_url: str) -> str:
    """Return where GitHub makes a token with the scopes that a sync needs."""
    api = urlsplit(api_url)
    query = urlencode({"scopes": "repo,read:org", "description": "synctrace"})
    return f"{api.scheme}://{api.netloc.removeprefix('api.')}/settings/tokens/new?{query}"


def checked(check: Callable[[], GitHubConnection], page: Callable[[Finding], HttpResponse]) -> HttpResponse:
    """Redirect to the repositories of what `check` has connected, or show why it could not."""
    try:
        found = check()
    except SyncError as error:
        advice = next((text for kind, text in _ADVICE.items() if type(error) is kind), error.advice)
        return page(Finding(sentence=f"{message_of(error).rstrip('. ')}.", advice=advice))
    connections.list_repositories(found, within=LIST_SECONDS)
    return redirect("connection", connection_id=found.pk)


def _connect_page(request: HttpRequest, sight: Sight, form: _ConnectForm, refusal: Finding | None = None) -> HttpResponse:
    connected = sight.connections().select_related("team", "access").annotate(tracked=Count("repositories"))
    lines = [(each, sight.may_act_for(each.team_id)) for each in connected.order_by("team__name", "account")]
    context = {
        "sight": sight,
        "form": form,
        "refusal": refusal,
        "lines": lines,
        "token_page": token_page(settings.SYNCTRACE_API_URLS[0]),
        "has_app": configured_app() is not None,
        "teams": [] if sight.may_act else list(sight.all_teams().order_by("name")),
    }
    refused = refusal is not None or bool(form.errors)
    return render(request, "console/connect.html", context, status=422 if refused else 200)
