"""List the repositories that teams track: which, in which order, and each against its team's promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import QueryDict

from apps.console.freshness_reports import FreshnessReport, report_on
from apps.console.web.asking import Asked
from apps.console.web.page import Page
from apps.console.web.paging import paged
from apps.console.web.sight import Sight
from apps.integrations.freshness import Freshness, counts_of, with_freshness
from apps.repositories.models import BEGINNING, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock

if TYPE_CHECKING:
    from apps.integrations.freshness import FreshRepository

ORDERS: Mapping[str, tuple[str, ...]] = {
    "worst first": ("freshness", "full_name", "pk"),
    "name": ("full_name", "pk"),
    "oldest first": ("stored_until", "pk"),
    "newest first": ("-stored_until", "-pk"),
}
_WORST = 10
_STATES: Mapping[str, Freshness] = {state.word: state for state in Freshness}


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFilter(Asked):
    """Which repositories, in which order; empty or invalid values do not restrict."""

    text: str = ""
    team: str = ""
    state: str = ""
    order: str = ""

    @property
    def order_or_usual(self) -> str:
        """The requested order, or the default."""
        return self.order if self.order in ORDERS else next(iter(ORDERS))

    def named(self, sight: Sight) -> QuerySet[TrackedRepository]:
        """Return the visible matching repositories, in any state."""
        rows = sight.repositories().select_related("team")
        if self.team:
            rows = rows.filter(team__slug=self.team)
        return rows.filter(full_name__icontains=self.text) if self.text else rows

    def in_state(self, rows: QuerySet[FreshRepository]) -> QuerySet[FreshRepository]:
        """Return those in the requested state."""
        return rows.filter(freshness=_STATES[self.state]) if self.state in _STATES else rows


@dataclass(frozen=True, slots=True)
class StateCount:
    """A state's word, and how many repositories are in it."""

    word: str
    count: int


def state_counts(rows: QuerySet[TrackedRepository], *, now: datetime) -> list[StateCount]:
    """Return how many repositories are in each state, worst first, without empty states."""
    counts = {each["freshness"]: each["count"] for each in counts_of(rows, now=now)}
    return [StateCount(state.word, counts[state]) for state in Freshness if state in counts]


def worst_of(sight: Sight, *, now: datetime, team: Team | None = None) -> list[FreshnessReport]:
    """Return repositories that are not on time, of all visible ones or of a team, worst first, up to a limit."""
    rows = sight.repositories() if team is None else sight.repositories().filter(team=team)
    late = with_freshness(rows, now=now).select_related("team").filter(freshness__lt=Freshness.ON_TIME)
    return report_on(late.order_by("freshness", "full_name", "pk")[:_WORST], now=now, sees=sight.has)


def _read(sight: Sight, query: QueryDict) -> dict[str, Any]:
    asked, now = RepositoryFilter.of(query), clock.now()
    named = asked.named(sight)
    every = with_freshness(named, now=now)
    order = ORDERS[asked.order_or_usual]
    if "stored_until" in order[0]:
        every = every.annotate(stored_until=Coalesce("fresh_at", BEGINNING))
    page = paged(asked.in_state(every), query, by=order, every=every)
    return {
        "filter": asked,
        "query": asked.as_query(),
        "lines": report_on(page.rows, now=now, sees=sight.has),
        "page": page,
        "counts": state_counts(named, now=now),
        "teams": sight.all_teams().order_by("name").values_list("slug", "name"),
        "states": list(_STATES),
        "orders": list(ORDERS),
    }


repositories = Page(template="console/repositories.html", part="console/parts/repositories.html", read=_read)
