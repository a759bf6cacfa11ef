"""A team's weeks: its metrics, and the data behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from apps.analysis.models import WeeklyMetrics
from apps.console.web.plots import Period, Plot, plot_of, week_of
from apps.console.web.sight import Sight
from apps.integrations.freshness import with_freshness
from apps.integrations.models import PipelineRun
from apps.teams.models import Team

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekLine:
    """A week, its metrics, and for how many repositories everything merged in it is stored."""

    monday: date
    metrics: WeeklyMetrics | None
    stored: int
    repositories: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the week can be missing."""
        return self.stored == self.repositories > 0

    @property
    def merged(self) -> int:
        """How many stored pull requests were merged."""
        return self.metrics.merged if self.metrics else 0

    @property
    def ai_assisted_percent(self) -> float | None:
        """The AI-assisted share of them."""
        share = self.metrics.ai_assisted_share if self.metrics else None
        return None if share is None else 100 * share


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """A team's last weeks, newest first, their pictures, and the run that computed them."""

    lines: Sequence[WeekLine]
    plots: Sequence[Plot]
    merged: int
    whole: int
    """How many of the weeks are completely stored."""
    with_gaps: int
    """How many repositories have gaps from GitHub."""
    computed_by: PipelineRun | None


def weekly_of(team: Team, sight: Sight, *, weeks: int, now: datetime) -> Weekly:
    """Return the team's last weeks, including the current one."""
    this = now.astimezone(UTC).date() - timedelta(days=now.astimezone(UTC).weekday())
    mondays = [this - _WEEK * back for back in range(weeks)]
    metrics = {each.week: each for each in WeeklyMetrics.objects.filter(team=team, week__gte=mondays[-1])}
    repositories = with_freshness(sight.repositories().filter(team=team), now=now)
    windows = list(repositories.values_list("covered_from", "fresh_at"))
    lines = [_line(monday, metrics.get(monday), windows) for monday in mondays]
    ended = sight.runs().filter(team=team, state__in=(PipelineRun.State.COMPLETED, PipelineRun.State.PARTIAL))
    gaps = sight.repo_syncs().filter(run__team=team).exclude(gaps=[])
    return Weekly(
        lines=lines,
        plots=_plots(lines[::-1]),
        merged=sum(line.merged for line in lines),
        whole=sum(line.is_whole for line in lines),
        with_gaps=gaps.values("repository").distinct().count(),
        computed_by=ended.order_by("-pk").first(),
    )


def _line(
    monday: date, metrics: WeeklyMetrics | None, windows: Sequence[tuple[datetime | None, datetime | None]]
) -> WeekLine:
    begins = datetime.combine(monday, time(), tzinfo=UTC)
    ends = begins + _WEEK
    stored = sum(since is not None and until is not None and since <= begins and until >= ends for since, until in windows)
    return WeekLine(monday=monday, metrics=metrics, stored=stored, repositories=len(windows))


def _plots(lines: Sequence[WeekLine]) -> list[Plot]:
    """Return the five pictures of weeks, oldest first."""

    def weeks(name: str) -> list[Period]:
        none = 0 if name == "merged" else None
        return [
            week_of(line.monday, getattr(line.metrics, name) if line.metrics else none, is_whole=line.is_whole)
            for line in lines
        ]

    shares = [week_of(line.monday, line.ai_assisted_percent, is_whole=line.is_whole) for line in lines]
    return [
        plot_of(weeks("merged"), key="merged", title="Merged a week", is_bars=True),
        plot_of(weeks("cycle_time_hours"), key="cycle", title="Cycle time, first commit to merge, median", unit=" h"),
        plot_of(weeks("review_time_hours"), key="review", title="Review time, opening to first review, median", unit=" h"),
        plot_of(weeks("size"), key="size", title="Size, lines added and deleted, median"),
        plot_of(shares, key="assisted", title="AI-assisted, of those merged", unit=" %", top=100),
    ]
