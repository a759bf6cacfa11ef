"""How complete a repository's stored data is: what GitHub counts, what is stored, and each gap with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.integrations.models import RepoSync
from apps.pulls.models import ChangedFile, Commit, PullRequest, Review
from apps.repositories.models import BEGINNING, TrackedRepository

_SYNCS_LOOKED_AT = 20
_MOST = 50
_REASONS: Mapping[str, str] = {
    "text": "was not text that can be stored: it was mended or left out",
    "date": "was not a date in the years 1 to 9999: it was left out",
    "number": "was not a number that can be stored: it was left out",
    "hidden": "is hidden from this token, by an organization's rules",
}
_LISTS: Mapping[str, tuple[type[Review | Commit | ChangedFile], str]] = {
    "reviews": (Review, "reviews_total"),
    "commits": (Commit, "commits_total"),
    "files": (ChangedFile, "files_total"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GapShown:
    """Something unavailable or altered, the run that last found it, and the reason in words."""

    pull_request: int | None
    run_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """How many of a repository's pull requests GitHub counts and we store, since when, and what they lack."""

    repository: TrackedRepository
    gaps: Sequence[GapShown]
    more_gaps: bool
    """Whether there may be more."""

    @property
    def is_whole(self) -> bool:
        """Whether all history is stored, not only recent updates."""
        return self.repository.covered_from == BEGINNING

    @property
    def words(self) -> str:
        """What the two counts mean together."""
        github, stored = self.repository.github_count, self.repository.stored_count
        if github is None or stored is None:
            return "How many pull requests GitHub counts is known once it is synced again."
        if stored == github:
            return "As many as GitHub counts."
        if stored > github:
            more = f"{stored - github:,} more than GitHub counts"
            return f"{more}: a sync of all history finds out whether they are deleted there."
        missing = f"GitHub counts {github - stored:,} more"
        if self.is_whole:
            return f"{missing}: they came in meanwhile, or are hidden from this token."
        return f"{missing}: they were last updated before, or are hidden from this token."

    @property
    def advice(self) -> str:
        """How to get older history too; empty if all of it is stored, or nothing."""
        if self.is_whole or self.repository.covered_from is None:
            return ""
        name, team = self.repository.full_name, self.repository.team.slug
        return f"{settings.SYNCTRACE_COMMAND} sync {name} --team {team} --all"


def completeness_of(repository: TrackedRepository, rows: QuerySet[RepoSync]) -> Completeness:
    """Return how complete a repository is; `rows` are its syncs, with its team."""
    gaps, more = _gaps(repository, rows)
    return Completeness(repository=repository, gaps=gaps, more_gaps=more)


def _gaps(repository: TrackedRepository, rows: QuerySet[RepoSync]) -> tuple[list[GapShown], bool]:
    """Return the gaps of its last syncs, newest first, each once; a list complete by now is not a gap."""
    having = list(rows.exclude(gaps=[]).order_by("-pk").values_list("run_id", "gaps")[: _SYNCS_LOOKED_AT + 1])
    found: dict[tuple[Any, ...], tuple[int, dict[str, Any]]] = {}
    for run_id, gaps in having[:_SYNCS_LOOKED_AT]:
        for gap in gaps:
            key = (gap["pull_request"], gap.get("list"), gap.get("field"), gap.get("cursor"))
            found.setdefault(key, (run_id, gap))
    kept = list(found.values())[:_MOST]
    lists = {gap["pull_request"] for _, gap in kept if "list" in gap}
    now = _counted(repository, lists) if lists else {}
    shown = [
        GapShown(pull_request=gap["pull_request"], run_id=run_id, reason=reason)
        for run_id, gap in kept
        if (reason := _reason(gap, now.get(gap["pull_request"])))
    ]
    return shown, len(having) > _SYNCS_LOOKED_AT or len(found) > _MOST


def _reason(gap: Mapping[str, Any], now: Mapping[str, Any] | None) -> str:
    """Return why there is a gap, in words; "" if it has closed."""
    if "list" in gap:
        name = gap["list"]
        stored, total = (now[f"{name}_stored"], now[_LISTS[name][1]]) if now else (None, None)
        if stored is None or total is None or stored >= total:
            return ""
        return f"GitHub counts {total:,} {name}, and gives no more than {stored:,} of them."
    what = gap["field"] if gap["pull_request"] is not None else "a pull request as a whole"
    return f"{what} {_REASONS.get(gap['reason'], gap['reason'])}."


def _counted(repository: TrackedRepository, numbers: set[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return what is now stored of some pull requests' lists, and what GitHub counts."""
    rows = PullRequest.objects.filter(repository=repository, number__in=numbers).annotate(
        **{f"{name}_stored": _count(model) for name, (model, _) in _LISTS.items()}
    )
    wanted = [each for name, (_, total) in _LISTS.items() for each in (f"{name}_stored", total)]
    return {row["number"]: row for row in rows.values("number", *wanted)}


def _count(model: type[Review | Commit | ChangedFile]) -> Coalesce:
    members = model.objects.filter(pull_request=OuterRef("pk")).order_by().values("pull_request")
    return Coalesce(Subquery(members.annotate(count=Count("pk")).values("count"), output_field=IntegerField()), 0)
