"""Report each repository of a run as one result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count

from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.removed import removed
from apps.pulls.models import PullRequest
from telemetry import trace_id_of

_COMPLETE = (RepoSync.Disposition.SYNCED, RepoSync.Disposition.ARCHIVED, RepoSync.Disposition.RENAMED)


@dataclass(frozen=True, slots=True)
class Result:
    """One repository's result; counts are of what is stored in the requested window unless they say otherwise."""

    repository: str
    outcome: str
    pull_requests: int
    pull_requests_read: int
    pull_requests_in_all: int
    reviews: int
    commits: int
    files: int
    requests: int
    points: int
    duration_sec: float
    trace_id: str
    error_type: str
    error_msg: str
    note: str = ""
    has_window: bool = False
    takes_up: int | None = None
    """The run that this one resumes, whose reading is counted with its own."""

    @property
    def is_complete(self) -> bool:
        """Whether everything in the window is stored."""
        return self.outcome in _COMPLETE and not self.error_type

    def as_json(self) -> dict[str, Any]:
        """Return the result's fields, without those for people, and the error's only if there is one."""
        left_out = {"note", "has_window", "takes_up"} | (set() if self.error_type else {"error_type", "error_msg"})
        return {name: value for name, value in asdict(self).items() if name not in left_out}


def results_of(run: PipelineRun) -> list[Result]:
    """Return a result for each repository, in the order they were added; a run that failed later fails them all."""
    rows = run.repo_syncs.select_related("repository").order_by("pk")
    counts = {name: _counted(run, name) for name in ("pk", "reviews", "commits", "files")}
    counts["in_all"] = _in_all(run)
    return [_result(run, row, {name: of.get(row.repository_id, 0) for name, of in counts.items()}) for row in rows]


def shortfall_of(run: PipelineRun, results: Sequence[Result]) -> str:
    """Return in words what of a run is incomplete, by `results`, including repositories removed by now."""
    incomplete = sum(not result.is_complete for result in results)
    gone = removed(began_with=run.repos_count, left=len(results))
    short = f"{incomplete} of {len(results)} repositories are incomplete" if incomplete else ""
    return "; ".join(filter(None, (short, gone.said if gone else "")))


def _in_all(run: PipelineRun) -> dict[int, int]:
    """Count the stored pull requests of the run's repositories, by repository, whichever run stored them."""
    stored = PullRequest.objects.filter(repository__in=run.repo_syncs.values("repository"))
    return dict(stored.values_list("repository").annotate(Count("pk")))


def _counted(run: PipelineRun, name: str) -> dict[int, int]:
    """Count the stored pull requests of the run's window, or the members of one of their lists, by repository."""
    stored = PullRequest.objects.filter(repository__in=run.repo_syncs.values("repository"))
    if run.since is not None:
        stored = stored.filter(updated_at__gte=run.since)
    if run.before is not None:
        stored = stored.filter(updated_at__lt=run.before)
    return dict(stored.values_list("repository").annotate(Count(name)))


def _result(run: PipelineRun, row: RepoSync, counts: Mapping[str, int]) -> Result:
    gaps = "; ".join(filter(None, (_unlisted([gap for gap in row.gaps if "list" in gap]), _hidden(row.gaps))))
    ended = row.ended_at or run.ended_at
    return Result(
        repository=row.repository.full_name,
        outcome=row.standing,
        pull_requests=counts["pk"],
        pull_requests_read=row.prs_done,
        pull_requests_in_all=counts["in_all"],
        reviews=counts["reviews"],
        commits=counts["commits"],
        files=counts["files"],
        requests=row.requests,
        points=row.points,
        duration_sec=round((ended - row.started_at).total_seconds(), 3) if ended and row.started_at else 0.0,
        trace_id=trace_id_of(run.traceparent),
        error_type=row.error_type or run.error_type or ("incomplete_lists" if gaps else ""),
        error_msg=row.error_msg or run.error_msg or gaps,
        note="; ".join(filter(None, (row.note, _mended(row.gaps)))),
        has_window=run.since is not None or run.before is not None,
        takes_up=run.follows.pk if run.resumed_by and run.follows else None,
    )


def _hidden(gaps: list[dict[str, Any]]) -> str:
    """Return a sentence about what GitHub hides from this token; "" if it hides nothing."""
    hidden = sum(gap.get("reason") == "hidden" for gap in gaps)
    return (
        f"GitHub hides {hidden} of the requested values from this token, because of an organization's rules"
        if hidden
        else ""
    )


def _mended(gaps: list[dict[str, Any]]) -> str:
    """Return a note about values that differ from GitHub's; "" if none do."""
    mended = [gap for gap in gaps if gap.get("reason", "hidden") != "hidden"]
    named = [f"{gap['field']} of #{gap['pull_request']} (no {gap['reason']})" for gap in mended[:3]]
    more = f" and {len(mended) - len(named)} more" if len(mended) > len(named) else ""
    return f"one or more values are mended or null: {', '.join(named)}{more}" if mended else ""


def _unlisted(gaps: list[dict[str, Any]]) -> str:
    """Return a sentence about what GitHub counts but does not list; "" if it lists everything."""
    if not gaps:
        return ""
    named = [f"of #{gap['pull_request']} {gap['stored']} of {gap['total']} {gap['list']}" for gap in gaps[:3]]
    more = f"; and {len(gaps) - len(named)} lists more" if len(gaps) > len(named) else ""
    return f"GitHub does not list everything: {'; '.join(named)}{more}"
