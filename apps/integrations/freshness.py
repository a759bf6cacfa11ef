"""Judge how fresh a repository's stored data is against its team's promise: one rule for every page and command.

Only recent runs count. A backfill reads what is old, and proves nothing about what is new.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    IntegerChoices,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from apps.integrations.errors import passing_types
from apps.integrations.models import PipelineRun, RepoSync
from apps.repositories.models import TrackedRepository

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

_HOUR = timedelta(hours=1)


class _Added(TypedDict):
    """What `with_freshness` adds to a repository."""

    fresh_at: datetime | None
    freshness: int


if TYPE_CHECKING:
    FreshRepository = WithAnnotations[TrackedRepository, _Added]  # pyright: ignore[reportInvalidTypeForm]  # for mypy


class Freshness(IntegerChoices):
    """Where a repository stands against the promise, the worst first.

    It needs somebody if nothing will heal it by itself. It has failed if the newest sync did for a reason that may
    pass, so that the next one may succeed. It is delayed if it is late and a sync that will fix that is under way.
    """

    NEEDS_YOU = 0, "needs you"
    FAILED = 1, "failed"
    DELAYED = 2, "delayed"
    NEVER_SYNCED = 3, "never synced"
    ON_TIME = 4, "on time"

    @property
    def word(self) -> str:
        """The state's one word, the same on pages and in commands."""
        return str(self.label)


_FAILED = Q(state=RepoSync.State.FAILED)
_NEWEST_SAYS = Case(
    When(_FAILED & Q(error_type__in=sorted(passing_types())), then=Value(Freshness.FAILED)),
    When(_FAILED, then=Value(Freshness.NEEDS_YOU)),
    When(~Q(state__in=RepoSync.ENDED) & Q(run__state=PipelineRun.State.RUNNING), then=Value(Freshness.DELAYED)),
    output_field=IntegerField(),
)
"""What a repository's newest recent sync says about it: failed for now or for good, under way, or nothing."""


def with_freshness(repositories: QuerySet[TrackedRepository], *, now: datetime) -> QuerySet[FreshRepository]:
    """Return the repositories with `fresh_at` and `freshness`, whose order is that of `Freshness`.

    `fresh_at` is the moment up to which everything is stored, which is when the last completed sync began; null if
    nothing is known to be complete. A failed newest sync outranks the promise: a refused token needs somebody even if
    the stored data stays fresh for hours.
    """
    recent = RepoSync.objects.filter(repository=OuterRef("pk"), is_backfill=False)
    completed = recent.filter(state=RepoSync.State.COMPLETED, started_at__isnull=False).order_by("-started_at")
    newest = recent.order_by("-pk").annotate(says=_NEWEST_SAYS)
    promise = ExpressionWrapper(
        Coalesce(F("team__fresh_hours"), Value(settings.SYNC_FRESH_HOURS)) * Value(_HOUR, output_field=DurationField()),
        output_field=DurationField(),
    )
    return (
        repositories.annotate(
            fresh_at=Case(When(covered_from__isnull=False, then=Subquery(completed.values("started_at")[:1])))
        )
        .alias(
            newest_says=Subquery(newest.values("says")[:1]),
            promised_since=ExpressionWrapper(
                Value(now, output_field=DateTimeField()) - promise, output_field=DateTimeField()
            ),
        )
        .annotate(
            freshness=Case(
                When(newest_says__in=(Freshness.FAILED, Freshness.NEEDS_YOU), then=F("newest_says")),
                When(fresh_at__isnull=True, then=Value(Freshness.NEVER_SYNCED)),
                When(fresh_at__gte=F("promised_since"), then=Value(Freshness.ON_TIME)),
                When(newest_says=Freshness.DELAYED, then=Value(Freshness.DELAYED)),
                default=Value(Freshness.NEEDS_YOU),
                output_field=IntegerField(),
            )
        )
    )


def counts_of(repositories: QuerySet[TrackedRepository], *by: str, now: datetime) -> list[dict[str, Any]]:
    """Return how many repositories are in each state, optionally by further fields: `freshness`, those, and `count`."""
    return list(with_freshness(repositories, now=now).order_by().values(*by, "freshness").annotate(count=Count("pk")))
