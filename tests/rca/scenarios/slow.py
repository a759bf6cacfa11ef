"""Runs that take long because there is much to do, at GitHub's usual pace: healthy, and nothing to say about them."""

from __future__ import annotations

from typing import Any, Final

from tests.rca.scenario import (
    ANOTHER,
    ANOTHER_OF_THREE,
    LONG_LISTS,
    ONE_PAGE,
    SEVEN_PAGES,
    THREE_PAGES,
    Place,
    Scenario,
    at_lists,
    at_lookup,
    at_page,
    healthy,
)


def _slow(name: str, place: Place, *repositories: str, pace_ms: float, **more: Any) -> Scenario:
    return Scenario(name=name, place=place, kind="slow", label=healthy(), repositories=repositories, pace_ms=pace_ms, **more)


_SIX: Final = (ONE_PAGE, THREE_PAGES, LONG_LISTS, SEVEN_PAGES, ANOTHER, ANOTHER_OF_THREE)
_BACKFILL: Final = {"backfill": True, "explains": "backfill"}

SCENARIOS: Final = (
    _slow("seven pages at 0.3 s", "throughout", SEVEN_PAGES, pace_ms=300),
    _slow("seven pages at 0.4 s", "throughout", SEVEN_PAGES, pace_ms=400),
    _slow("seven pages at 0.5 s", "throughout", SEVEN_PAGES, pace_ms=500),
    _slow("three pages at 0.5 s", "throughout", THREE_PAGES, pace_ms=500, is_fast=True),
    _slow("three other pages at 0.45 s", "throughout", ANOTHER_OF_THREE, pace_ms=450),
    _slow("long lists at 0.4 s", "nested lists", LONG_LISTS, pace_ms=400),
    _slow("long lists at 0.5 s", "nested lists", LONG_LISTS, pace_ms=500),
    _slow("long lists and a page at 0.4 s", "nested lists", LONG_LISTS, ONE_PAGE, pace_ms=400),
    _slow("two repositories at 0.4 s", "throughout", SEVEN_PAGES, THREE_PAGES, pace_ms=400),
    _slow("three repositories at 0.3 s", "throughout", ONE_PAGE, THREE_PAGES, ANOTHER, pace_ms=300),
    _slow("four repositories at 0.3 s", "throughout", ONE_PAGE, THREE_PAGES, ANOTHER, ANOTHER_OF_THREE, pace_ms=300),
    _slow("six repositories at 0.2 s", "throughout", *_SIX, pace_ms=200),
    _slow("six repositories at 0.3 s", "throughout", *_SIX, pace_ms=300),
    _slow("last month of seven pages at 0.4 s", "throughout", SEVEN_PAGES, pace_ms=400, days=30),
    _slow("backfill of seven pages at 0.4 s", "phase 2", SEVEN_PAGES, pace_ms=400, days=2, **_BACKFILL),
    _slow("backfill of seven pages at 0.3 s", "phase 2", SEVEN_PAGES, pace_ms=300, days=3, **_BACKFILL),
    _slow("backfill of three pages at 0.5 s", "phase 2", THREE_PAGES, pace_ms=500, days=2, **_BACKFILL),
    _slow(
        "pages at uneven pace",
        "throughout",
        SEVEN_PAGES,
        pace_ms=300,
        github=(at_page(2, "delay", times=2, delay_ms=500), at_page(5, "delay", times=1, delay_ms=150)),
    ),
    _slow(
        "look-ups at 0.5 s",
        "lookup",
        *_SIX[:5],
        pace_ms=150,
        github=(at_lookup("delay", delay_ms=500),),
    ),
    _slow(
        "lists at 0.5 s",
        "nested lists",
        LONG_LISTS,
        SEVEN_PAGES,
        pace_ms=250,
        github=(at_lists("delay", delay_ms=500),),
    ),
)
