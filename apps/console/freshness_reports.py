"""Say in words how fresh repositories are, against which promise, why, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from django.conf import settings
from django.db.models import OuterRef, Subquery

from apps.integrations.errors import advice_for
from apps.integrations.freshness import Freshness
from apps.integrations.models import RepoSync
from apps.integrations.runs.queue import tell_places
from apps.repositories.models import TrackedRepository

_state_of, _fresh_at_of = attrgetter("freshness"), attrgetter("fresh_at")
"""What `with_freshness` adds to a repository."""
_DAYS_FROM = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessReport:
    """How fresh a repository is, why in a sentence, and what to do about it, if anything."""

    repository: TrackedRepository
    state: Freshness
    fresh_at: datetime | None
    """The moment up to which everything is stored; None if nothing is known to be complete."""
    newest: RepoSync | None
    """Its newest recent sync."""
    sentence: str
    advice: str = ""


def report_on(
    repositories: Iterable[TrackedRepository],
    *,
    now: datetime,
    sees: Callable[[int], bool] = lambda _team_id: True,
) -> list[FreshnessReport]:
    """Return how fresh each repository is, in order; they come from `with_freshness`, with their teams.

    `sees` says whether the reader may know what a team, which may share the account, is doing.
    """
    repositories = list(repositories)
    newest = _newest(repositories, sees) if repositories else {}
    return [_report(each, newest.get(each.pk), now) for each in repositories]


def span_in_words(span: timedelta) -> str:
    """Return a length of time rounded down: `40 min`, `3 h`, `5 days`."""
    if span < timedelta(hours=1):
        return f"{int(span.total_seconds() // 60)} min"
    return f"{int(span.total_seconds() // 3_600):,} h" if span < _DAYS_FROM else f"{span.days:,} days"


def _newest(repositories: Sequence[TrackedRepository], sees: Callable[[int], bool]) -> Mapping[int, RepoSync]:
    newest = RepoSync.objects.filter(repository=OuterRef("pk"), is_backfill=False).order_by("-pk").values("pk")[:1]
    keys = TrackedRepository.objects.filter(pk__in=[each.pk for each in repositories]).values_list(Subquery(newest))
    rows = list(RepoSync.objects.filter(pk__in=keys).select_related("run", "repository", "connection"))
    tell_places(rows, sees=sees)
    return {row.repository_id: row for row in rows}


def _report(repository: TrackedRepository, newest: RepoSync | None, now: datetime) -> FreshnessReport:
    state, fresh_at = Freshness(_state_of(repository)), _fresh_at_of(repository)
    sentence, advice = _SAYS[state](repository, newest, _Age(repository, fresh_at, now))
    return FreshnessReport(
        repository=repository, state=state, fresh_at=fresh_at, newest=newest, sentence=sentence, advice=advice
    )


class _Age:
    """How old the stored data is, and how much older than promised."""

    def __init__(self, repository: TrackedRepository, fresh_at: datetime | None, now: datetime) -> None:
        self.age = None if fresh_at is None else now - fresh_at
        self.promised = timedelta(hours=repository.team.promised_hours)

    @property
    def late(self) -> str:
        """By how much it is late; empty if it is not, or if nothing is stored."""
        return "" if self.age is None or self.age <= self.promised else span_in_words(self.age - self.promised)

    @property
    def sentence(self) -> str:
        """How old it is, and whether that is within the promise."""
        if self.age is None:
            return "Nothing of it is known to be complete."
        stands = f"{self.late} late" if self.late else "within the promise"
        return f"What is stored is {span_in_words(self.age)} old, {stands}."


def _on_time(_repository: TrackedRepository, _newest: RepoSync | None, age: _Age) -> tuple[str, str]:
    return age.sentence, ""


def _delayed(_repository: TrackedRepository, newest: RepoSync | None, age: _Age) -> tuple[str, str]:
    return f"{age.late} late. {_under_way(newest)}", ""


def _failed(_repository: TrackedRepository, newest: RepoSync | None, age: _Age) -> tuple[str, str]:
    if newest is None:  # its run was deleted since
        return age.sentence, ""
    said = newest.error_msg.rstrip(". ")
    return f"Run {newest.run_id} failed{f': {said}' if said else ''}. {age.sentence}", advice_for(newest.error_type) or ""


def _needs_you(repository: TrackedRepository, newest: RepoSync | None, age: _Age) -> tuple[str, str]:
    if newest is not None and newest.state == RepoSync.State.FAILED:
        return _failed(repository, newest, age)
    if newest is not None and newest.state == RepoSync.State.CANCELLED:
        by = f" by {newest.run.cancelled_by}" if newest.run.cancelled_by else ""
        said = f"{age.late} late. Run {newest.run_id} was cancelled{by}, and nothing is under way."
        return said, f"Resume run {newest.run_id}, or start another sync: {_command(repository)}"
    return f"{age.late} late, and nothing is under way.", f"Start a sync: {_command(repository)}"


def _never_synced(repository: TrackedRepository, newest: RepoSync | None, age: _Age) -> tuple[str, str]:
    if newest is not None and newest.state not in RepoSync.ENDED:
        return f"{age.sentence} {_under_way(newest)}", ""
    return age.sentence, f"Start a sync: {_command(repository)}"


def _under_way(newest: RepoSync | None) -> str:
    return "" if newest is None else f"Run {newest.run_id} is under way: {newest.said.rstrip('. ')}."


def _command(repository: TrackedRepository) -> str:
    return f"{settings.SYNCTRACE_COMMAND} sync {repository.full_name} --team {repository.team.slug}"


_SAYS: Mapping[Freshness, Callable[[TrackedRepository, RepoSync | None, _Age], tuple[str, str]]] = {
    Freshness.NEEDS_YOU: _needs_you,
    Freshness.FAILED: _failed,
    Freshness.DELAYED: _delayed,
    Freshness.NEVER_SYNCED: _never_synced,
    Freshness.ON_TIME: _on_time,
}
