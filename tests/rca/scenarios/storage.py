"""The database ends sessions, or takes its time: for the rows of one repository, or of an analysis."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import (
    ANOTHER,
    ONE_PAGE,
    THREE_PAGES,
    DatabaseFault,
    Scenario,
    label,
    of_backfill,
)

_ALWAYS: Final = 10_000

SCENARIOS: Final = (
    Scenario(
        name="session ended at the first page again and again",
        place="first page",
        label=label("failed", "database_unavailable", ONE_PAGE),
        database=(DatabaseFault(does="terminate", times=_ALWAYS),),
    ),
    Scenario(
        name="session ended at the second page again and again",
        place="middle page",
        label=label("failed", "database_unavailable"),
        repositories=(THREE_PAGES,),
        database=(DatabaseFault(does="terminate", nth=40, times=_ALWAYS),),
    ),
    Scenario(
        name="session ended at reviews again and again",
        place="nested lists",
        label=label("partial", "database_unavailable", ANOTHER),
        repositories=(ONE_PAGE, ANOTHER),
        database=(DatabaseFault(does="terminate", table="reviews", times=_ALWAYS, repository=ANOTHER),),
    ),
    Scenario(
        name="session ended at the analysis again and again",
        place="analysis",
        label=label("failed", "database_unavailable", ONE_PAGE, whole_run=True),
        group="hasty",
        database=(DatabaseFault(does="terminate", table="analyses", times=_ALWAYS),),
    ),
    Scenario(
        name="a slow statement at the first page",
        place="first page",
        label=label("completed", "database_slow", ONE_PAGE),
        database=(DatabaseFault(does="sleep", seconds=6),),
        is_fast=True,
    ),
    Scenario(
        name="slow statements at every page",
        place="throughout",
        label=label("completed", "database_slow"),
        repositories=(THREE_PAGES,),
        database=(DatabaseFault(does="sleep", seconds=4), DatabaseFault(does="sleep", nth=30, seconds=4)),
    ),
    Scenario(
        name="a slow statement at reviews",
        place="nested lists",
        label=label("completed", "database_slow"),
        repositories=(THREE_PAGES,),
        database=(DatabaseFault(does="sleep", table="reviews", nth=5, seconds=6),),
    ),
    of_backfill(
        name="a slow statement in the backfill",
        place="phase 2",
        label=label("completed", "database_slow"),
        database=(DatabaseFault(does="sleep", nth=40, seconds=6),),
    ),
    Scenario(
        name="a slow statement in the analysis",
        place="analysis",
        label=label("completed", "database_slow", ONE_PAGE, whole_run=True),
        database=(DatabaseFault(does="sleep", table="analyses", seconds=6),),
    ),
)
