"""The phases of a run in one table: the kind of run, the work done, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never, get_args

from apps import catalog
from apps.analysis import assistance, metrics
from apps.integrations.models import PipelineRun


class Work(Protocol):
    """Work done in a phase for some of a team's repositories; doing it twice changes nothing."""

    def __call__(self, *, team_id: int, repository_ids: Sequence[int]) -> None:
        """Do it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A row of the table.

    A phase that `syncs` lasts until every repository has ended. One with `work` lasts until its step has done it. A
    phase that nothing follows lasts until everything the run dispatches is sent.
    """

    kind: PipelineRun.Kind
    syncs: bool = False
    work: tuple[Work, ...] = ()
    then: catalog.Phase | None


def _analyze(*, team_id: int, repository_ids: Sequence[int]) -> None:
    assistance.analyze(team_id=team_id, repository_ids=repository_ids)


def _compute_metrics(*, team_id: int, repository_ids: Sequence[int]) -> None:  # of all the team's repositories
    metrics.compute(team_id=team_id)


_RECENT, _BACKFILL = PipelineRun.Kind.RECENT, PipelineRun.Kind.BACKFILL


def phase(name: catalog.Phase) -> Phase:
    """Return the phase called `name`. A catalog name without a row here is a type error."""
    match name:
        case "syncing":
            return Phase(kind=_RECENT, syncs=True, then="llm_processing")
        case "llm_processing":
            return Phase(kind=_RECENT, work=(_analyze,), then="computing_metrics")
        case "computing_metrics":
            return Phase(kind=_RECENT, work=(_compute_metrics,), then="phase1_complete")
        case "phase1_complete":
            return Phase(kind=_RECENT, then=None)
        case "background_syncing":
            return Phase(kind=_BACKFILL, syncs=True, then="background_llm")
        case "background_llm":
            return Phase(kind=_BACKFILL, work=(_analyze, _compute_metrics), then="complete")
        case "complete":
            return Phase(kind=_BACKFILL, then=None)
    assert_never(name)


NAMES: tuple[catalog.Phase, ...] = get_args(catalog.Phase)
SYNCING: tuple[catalog.Phase, ...] = tuple(name for name in NAMES if phase(name).syncs)
LAST: tuple[catalog.Phase, ...] = tuple(name for name in NAMES if phase(name).then is None)


def first(kind: PipelineRun.Kind) -> catalog.Phase:
    """Return the phase in which a run of that kind begins and syncs."""
    return next(name for name in SYNCING if phase(name).kind == kind)


def named(text: str) -> catalog.Phase:
    """Return the phase called `text` in a row or a message; raise ValueError if there is none."""
    for name in NAMES:
        if name == text:
            return name
    raise ValueError(f"{text!r} is not a phase of a run: a worker of another version may have written it. Update this one.")


def do_work(name: catalog.Phase, *, team_id: int, repository_ids: Sequence[int]) -> None:
    """Do the phase's work; raise ValueError if it has none, since no step should have been sent."""
    work = phase(name).work
    if not work:
        raise ValueError(f"There is no work to do in phase {name!r}: no step should have been sent for it.")
    for each in work:
        each(team_id=team_id, repository_ids=repository_ids)
