"""The groups of scenarios: those of one share a stage and its settings, and are played side by side where they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A stage's settings, how many tasks its worker runs at once, and how many scenarios are played side by side.

    Where the worker `is_elsewhere` its spans and lines are not in the home that is read, as on another machine.
    """

    settings: Mapping[str, str]
    children: int = 4
    at_once: int = 1
    is_elsewhere: bool = False


_PATIENT: Final = {
    "SYNC_SWEEP_SECONDS": "1",
    "SYNC_REQUEST_SECONDS": "12",
    "SYNC_STALE_SECONDS": "24",
    "SYNC_ATTEMPT_SECONDS": "90",
    "SYNC_STEP_SECONDS": "30",
    "SYNC_MAX_WAIT_SECONDS": "8",
}
"""A slow answer is an answer, and a wait of some seconds is slept through."""
_HASTY: Final = {
    "SYNC_SWEEP_SECONDS": "1",
    "SYNC_REQUEST_SECONDS": "2",
    "SYNC_STALE_SECONDS": "30",
    "SYNC_ATTEMPT_SECONDS": "8",
    "SYNC_STEP_SECONDS": "10",
    "SYNC_MAX_WAIT_SECONDS": "8",
}
"""What hangs is ended within seconds."""
_WATCHFUL: Final = {**_HASTY, "SYNC_STALE_SECONDS": "6", "SYNC_ATTEMPT_SECONDS": "60"}
"""What is silent is found within seconds."""

GROUPS: Final[Mapping[str, Group]] = {
    "patient": Group(settings=_PATIENT, children=7, at_once=5),
    "hasty": Group(settings=_HASTY, children=6, at_once=3),
    "one child": Group(settings=_PATIENT, children=1),
    "no worker": Group(settings=_WATCHFUL),
    "no broker": Group(settings=_WATCHFUL),
    "no database": Group(settings=_WATCHFUL),
    "machine lost": Group(settings=_WATCHFUL),
    "untold": Group(settings=_HASTY, children=5, at_once=4, is_elsewhere=True),
}
"""By name."""
