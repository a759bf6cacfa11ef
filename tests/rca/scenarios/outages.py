"""Nobody works, or the broker or the database is away: before, in the middle, and at the end."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import ANOTHER, ONE_PAGE, THREE_PAGES, Act, Code, Fate, Label, Outcome, Scenario, of_backfill


def _label(outcome: Outcome, code: Code, *names: str) -> Label:
    return Label(outcome=outcome, code=code, repositories=names or (ONE_PAGE,), whole_run=True)


_LINGERS: Final = (Fate(does="linger", when="measures", seconds=1.5),)

SCENARIOS: Final = (
    Scenario(
        name="no worker, and it waits",
        place="start",
        label=_label("waiting", "no_worker"),
        group="no worker",
        acts=(Act(does="stop worker", when="prepared", seconds=8),),
        until="waits",
    ),
    Scenario(
        name="no worker for seven seconds",
        place="start",
        label=_label("completed", "no_worker"),
        group="no worker",
        acts=(Act(does="stop worker", when="prepared", seconds=7),),
    ),
    Scenario(
        name="no worker between two repositories",
        place="middle page",
        label=_label("completed", "no_worker", ANOTHER),
        group="no worker",
        repositories=(ONE_PAGE, ANOTHER),
        pace_ms=300,
        acts=(Act(does="stop worker", when="asks", seconds=7),),
    ),
    of_backfill(
        name="no worker for the backfill",
        place="phase 2",
        label=_label("completed", "no_worker", THREE_PAGES),
        group="no worker",
        fates=_LINGERS,
        acts=(Act(does="stop worker", when="metrics", seconds=7),),
    ),
    Scenario(
        name="no broker at the start",
        place="start",
        label=_label("completed", "broker_unavailable"),
        group="no broker",
        acts=(Act(does="stop broker", when="prepared", seconds=5),),
        rule_after=True,
    ),
    Scenario(
        name="no broker between two repositories",
        place="middle page",
        label=_label("completed", "broker_unavailable", ANOTHER),
        group="no broker",
        repositories=(ONE_PAGE, ANOTHER),
        pace_ms=300,
        acts=(Act(does="stop broker", when="asks", seconds=6),),
    ),
    Scenario(
        name="no broker for the analysis",
        place="analysis",
        label=_label("completed", "broker_unavailable", THREE_PAGES),
        group="no broker",
        repositories=(THREE_PAGES,),
        pace_ms=300,
        acts=(Act(does="stop broker", when="read some", seconds=6),),
    ),
    of_backfill(
        name="no broker for the backfill",
        place="phase 2",
        label=_label("completed", "broker_unavailable", THREE_PAGES),
        group="no broker",
        fates=_LINGERS,
        acts=(Act(does="stop broker", when="metrics", seconds=6),),
    ),
    Scenario(
        name="no database while it reads",
        place="middle page",
        label=_label("completed", "database_unavailable", THREE_PAGES),
        group="no database",
        repositories=(THREE_PAGES,),
        pace_ms=400,
        acts=(Act(does="stop database", when="read some", seconds=6),),
        rule_after=True,
    ),
    of_backfill(
        name="no database in the backfill",
        place="phase 2",
        label=_label("completed", "database_unavailable", THREE_PAGES),
        group="no database",
        pace_ms=400,
        acts=(Act(does="stop database", when="backfill read some", seconds=6),),
        rule_after=True,
    ),
    Scenario(
        name="no database at the analysis",
        place="analysis",
        label=_label("completed", "database_unavailable"),
        group="no database",
        fates=(Fate(does="linger", when="analyzes", seconds=1.0),),
        acts=(Act(does="stop database", when="analysis", seconds=6),),
        rule_after=True,
    ),
)
