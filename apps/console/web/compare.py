"""Show a run beside an earlier one: where time and points went, by repository and by operation."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.console.run_times import story_of
from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.explain.database import complete_before, has_same_window
from apps.explain.side_by_side import side_by_side
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.removed import removed_from

_MOST_OFFERED = 30


@require_safe
def compare(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show a run beside the one in `with`, by default the last complete one over the same repositories."""
    sight = Sight.of(request.user)
    run = run_seen(sight, run_id)
    other, is_usual = _named(run, sight, request.GET.get("with", ""))
    context = {
        "run": run,
        "removed": removed_from(run),
        "other": other,
        "is_usual": is_usual,
        "has_same_window": other is not None and has_same_window(other, run),
        "offered": _offered(run, sight, other),
        "found": None if other is None else side_by_side(story_of(run), story_of(other)),
    }
    response = render(request, "console/compare.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _named(run: PipelineRun, sight: Sight, number: str) -> tuple[PipelineRun | None, bool]:
    """Return the run to compare with, and whether it is the default; None if there is none."""
    if number:
        if not (number.isascii() and number.isdigit()) or int(number) == run.pk:
            raise Http404
        other = run_seen(sight, int(number))
        if other.team_id != run.team_id:
            raise Http404
        return other, False
    complete = complete_before(run)
    alike = [one for one in complete if has_same_window(one, run)]
    return next(iter([*alike, *complete]), None), True


def _offered(run: PipelineRun, sight: Sight, chosen: PipelineRun | None) -> Sequence[PipelineRun]:
    """Return earlier runs with one of its repositories, and the chosen one, newest first."""
    repositories = run.repo_syncs.values("repository")
    sharing = RepoSync.objects.filter(repository__in=repositories, run__lt=run.pk, run__kind=run.kind).values("run")
    found = list(sight.runs().filter(pk__in=sharing, team=run.team_id).order_by("-pk")[:_MOST_OFFERED])
    return found if chosen is None or chosen in found else [chosen, *found]
