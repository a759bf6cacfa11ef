"""Behind others: another team's repository with the same account, busy workers, a lane that somebody else holds."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import (
    ONE_PAGE,
    SEVEN_PAGES,
    THREE_PAGES,
    Act,
    Code,
    Fate,
    Label,
    Others,
    Outcome,
    Scenario,
    at_page,
    of_backfill,
)


def _label(outcome: Outcome, code: Code, name: str = ONE_PAGE) -> Label:
    return Label(outcome=outcome, code=code, repositories=(name,))


_BEFORE: Final = (Act(does="let others begin", when="prepared"),)

SCENARIOS: Final = (
    Scenario(
        name="behind another team with the account",
        place="start",
        label=_label("completed", "queue_busy"),
        others=Others(seconds=7),
        acts=_BEFORE,
    ),
    Scenario(
        name="behind another team, and it waits",
        place="start",
        label=_label("waiting", "queue_busy"),
        others=Others(seconds=9),
        acts=_BEFORE,
        until="waits",
    ),
    Scenario(
        name="three pages behind another team",
        place="start",
        label=_label("completed", "queue_busy", THREE_PAGES),
        repositories=(THREE_PAGES,),
        others=Others(seconds=8),
        acts=_BEFORE,
    ),
    of_backfill(
        name="the backfill behind another team",
        place="phase 2",
        label=_label("completed", "queue_busy", THREE_PAGES),
        fates=(Fate(does="linger", when="measures", seconds=1.5),),
        others=Others(seconds=8),
        acts=(Act(does="let others begin", when="metrics"),),
    ),
    Scenario(
        name="another team takes the account in a pause",
        place="last page",
        label=_label("completed", "queue_busy", THREE_PAGES),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "server_error", times=3, repository=THREE_PAGES),),
        others=Others(seconds=9),
        acts=(Act(does="let others begin", when="backs off"),),
    ),
    Scenario(
        name="behind a busy worker",
        place="start",
        label=_label("completed", "queue_busy"),
        group="one child",
        others=Others(seconds=7, same_account=False),
        acts=_BEFORE,
    ),
    Scenario(
        name="the analysis behind a busy worker",
        place="analysis",
        label=Label(outcome="completed", code="queue_busy", repositories=(THREE_PAGES,), whole_run=True),
        group="one child",
        repositories=(THREE_PAGES,),
        pace_ms=300,
        others=Others(seconds=7, same_account=False),
        acts=(Act(does="let others begin", when="read some"),),
    ),
    Scenario(
        name="lane held at the look-up",
        place="lookup",
        label=_label("completed", "lane_busy"),
        acts=(Act(does="hold lane", when="prepared", seconds=6),),
        is_fast=True,
    ),
    Scenario(
        name="lane held, and it waits",
        place="lookup",
        label=_label("waiting", "lane_busy"),
        acts=(Act(does="hold lane", when="prepared", seconds=60),),
        until="waits",
    ),
    Scenario(
        name="lane held between pages",
        place="middle page",
        label=_label("completed", "lane_busy", SEVEN_PAGES),
        repositories=(SEVEN_PAGES,),
        pace_ms=300,
        acts=(Act(does="hold lane", when="read some", seconds=6),),
    ),
    of_backfill(
        name="lane held in the backfill",
        place="phase 2",
        label=_label("completed", "lane_busy", THREE_PAGES),
        pace_ms=300,
        acts=(Act(does="hold lane", when="backfill begins", seconds=6),),
    ),
)
