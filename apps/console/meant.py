"""Which run a person means who names none, or something that many runs have."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.integrations.models import PipelineRun, RepoSync


def not_simply_fine(runs: QuerySet[PipelineRun]) -> PipelineRun | None:
    """Return the newest of the runs that is not simply fine; if all are, the newest; None if there is none.

    Simply fine is a run that has completed with nothing missing of any of its repositories.
    """
    newest_first = runs.order_by("-pk")
    has_gaps = Exists(RepoSync.objects.filter(run=OuterRef("pk")).exclude(gaps=[]))
    return newest_first.filter(~Q(state=PipelineRun.State.COMPLETED) | has_gaps).first() or newest_first.first()


def is_fine(run: PipelineRun) -> bool:
    """Return whether a run is simply fine."""
    return run.state == PipelineRun.State.COMPLETED and not run.repo_syncs.exclude(gaps=[]).exists()


def of_repository(full_name: str) -> QuerySet[PipelineRun]:
    """Return the runs over a repository, by its name on GitHub in any case."""
    return PipelineRun.objects.filter(repo_syncs__repository__full_name__iexact=full_name).distinct()


def of_team(slug: str) -> QuerySet[PipelineRun]:
    """Return a team's runs."""
    return PipelineRun.objects.filter(team__slug=slug)
