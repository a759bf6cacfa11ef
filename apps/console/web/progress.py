"""Compute how far runs are: the only count of what is read, out of what GitHub says there is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, F, Min, Q, Sum
from django.db.models.functions import Greatest

from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.removed import Removed, removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Repositories and pull requests of a run, so far."""

    name: str = ""
    """The repository's name, or the alphabetically first of several."""
    repositories: int = 0
    ended: int = 0
    failed: int = 0
    unsized: int = 0
    """Repositories whose size GitHub has not reported yet."""
    done: int = 0
    expected: int = 0
    requests: int = 0
    points: int = 0
    removed: Removed | None = None
    """Repositories removed since: what was read of them is only known as far as the run recorded at its end."""

    @property
    def others(self) -> int:
        """How many repositories it has besides the named one."""
        return max(0, self.repositories - 1)

    @property
    def share(self) -> float | None:
        """The share of pull requests read, from 0 to 1; None unless every repository's size is known."""
        if self.removed is not None:
            return None
        if self.unsized and self.repositories != self.ended:
            return None
        return self.done / self.expected if self.expected else 1.0

    @property
    def percent(self) -> int | None:
        """The share in percent, rounded down, so that 100 means all."""
        return None if self.share is None else int(self.share * 100)


def progress_of(runs: Collection[PipelineRun]) -> Mapping[int, Progress]:
    """Return how far each of `runs` is, by its number."""
    ended, failed = Q(state__in=RepoSync.ENDED), Q(state=RepoSync.State.FAILED)
    rows = RepoSync.objects.filter(run__in=[run.pk for run in runs]).values("run")
    totals = rows.annotate(
        name=Min("repository__full_name"),
        repositories=Count("pk"),
        ended=Count("pk", filter=ended),
        failed=Count("pk", filter=failed),
        unsized=Count("pk", filter=Q(prs_total=None) & ~ended),
        done=Sum("prs_done"),
        expected=Sum(Greatest(F("prs_done"), F("prs_total"))),
        requests=Sum("requests"),
        points=Sum("points"),
    )
    of_run = {total["run"]: {name: value for name, value in total.items() if name != "run"} for total in totals}
    return {run.pk: _progress(run, of_run.get(run.pk, {})) for run in runs}


def _progress(run: PipelineRun, total: Mapping[str, Any]) -> Progress:
    progress = Progress(**{**total, "expected": total["expected"] or 0} if total else {})
    gone = removed(began_with=run.repos_count, left=progress.repositories)
    if gone is None:
        return progress
    done, failed = max(progress.done, run.total_prs), max(progress.failed, run.repos_failed)
    return replace(progress, removed=gone, done=done, failed=failed)
