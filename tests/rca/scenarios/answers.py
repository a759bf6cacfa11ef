"""Answers that are no answers, and histories that GitHub itself does not hand out whole."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import (
    LONG_LISTS,
    ONE_PAGE,
    THREE_PAGES,
    UNLISTED,
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
        name="half a document at the first page",
        place="first page",
        label=label("failed", "answer_invalid", ONE_PAGE),
        github=(at_page(1, "invalid_json"),),
        is_fast=True,
    ),
    Scenario(
        name="a page for people at the second page",
        place="middle page",
        label=label("failed", "answer_invalid"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "html_page"),),
    ),
    Scenario(
        name="a page for people at the look-up",
        place="lookup",
        label=label("failed", "answer_invalid", ONE_PAGE),
        github=(at_lookup("html_page"),),
    ),
    Scenario(
        name="half a document at long lists",
        place="nested lists",
        label=label("failed", "answer_invalid", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("invalid_json"),),
    ),
    of_backfill(
        name="half a document in the backfill",
        place="phase 2",
        label=label("failed", "answer_invalid"),
        github=(in_backfill("invalid_json"),),
    ),
    Scenario(
        name="five pages for people and then it goes on",
        place="last page",
        label=label("completed", "answer_invalid"),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "html_page", times=5),),
    ),
    Scenario(
        name="more counted than listed",
        place="last page",
        label=label("failed", "incomplete_at_github", ONE_PAGE),
        github=(at_page(1, "odd_value", field="totalCount", json="4711"),),
    ),
    Scenario(
        name="more files than GitHub lists",
        place="nested lists",
        label=label("completed", "incomplete_at_github", UNLISTED),
        repositories=(UNLISTED,),
    ),
    Scenario(
        name="more files than GitHub lists, beside another",
        place="nested lists",
        label=label("completed", "incomplete_at_github", UNLISTED),
        repositories=(ONE_PAGE, UNLISTED),
    ),
    Scenario(
        name="more files than GitHub lists, in the backfill",
        place="phase 2",
        label=label("completed", "incomplete_at_github", UNLISTED),
        repositories=(UNLISTED,),
        days=1,
        backfill=True,
        explains="backfill",
    ),
)
