"""What people do and get wrong: settings, mistakes in our own code, runs that are called off, evidence that is gone."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import (
    ONE_PAGE,
    SEVEN_PAGES,
    THREE_PAGES,
    Act,
    Fate,
    Others,
    Scenario,
    at_lookup,
    at_page,
    in_backfill,
    label,
    of_backfill,
)

_ALWAYS: Final = 100

_MISCONFIGURED: Final = (
    Scenario(
        name="a proxy wants a password at the look-up",
        place="lookup",
        label=label("failed", "misconfigured", ONE_PAGE),
        github=(at_lookup("proxy_authentication"),),
        is_fast=True,
    ),
    Scenario(
        name="a proxy wants a password at the second page",
        place="middle page",
        label=label("failed", "misconfigured"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "proxy_authentication"),),
    ),
    of_backfill(
        name="a proxy wants a password in the backfill",
        place="phase 2",
        label=label("failed", "misconfigured"),
        github=(in_backfill("proxy_authentication"),),
    ),
    Scenario(
        name="the token was encrypted with another key",
        place="start",
        label=label("failed", "misconfigured", ONE_PAGE, whole_run=True),
        acts=(Act(does="swap key", when="prepared"),),
    ),
    Scenario(
        name="an address that no token may go to",
        place="start",
        label=label("failed", "misconfigured", ONE_PAGE, whole_run=True),
        acts=(Act(does="spoil address", when="prepared"),),
    ),
)

_MISTAKES: Final = (
    Scenario(
        name="a mistake at the first page",
        place="first page",
        label=label("failed", "program_error", ONE_PAGE),
        fates=(Fate(does="raise", when="stores"),),
    ),
    Scenario(
        name="a mistake at the second page",
        place="middle page",
        label=label("failed", "program_error"),
        repositories=(THREE_PAGES,),
        fates=(Fate(does="raise", when="stores", nth=2),),
    ),
    Scenario(
        name="a mistake in the analysis",
        place="analysis",
        label=label("failed", "program_error", ONE_PAGE, whole_run=True),
        fates=(Fate(does="raise", when="analyzes"),),
        is_fast=True,
    ),
    Scenario(
        name="a mistake in the metrics",
        place="metrics",
        label=label("failed", "program_error", ONE_PAGE, whole_run=True),
        fates=(Fate(does="raise", when="measures"),),
    ),
    of_backfill(
        name="a mistake in the backfill's analysis",
        place="phase 2",
        label=label("failed", "program_error", whole_run=True),
        fates=(Fate(does="raise", when="analyzes", nth=2),),
    ),
)

_CANCELLED: Final = (
    Scenario(
        name="called off while it reads",
        place="middle page",
        label=label("cancelled", "cancelled", SEVEN_PAGES, whole_run=True),
        repositories=(SEVEN_PAGES,),
        pace_ms=300,
        acts=(Act(does="cancel", when="read some"),),
    ),
    Scenario(
        name="called off at the first answer",
        place="first page",
        label=label("cancelled", "cancelled", ONE_PAGE, whole_run=True),
        github=(at_page(1, "delay", delay_ms=5_000),),
        acts=(Act(does="cancel", when="asks"),),
        is_fast=True,
    ),
    Scenario(
        name="called off in the queue",
        place="start",
        label=label("cancelled", "cancelled", ONE_PAGE, whole_run=True),
        others=Others(seconds=5),
        acts=(Act(does="let others begin", when="prepared"), Act(does="cancel", when="started")),
    ),
    of_backfill(
        name="backfill called off",
        place="phase 2",
        label=label("cancelled", "cancelled", whole_run=True),
        pace_ms=300,
        acts=(Act(does="cancel", when="backfill read some"),),
    ),
    Scenario(
        name="called off in the analysis",
        place="analysis",
        label=label("cancelled", "cancelled", ONE_PAGE, whole_run=True),
        fates=(Fate(does="linger", when="analyzes", seconds=4),),
        acts=(Act(does="cancel", when="analysis"),),
    ),
)

_UNTOLD: Final = (
    Scenario(
        name="long, and the worker's files are elsewhere",
        place="first page",
        label=label("completed", "unknown", ONE_PAGE, whole_run=True),
        group="untold",
        fates=(Fate(does="linger", when="stores", seconds=6.0),),
        rule_after=True,
    ),
    Scenario(
        name="long at its second page, and the files are elsewhere",
        place="middle page",
        label=label("completed", "unknown", whole_run=True),
        group="untold",
        repositories=(THREE_PAGES,),
        fates=(Fate(does="linger", when="stores", nth=2, seconds=6.0),),
        rule_after=True,
    ),
    Scenario(
        name="long in its analysis, and the files are elsewhere",
        place="analysis",
        label=label("completed", "unknown", ONE_PAGE, whole_run=True),
        group="untold",
        fates=(Fate(does="linger", when="analyzes", seconds=6.0),),
        rule_after=True,
    ),
    Scenario(
        name="analysis never finished, and the files are elsewhere",
        place="analysis",
        label=label("failed", "unknown", ONE_PAGE, whole_run=True),
        group="untold",
        fates=(Fate(does="kill", when="analyzes", times=_ALWAYS),),
        rule_after=True,
    ),
)

SCENARIOS: Final = (*_MISCONFIGURED, *_MISTAKES, *_CANCELLED, *_UNTOLD)
