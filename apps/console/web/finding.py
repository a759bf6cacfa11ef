"""Tell why a run ended as it did and what to do about it, in one place for every page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from apps.integrations.errors import EveryRepositoryFailed, advice_for
from apps.integrations.models import PipelineRun, RepoSync


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A cause in a sentence, and advice; both may be empty."""

    sentence: str = ""
    advice: str = ""


def findings_of(runs: Collection[PipelineRun]) -> Mapping[int, Finding]:
    """Return a finding for each of `runs` that failed or is partial, by its number.

    It is its first failed repository's error or, if that is not the cause, its own row's.
    """
    lost = [
        run for run in runs if run.state == PipelineRun.State.PARTIAL or run.error_type == EveryRepositoryFailed.error_type
    ]
    failed = RepoSync.objects.filter(run__in=lost, state=RepoSync.State.FAILED) if lost else RepoSync.objects.none()
    first = {row.run_id: row for row in failed.select_related("repository").order_by("run", "pk").distinct("run")}
    failing = (PipelineRun.State.FAILED, PipelineRun.State.PARTIAL)
    return {run.pk: _finding(run, first.get(run.pk)) for run in runs if run.state in failing}


def _finding(run: PipelineRun, row: RepoSync | None) -> Finding:
    if row is None:
        return Finding(sentence=_sentence(run.error_msg), advice=_advice(run.error_type))
    more = run.repos_failed - 1
    others = "" if more < 1 else f" And {more:,} more failed." if more > 1 else " And one more failed."
    name = row.repository.full_name
    said = _sentence(row.error_msg if row.error_msg.startswith(name) else f"{name}: {row.error_msg}")
    return Finding(sentence=f"{said}{others}", advice=_advice(row.error_type))


def _sentence(text: str) -> str:
    return f"{text.rstrip('. ')}." if text else ""


def _advice(error_type: str) -> str:
    return advice_for(error_type) or ""
