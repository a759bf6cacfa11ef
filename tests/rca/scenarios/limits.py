"""GitHub's limits: waited for in place, without a worker, or again and again."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import (
    LONG_LISTS,
    ONE_PAGE,
    THREE_PAGES,
    Scenario,
    at_lists,
    at_lookup,
    at_page,
    in_backfill,
    label,
    of_backfill,
)

SCENARIOS: Final = (
    Scenario(
        name="primary limit at the first page",
        place="first page",
        label=label("completed", "primary_limit", ONE_PAGE),
        github=(at_page(1, "primary_limit", times=1, reset_in=4),),
        is_fast=True,
    ),
    Scenario(
        name="primary limit at the last page",
        place="last page",
        label=label("completed", "primary_limit"),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "primary_limit_variant", times=1, reset_in=5),),
    ),
    Scenario(
        name="primary limit at the look-up",
        place="lookup",
        label=label("completed", "primary_limit", ONE_PAGE),
        github=(at_lookup("primary_limit", times=1, reset_in=5),),
    ),
    of_backfill(
        name="primary limit in the backfill",
        place="phase 2",
        label=label("completed", "primary_limit"),
        github=(in_backfill("primary_limit", times=1, reset_in=5),),
    ),
    Scenario(
        name="parked for the primary limit",
        place="middle page",
        label=label("waiting", "primary_limit"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "primary_limit", reset_in=900),),
        until="waits",
        is_fast=True,
    ),
    Scenario(
        name="parked for the primary limit and gone on",
        place="middle page",
        label=label("completed", "primary_limit"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "primary_limit", times=1, reset_in=11),),
    ),
    Scenario(
        name="primary limit again and again",
        place="first page",
        label=label("failed", "primary_limit", ONE_PAGE),
        github=(at_page(1, "primary_limit", reset_in=0.5),),
    ),
    Scenario(
        name="secondary limit at the first page",
        place="first page",
        label=label("completed", "secondary_limit", ONE_PAGE),
        github=(at_page(1, "secondary_limit", times=1, retry_after=5),),
        is_fast=True,
    ),
    Scenario(
        name="secondary limit at the second page",
        place="middle page",
        label=label("completed", "secondary_limit"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "secondary_limit", times=1, retry_after=5, status=200),),
    ),
    Scenario(
        name="secondary limit at long lists",
        place="nested lists",
        label=label("completed", "secondary_limit", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("secondary_limit", times=1, retry_after=5, status=429),),
    ),
    of_backfill(
        name="secondary limit in the backfill",
        place="phase 2",
        label=label("completed", "secondary_limit"),
        github=(in_backfill("secondary_limit", times=1, retry_after=5),),
    ),
    Scenario(
        name="parked for the secondary limit",
        place="first page",
        label=label("waiting", "secondary_limit", ONE_PAGE),
        github=(at_page(1, "secondary_limit"),),
        until="waits",
    ),
    Scenario(
        name="parked by a page about too many requests",
        place="lookup",
        label=label("waiting", "secondary_limit", ONE_PAGE),
        github=(at_lookup("limit_page"),),
        until="waits",
    ),
    Scenario(
        name="secondary limit again and again",
        place="last page",
        label=label("failed", "secondary_limit"),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "secondary_limit", retry_after=1),),
    ),
)
