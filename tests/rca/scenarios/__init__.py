"""Every scenario, by what is injected. Labels come from that alone; `tests.rca` says by which principles."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import Scenario
from tests.rca.scenarios import (
    answers,
    decoys,
    elsewhere,
    limits,
    machines,
    ours,
    outages,
    queues,
    refusals,
    slow,
    storage,
    troubles,
    two,
)

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *refusals.SCENARIOS,
    *limits.SCENARIOS,
    *troubles.SCENARIOS,
    *answers.SCENARIOS,
    *machines.SCENARIOS,
    *outages.SCENARIOS,
    *queues.SCENARIOS,
    *storage.SCENARIOS,
    *ours.SCENARIOS,
    *two.SCENARIOS,
    *slow.SCENARIOS,
    *decoys.SCENARIOS,
    *elsewhere.SCENARIOS,
)
