"""Processes that are killed, and work that hangs until a limit of time ends it."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import ANOTHER, ONE_PAGE, THREE_PAGES, Act, Fate, Scenario, label, of_backfill

_ALWAYS: Final = 100

_DIED: Final = (
    Scenario(
        name="killed at the look-up again and again",
        place="lookup",
        label=label("failed", "worker_died", ONE_PAGE),
        group="hasty",
        fates=(Fate(does="kill", when="asks", times=_ALWAYS),),
    ),
    Scenario(
        name="killed at the second page again and again",
        place="middle page",
        label=label("failed", "worker_died"),
        group="hasty",
        repositories=(THREE_PAGES,),
        fates=(Fate(does="kill", when="stores", nth=2, times=_ALWAYS),),
    ),
    Scenario(
        name="killed at one of two again and again",
        place="first page",
        label=label("partial", "worker_died", ANOTHER),
        group="hasty",
        repositories=(ONE_PAGE, ANOTHER),
        fates=(Fate(does="kill", when="stores", times=_ALWAYS, repository=ANOTHER),),
    ),
    Scenario(
        name="analysis killed three times",
        place="analysis",
        label=label("failed", "worker_died", ONE_PAGE, whole_run=True),
        group="hasty",
        fates=(Fate(does="kill", when="analyzes", times=_ALWAYS),),
    ),
    Scenario(
        name="analysis killed once",
        place="analysis",
        label=label("completed", "worker_died", ONE_PAGE, whole_run=True),
        group="hasty",
        fates=(Fate(does="kill", when="analyzes"),),
    ),
    Scenario(
        name="metrics killed once",
        place="metrics",
        label=label("completed", "worker_died", ONE_PAGE, whole_run=True),
        group="hasty",
        fates=(Fate(does="kill", when="measures"),),
    ),
    Scenario(
        name="machine lost at the first page",
        place="first page",
        label=label("completed", "worker_died", ONE_PAGE),
        group="machine lost",
        github=({"fault": "delay", "match": {"operation": "PullRequests"}, "delay_ms": 1_000},),
        acts=(Act(does="lose machine", when="asks"),),
    ),
    Scenario(
        name="machine lost at the second page",
        place="middle page",
        label=label("completed", "worker_died"),
        group="machine lost",
        repositories=(THREE_PAGES,),
        pace_ms=400,
        acts=(Act(does="lose machine", when="read some"),),
    ),
    of_backfill(
        name="machine lost in the backfill",
        place="phase 2",
        label=label("completed", "worker_died"),
        group="machine lost",
        pace_ms=400,
        acts=(Act(does="lose machine", when="backfill read some"),),
    ),
    Scenario(
        name="machine lost in the analysis",
        place="analysis",
        label=label("completed", "worker_died", ONE_PAGE, whole_run=True),
        group="machine lost",
        fates=(Fate(does="linger", when="analyzes", seconds=2.0),),
        acts=(Act(does="lose machine", when="analysis", seconds=0),),
    ),
)

_HANGS: Final = (
    Scenario(
        name="loops at the second page once",
        place="middle page",
        label=label("completed", "time_limit"),
        group="hasty",
        repositories=(THREE_PAGES,),
        fates=(Fate(does="loop", when="stores", nth=2),),
        rule_after=True,
    ),
    Scenario(
        name="hangs at the first page again and again",
        place="first page",
        label=label("failed", "time_limit", ONE_PAGE),
        group="hasty",
        fates=(Fate(does="hang", when="stores", times=_ALWAYS),),
    ),
    Scenario(
        name="hangs before the look-up once",
        place="lookup",
        label=label("completed", "time_limit", ONE_PAGE),
        group="hasty",
        fates=(Fate(does="hang", when="asks"),),
    ),
    Scenario(
        name="analysis hangs",
        place="analysis",
        label=label("failed", "time_limit", ONE_PAGE, whole_run=True),
        group="hasty",
        fates=(Fate(does="hang", when="analyzes"),),
    ),
    Scenario(
        name="analysis hangs through its soft limit",
        place="analysis",
        label=label("failed", "time_limit", ONE_PAGE, whole_run=True),
        group="hasty",
        fates=(Fate(does="loop", when="analyzes", times=_ALWAYS),),
    ),
    Scenario(
        name="metrics hang",
        place="metrics",
        label=label("failed", "time_limit", ONE_PAGE, whole_run=True),
        group="hasty",
        fates=(Fate(does="hang", when="measures"),),
    ),
    of_backfill(
        name="analysis of the backfill hangs",
        place="phase 2",
        label=label("failed", "time_limit", whole_run=True),
        group="hasty",
        fates=(Fate(does="hang", when="analyzes", nth=2),),
    ),
)

SCENARIOS: Final = (*_DIED, *_HANGS)
