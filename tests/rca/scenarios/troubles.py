"""GitHub is slow, in trouble, or cannot be reached: for a while, or until the sync gives up."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import (
    ANOTHER,
    LONG_LISTS,
    ONE_PAGE,
    THREE_PAGES,
    Act,
    Scenario,
    at_lists,
    at_lookup,
    at_page,
    in_backfill,
    label,
    of_backfill,
)

_SLOW: Final = (
    Scenario(
        name="slow at the look-up",
        place="lookup",
        label=label("completed", "github_slow", ONE_PAGE),
        github=(at_lookup("delay", times=1, delay_ms=7_000),),
        is_fast=True,
    ),
    Scenario(
        name="slow at the second page",
        place="middle page",
        label=label("completed", "github_slow"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "delay", times=1, delay_ms=8_000),),
    ),
    Scenario(
        name="slow at every page",
        place="throughout",
        label=label("completed", "github_slow"),
        repositories=(THREE_PAGES,),
        github=(at_page(1, "delay", delay_ms=4_500),),
    ),
    Scenario(
        name="slow at long lists",
        place="nested lists",
        label=label("completed", "github_slow", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("delay", times=2, delay_ms=6_000),),
    ),
    of_backfill(
        name="slow in the backfill",
        place="phase 2",
        label=label("completed", "github_slow"),
        github=(in_backfill("delay", times=1, delay_ms=8_000),),
    ),
    Scenario(
        name="gives up after a while at the look-up",
        place="lookup",
        label=label("failed", "github_slow", ONE_PAGE),
        group="hasty",
        github=(at_lookup("query_timeout", delay_ms=1_250),),
    ),
    Scenario(
        name="says nothing at the look-up",
        place="lookup",
        label=label("failed", "github_slow", ONE_PAGE),
        group="hasty",
        github=(at_lookup("hang"),),
    ),
    Scenario(
        name="says nothing to pages of any size",
        place="middle page",
        label=label("completed", "github_slow"),
        group="hasty",
        repositories=(THREE_PAGES,),
        github=(at_page(2, "hang", times=5),),
    ),
    Scenario(
        name="gives up at every size of the last page",
        place="last page",
        label=label("failed", "github_slow"),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "query_timeout", delay_ms=1_100),),
    ),
)

_ERRORS: Final = (
    Scenario(
        name="502 storm at the first page",
        place="first page",
        label=label("failed", "github_errors", ONE_PAGE),
        github=(at_page(1, "bad_gateway_page"),),
        is_fast=True,
    ),
    Scenario(
        name="500 at the second page",
        place="middle page",
        label=label("failed", "github_errors"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "server_error"),),
    ),
    Scenario(
        name="503 at the look-up",
        place="lookup",
        label=label("failed", "github_errors", ONE_PAGE),
        github=(at_lookup("unavailable", html=True),),
    ),
    Scenario(
        name="502 storm at long lists",
        place="nested lists",
        label=label("failed", "github_errors", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("unavailable", status=502),),
    ),
    of_backfill(
        name="500 in the backfill",
        place="phase 2",
        label=label("failed", "github_errors"),
        github=(in_backfill("server_error"),),
    ),
    Scenario(
        name="five 502 and then it goes on",
        place="last page",
        label=label("completed", "github_errors"),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "bad_gateway_page", times=5),),
    ),
    Scenario(
        name="503 for one of two",
        place="first page",
        label=label("partial", "github_errors", ANOTHER),
        repositories=(ONE_PAGE, ANOTHER),
        github=(at_page(1, "unavailable", repository=ANOTHER),),
    ),
    Scenario(
        name="504 at once",
        place="first page",
        label=label("failed", "github_errors", ONE_PAGE),
        github=(at_page(1, "unavailable", status=504),),
    ),
)

_UNREACHABLE: Final = (
    Scenario(
        name="reset at the first page",
        place="first page",
        label=label("failed", "github_unreachable", ONE_PAGE),
        github=(at_page(1, "connection_reset"),),
        is_fast=True,
    ),
    Scenario(
        name="reset at the last page",
        place="last page",
        label=label("failed", "github_unreachable"),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "connection_reset"),),
    ),
    Scenario(
        name="cut off in the middle of the second page",
        place="middle page",
        label=label("failed", "github_unreachable"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "cut_body"),),
    ),
    of_backfill(
        name="reset at the look-up of the backfill",
        place="phase 2",
        label=label("failed", "github_unreachable"),
        github=(at_lookup("connection_reset", nth=2),),
    ),
    Scenario(
        name="refuses connections for five seconds",
        place="first page",
        label=label("completed", "github_unreachable", ONE_PAGE),
        through_wire=True,
        github=(at_page(1, "delay", times=1, delay_ms=1_500),),
        acts=(Act(does="unplug github", when="asks", seconds=5),),
    ),
    Scenario(
        name="refuses connections while it reads",
        place="middle page",
        label=label("completed", "github_unreachable"),
        repositories=(THREE_PAGES,),
        through_wire=True,
        pace_ms=250,
        acts=(Act(does="unplug github", when="read some", seconds=5),),
    ),
)

SCENARIOS: Final = (*_SLOW, *_ERRORS, *_UNREACHABLE)
