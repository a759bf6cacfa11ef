"""The steps that a run dispatches: code that changes a run gets back the next ones and sends them."""

from __future__ import annotations

from dataclasses import dataclass

from apps import catalog
from apps.integrations.runs.attempts import Attempt


@dataclass(frozen=True, slots=True)
class SyncRepository:
    """Send an admitted attempt at a repository."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RunPhase:
    """Send the work of a phase, to be started for the `attempt`-th time."""

    run_id: int
    phase: catalog.Phase
    attempt: int


Step = SyncRepository | RunPhase
