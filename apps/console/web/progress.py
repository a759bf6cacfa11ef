"""How far runs are: the one true count of what is read, of what GitHub says there is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Min, Q, Sum
from django.db.models.functions import Greatest

from apps.integrations.models import PipelineRun, RepoSync
from apps.utils import clock

_SHORTEST_MEASURED = 5.0  # seconds; what is faster says nothing about what follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Repositories and pull requests of a run, so far."""

    repositories: int = 0
    ended: int = 0
    failed: int = 0
    unsized: int = 0
    """Repositories of which GitHub has not said yet how much there is."""
    done: int = 0
    expected: int = 0
    requests: int = 0
    points: int = 0
    per_minute: float | None = None

    @property
    def share(self) -> float | None:
        """The share of pull requests that is read, from 0 to 1; None while not every repository's size is known."""
        if self.unsized and self.repositories != self.ended:
            return None
        return self.done / self.expected if self.expected else 1.0

    @property
    def percent(self) -> int | None:
        """The share in percent, rounded down: 100 is all."""
        return None if self.share is None else int(self.share * 100)

    @property
    def left(self) -> timedelta | None:
        """How long the rest takes at the speed so far; None where that cannot be said."""
        if self.share is None or not self.per_minute:
            return None
        return timedelta(minutes=(self.expected - self.done) / self.per_minute)

    @property
    def left_in_words(self) -> str:
        """How long the rest takes, in round numbers."""
        if self.left is None or not (seconds := self.left.total_seconds()):
            return ""
        if seconds < 90:
            return f"about {max(5, round(seconds / 5) * 5)} s"
        return f"about {round(seconds / 60)} min" if seconds < 5_400 else f"about {round(seconds / 3_600)} h"


def progress_of(runs: Collection[PipelineRun]) -> Mapping[int, Progress]:
    """Return how far each of `runs` is, by its number; the speed of those that go on and took up nothing."""
    ended, failed = Q(state__in=RepoSync.ENDED), Q(state=RepoSync.State.FAILED)
    rows = RepoSync.objects.filter(run__in=[run.pk for run in runs]).values("run")
    totals = rows.annotate(
        repositories=Count("pk"),
        ended=Count("pk", filter=ended),
        failed=Count("pk", filter=failed),
        unsized=Count("pk", filter=Q(prs_total=None) & ~ended),
        done=Sum("prs_done"),
        expected=Sum(Greatest(F("prs_done"), F("prs_total"))),
        requests=Sum("requests"),
        points=Sum("points"),
        began=Min("started_at"),
    )
    running = {run.pk for run in runs if run.ended_at is None and not run.resumed_by}
    now = clock.now()
    found = {}
    for total in totals:
        run, began = total["run"], total["began"]
        elapsed = (now - began).total_seconds() if began and run in running else 0.0
        found[run] = Progress(
            repositories=total["repositories"],
            ended=total["ended"],
            failed=total["failed"],
            unsized=total["unsized"],
            done=total["done"],
            expected=total["expected"] or 0,
            requests=total["requests"],
            points=total["points"],
            per_minute=total["done"] / elapsed * 60 if elapsed > _SHORTEST_MEASURED else None,
        )
    return found
