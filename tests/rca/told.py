"""What was told of a scenario, and what its run has left: all that is needed to judge it, without a database."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.rca.evidence import Archive, Evidence, Item
from tests.rca.scenario import Scenario

TOLD: Final = "told.pickle"
"""The file that a group leaves in its home: what was told, and all spans and lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What `explain` told of a scenario's run, or None if it could not be asked, and how long that took.

    `seconds` is how long the scenario was played, `problem` why it could not be, `said` all of it in a few words.
    """

    scenario: Scenario
    answer: dict[str, Any] | None
    evidence: Evidence | None
    seconds: float
    explained_in: float = 0.0
    problem: str = ""
    said: str = ""


def read_told(home: Path) -> list[Told]:
    """Return what the group that was played in `home` has left."""
    told: list[Told]
    items: list[Item]
    told, items = pickle.loads((home / TOLD).read_bytes())  # noqa: S301  # our own process wrote it
    archive = Archive(items)
    return [
        each if each.evidence is None else replace(each, evidence=replace(each.evidence, archive=archive)) for each in told
    ]
