"""A run's phases: where it stands among them, when each began and ended, and its place on the time axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps import catalog
from apps.integrations.models import PipelineRun
from apps.integrations.runs import phases
from apps.utils import clock

_WORDS: Mapping[catalog.Phase, str] = {
    "syncing": "Reading from GitHub",
    "llm_processing": "Marking AI-assisted work",
    "computing_metrics": "Computing weekly metrics",
    "phase1_complete": "Done",
    "background_syncing": "Reading older history",
    "background_llm": "Marking and computing",
    "complete": "Done",
}
_AXIS = 1000.0
"""The axis's width in the picture's units."""
_NARROWEST = 4.0
"""The least width, so that even the shortest phase is visible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A phase's place on the run's time axis, in thousandths, and its share of the run's time in percent."""

    begins: float
    width: float
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseShown:
    """A run's phase in words: done, now, stopped or ahead, and when it began and ended, if known."""

    words: str
    stands: str
    began: datetime | None
    ended: datetime | None
    bar: Bar | None
    """None if there is no length to show."""


def phases_of(run: PipelineRun) -> list[PhaseShown]:
    """Return a run's phases in order."""
    names: list[catalog.Phase] = [name for name in phases.NAMES if phases.phase(name).kind == run.kind]
    at = names.index(phases.named(run.phase))
    if run.state in (PipelineRun.State.COMPLETED, PipelineRun.State.PARTIAL):
        at = len(names)
    current, until = ("now", clock.now()) if run.ended_at is None else ("stopped", run.ended_at)
    starts = {name: datetime.fromisoformat(began) for name, began in (run.phase_starts or {}).items()}
    found = []
    for place, name in enumerate(names):
        began, ended = starts.get(name), run.ended_at if place == at else starts.get(phases.phase(name).then or "")
        stands = "done" if place < at else current if place == at else "ahead"
        goes_on = until if stands == "now" else None
        bar = _bar(run.started_at, until, began, ended or goes_on)
        found.append(PhaseShown(words=_WORDS[name], stands=stands, began=began, ended=ended, bar=bar))
    return found


def _bar(start: datetime, end: datetime, began: datetime | None, ended: datetime | None) -> Bar | None:
    """Return where a phase lies on the axis from `start` to `end`, clipped to it."""
    if began is None or ended is None:
        return None
    whole = max(end - start, timedelta(microseconds=1))
    first, last = (min(max((moment - start) / whole, 0.0), 1.0) for moment in (began, ended))
    width = max(_AXIS * (last - first), _NARROWEST)
    return Bar(begins=min(_AXIS * first, _AXIS - width), width=width, percent=100 * (last - first))
