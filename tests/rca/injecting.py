"""Let GitHub, the database and the worker's processes do to a sync what its scenario says, and see whether they did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from tests.rca.database_faults import add_database_faults, met
from tests.rca.fates import FATES, times_met
from tests.rca.scenario import Scenario
from tests.rca.stage import Stage


@dataclass(frozen=True, slots=True)
class Injected:
    """What was injected: GitHub's faults for an account, the database's by their numbers, fates by whom they befall."""

    account: str = ""
    faults: frozenset[str] = frozenset()
    database: Mapping[int, int] = field(default_factory=dict)
    fates: Mapping[str, int] = field(default_factory=dict)

    def missed(self, stage: Stage) -> Iterator[str]:
        """Yield what has never struck: the scenario was not played as it says."""
        seen = {each.fault for each in stage.github.requests() if each.account == self.account}
        seldom = self.faults - seen - {"delay"}  # who has left meanwhile was never answered
        yield from (f"GitHub never had to {fault}" for fault in sorted(seldom))
        yield from (f"database fault {number} never struck" for number, nth in self.database.items() if met(number) < nth)
        if self.fates and all(times_met(stage.home, whom) < nth for whom, nth in self.fates.items()):
            yield f"no fate befell {', '.join(self.fates)}"


def inject(
    scenario: Scenario, stage: Stage, *, team: Team, token: str, repositories: Sequence[TrackedRepository]
) -> Injected:
    """Inject what the scenario says into the team's sync to come."""
    account = stage.github.account_of(token)
    rules = list(scenario.github)
    if scenario.pace_ms:
        rules.append({"fault": "delay", "times": None, "delay_ms": scenario.pace_ms})
    stage.github.add_faults(*({**rule, "match": {**rule.get("match", {}), "account": account}} for rule in rules))
    numbers = {each.full_name: each.pk for each in repositories}
    database = add_database_faults(
        (fault, number)
        for fault in scenario.database
        for name, number in numbers.items()
        if fault.repository in (None, name)
    )
    fates: dict[str, list[dict[str, Any]]] = {}
    for fate in scenario.fates:
        stored = [number for name, number in numbers.items() if fate.repository in (None, name)]
        befallen: Sequence[object] = [token] if fate.when == "asks" else stored if fate.when == "stores" else [team.pk]
        for each in befallen:
            fates.setdefault(f"{fate.when}:{each}", []).append(asdict(fate))
    _tell(stage, fates)
    nth = {whom: min(fate["nth"] for fate in those) for whom, those in fates.items()}
    return Injected(account, frozenset(rule["fault"] for rule in scenario.github), database, nth)


def _tell(stage: Stage, fates: Mapping[str, object]) -> None:
    """Tell the worker's processes of fates, beside those that they know."""
    file = stage.home / FATES
    known = json.loads(file.read_bytes()) if file.exists() else {}
    new = file.with_suffix(".new")
    new.write_text(json.dumps({**known, **fates}))
    new.replace(file)
