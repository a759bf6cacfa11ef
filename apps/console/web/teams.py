"""Teams: their repositories against the promise, their weeks, their members, and the promise itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.console.web.page import Page
from apps.console.web.paging import paged
from apps.console.web.repositories import StateCount, state_counts, worst_of
from apps.console.web.sight import Sight
from apps.console.web.weekly import weekly_of
from apps.integrations.freshness import Freshness, counts_of
from apps.teams.models import MOST_HOURS, Team
from apps.utils import clock

_WEEKS = (13, 26, 52)
_MEMBERS = 100
_NO_TEAM = 2**63 - 1
"""The database's largest number, which no team will ever have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamLine:
    """A team as a list shows it."""

    team: Team
    counts: Sequence[StateCount]
    repositories: int
    members: int


def _read_all(sight: Sight, query: QueryDict) -> dict[str, Any]:
    now = clock.now()
    every = sight.all_teams()
    page = paged(every, query, by=("name", "pk"), every=every)
    theirs = sight.repositories().filter(team__in=[team.pk for team in page.rows])
    counts: dict[int, dict[int, int]] = {}
    for each in counts_of(theirs, "team", now=now):
        counts.setdefault(each["team"], {})[each["freshness"]] = each["count"]
    members = dict(sight.memberships().filter(team__in=page.rows).values_list("team").annotate(Count("pk")))
    return {
        "page": page,
        "lines": [
            TeamLine(
                team=team,
                counts=[StateCount(state.word, of[state]) for state in Freshness if state in of],
                repositories=sum(of.values()),
                members=members.get(team.pk, 0),
            )
            for team in page.rows
            for of in (counts.get(team.pk, {}),)
        ],
    }


def _read(sight: Sight, query: QueryDict, *, slug: str) -> dict[str, Any]:
    now = clock.now()
    team = get_object_or_404(sight.all_teams(), slug=slug)
    weeks = query.get("weeks", "")
    shown = next((number for number in _WEEKS if str(number) == weeks), _WEEKS[1])
    members = sight.memberships().filter(team=team).select_related("user").order_by("-role", "user__username")
    found = list(members[: _MEMBERS + 1])
    return {
        "team": team,
        "of_team": {"team": team.slug},
        "may_act": sight.may_act_for(team.pk),
        "counts": state_counts(sight.repositories().filter(team=team), now=now),
        "worst": worst_of(sight, now=now, team=team),
        "weekly": weekly_of(team, sight, weeks=shown, now=now),
        "weeks": shown,
        "choices": _WEEKS,
        "members": found[:_MEMBERS],
        "more_members": len(found) > _MEMBERS,
    }


@require_safe
def by_number(request: HttpRequest, team_id: int) -> HttpResponse:
    """Redirect to a team's page, for Jaeger's pages, which know only its number."""
    team = get_object_or_404(Sight.of(request.user).all_teams(), pk=min(team_id, _NO_TEAM))
    return redirect("team", slug=team.slug)


class _Promise(forms.Form):
    """How many hours old stored data may be; empty for the default promise."""

    hours = forms.IntegerField(
        label="Hours",
        required=False,
        min_value=1,
        max_value=MOST_HOURS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def promise(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a team's promise, or change it: for its owners and for staff."""
    sight = Sight.of(request.user)
    team = get_object_or_404(sight.all_teams(), slug=slug)
    sight.require_acting_for(team.pk)
    form = _Promise(request.POST if request.method == "POST" else None, initial={"hours": team.fresh_hours})
    if form.is_valid():
        team.fresh_hours = form.cleaned_data["hours"]
        team.save(update_fields=["fresh_hours"])
        return redirect("team", slug=team.slug)
    return render(request, "console/promise.html", {"team": team, "form": form}, status=400 if form.is_bound else 200)


teams = Page(template="console/teams.html", part="console/parts/teams.html", read=_read_all)
team = Page(template="console/team.html", part="console/parts/team.html", read=_read)
