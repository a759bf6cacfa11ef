"""Points over time: what each account paid in each hour of the last day, and for which teams and repositories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, F, Min, Sum, Window
from django.db.models.functions import RowNumber

from apps.console.web.plots import Plot, hour_of, plot_of
from apps.console.web.sight import Sight
from apps.integrations.models import PointsSpent

HOURS = 24
_HOUR = timedelta(hours=1)
_REMOVED = "repositories that were removed"
_TEAMS, _REPOSITORIES = 8, 5
"""How many teams are named for an account, and how many repositories for each: those that spent most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HourLine:
    """An hour, what was spent in it (None if not counted), and a caveat for a part of an hour."""

    begins: datetime
    points: int | None
    caveat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """A team, a repository or several unnamed ones, with what was spent for it and its share in percent."""

    name: str
    points: int
    percent: float
    team: str = ""
    """The slug of a visible team."""
    repository: int | None = None
    is_part: bool = False
    """Whether it is part of the preceding team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What an account paid in the last day: by hour, newest first, and for whom, most first."""

    points: int
    hours: Sequence[HourLine]
    spenders: Sequence[Spender]
    plot: Plot
    is_counted: bool
    """Whether anything was ever counted."""
    since: datetime | None
    """When counting began, if within this day: earlier spending is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repositories:
    """The repositories of a team that an account paid most for, and how many there are."""

    team: str
    slug: str
    first: list[tuple[int | None, str, int]]
    count: int


def spending_of(accounts: Sequence[str], sight: Sight, *, now: datetime) -> Mapping[str, Spending]:
    """Return what each of the visible accounts paid in the last day, with three queries in total."""
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begins = [this - _HOUR * back for back in range(HOURS)]
    counted_since: datetime | None = PointsSpent.objects.aggregate(first=Min("hour"))["first"]
    seen_team = sight.team_if_seen("connection__team")
    spent = sight.points_spent().filter(hour__gte=begins[-1]).annotate(seen_team=seen_team)
    by_hour: dict[str, Counter[datetime]] = {}
    by_team: dict[str, Counter[int | None]] = {}
    sums = spent.values_list("connection__account", "hour", "seen_team").annotate(Sum("points"))
    for account, hour, team, points in sums:
        by_hour.setdefault(account, Counter())[hour] += points
        by_team.setdefault(account, Counter())[team] += points
    repositories = _repositories(sight, begins[-1])
    return {
        account: _spending(
            number,
            [_hour(each, by_hour.get(account, Counter()), counted_since, this) for each in begins],
            _spenders(by_team.get(account, Counter()), repositories.get(account, {})),
            counted_since,
        )
        for number, account in enumerate(accounts)
    }


def _hour(begins: datetime, points: Mapping[datetime, int], counted_since: datetime | None, this: datetime) -> HourLine:
    if counted_since is None or begins < counted_since:
        return HourLine(begins=begins, points=None, caveat="not counted")
    caveat = "so far" if begins == this else "a part of it counted" if begins == counted_since else ""
    return HourLine(begins=begins, points=points.get(begins, 0), caveat=caveat)


def _spending(
    number: int, hours: Sequence[HourLine], spenders: Sequence[Spender], counted_since: datetime | None
) -> Spending:
    oldest_first = [hour_of(each.begins, each.points, caveat=each.caveat) for each in reversed(hours)]
    return Spending(
        points=sum(each.points or 0 for each in hours),
        hours=hours,
        spenders=spenders,
        plot=plot_of(oldest_first, key=f"spent-{number}", title="Points by hour, UTC", each="hour", is_bars=True),
        is_counted=counted_since is not None,
        since=counted_since if counted_since is not None and counted_since >= hours[-1].begins else None,
    )


def _repositories(sight: Sight, since: datetime) -> Mapping[str, Mapping[int, _Repositories]]:
    """Return the repositories that most was spent for, by account and visible team."""
    of_a_team = [F("connection__account"), F("seen_team")]
    names = ("connection__account", "seen_team", "connection__team__name", "connection__team__slug")
    ranked = (
        sight.points_spent()
        .filter(hour__gte=since)
        .annotate(seen_team=sight.team_if_seen("connection__team"))
        .filter(seen_team__isnull=False)
        .values_list(*names, "repository", "repository__full_name")
        .annotate(spent=Sum("points"))
        .annotate(
            nth=Window(RowNumber(), partition_by=of_a_team, order_by=[F("spent").desc(), F("repository")]),
            count=Window(Count("*"), partition_by=of_a_team),
        )
        .filter(nth__lte=_REPOSITORIES)
        .order_by("connection__account", "seen_team", "nth")
    )
    found: dict[str, dict[int, _Repositories]] = {}
    for account, team, name, slug, repository, full_name, points, _, count in ranked:
        of_team = found.setdefault(account, {})
        if team not in of_team:
            of_team[team] = _Repositories(team=name, slug=slug, first=[], count=count)
        of_team[team].first.append((repository, full_name or _REMOVED, points))
    return found


def _spenders(by_team: Mapping[int | None, int], repositories: Mapping[int, _Repositories]) -> list[Spender]:
    """Return the teams by spending, each with its repositories, and finally everything unnamed."""
    whole = sum(by_team.values())
    seen = sorted(
        ((points, team) for team, points in by_team.items() if team is not None and team in repositories), reverse=True
    )
    lines: list[Spender] = []
    for points, team in seen[:_TEAMS]:
        of_team = repositories[team]
        lines.append(_spender(of_team.team, points, whole, team=of_team.slug))
        lines += [_spender(name, each, whole, repository=pk, is_part=True) for pk, name, each in of_team.first]
        if left := of_team.count - len(of_team.first):
            rest = max(0, points - sum(each for _, _, each in of_team.first))  # more may be spent between two queries
            named = "1 more repository" if left == 1 else f"{left:,} more repositories"
            lines.append(_spender(named, rest, whole, is_part=True))
    more = [points for points, _ in seen[_TEAMS:]]
    if more:
        lines.append(_spender(f"{len(more):,} more {'team' if len(more) == 1 else 'teams'}", sum(more), whole))
    if others := by_team.get(None, 0):
        lines.append(_spender("other teams", others, whole))
    return lines


def _spender(
    name: str, points: int, whole: int, *, team: str = "", repository: int | None = None, is_part: bool = False
) -> Spender:
    percent = 100 * points / whole
    return Spender(name=name, points=points, percent=percent, team=team, repository=repository, is_part=is_part)
