"""Faults that healed and cost nothing worth naming, in runs that take long enough for that: healthy."""

from __future__ import annotations

from typing import Any, Final

from tests.rca.scenario import (
    ANOTHER,
    SEVEN_PAGES,
    THREE_PAGES,
    DatabaseFault,
    Fate,
    Place,
    Scenario,
    at_lookup,
    at_page,
    healthy,
    in_backfill,
)

_CLOSING: Final = 8  # the request after the last page of seven, which asks for what was changed meanwhile


def _decoy(
    name: str, place: Place, *github: dict[str, Any], repositories: tuple[str, ...] = (SEVEN_PAGES,), **more: Any
) -> Scenario:
    return Scenario(
        name=name,
        place=place,
        kind="decoy",
        label=healthy(),
        repositories=repositories,
        github=github,
        pace_ms=450,
        **more,
    )


SCENARIOS: Final = (
    _decoy("refuses the token once", "middle page", at_page(3, "bad_credentials", times=1), is_fast=True),
    _decoy("refuses the token once at the look-up", "lookup", at_lookup("bad_credentials", times=1)),
    _decoy("says once that it is not there", "middle page", at_page(2, "not_found", times=1)),
    _decoy("forbids it once", "last page", at_page(7, "access_blocked", times=1)),
    _decoy("asks once for single sign-on", "middle page", at_page(4, "sso", times=1)),
    _decoy("does not allow the address once", "first page", at_page(1, "ip_allow_list", times=1)),
    _decoy("does not know a field", "first page", at_page(1, "undefined_field", times=1)),
    _decoy("fails once at the closing query", "last page", at_page(_CLOSING, "query_timeout", times=1)),
    _decoy("finds the closing query too costly once", "last page", at_page(_CLOSING, "resource_limits", times=1)),
    _decoy("leaves out a node of the closing query once", "last page", at_page(_CLOSING, "null_nodes", times=1)),
    _decoy("a secondary limit of no seconds", "middle page", at_page(3, "secondary_limit", times=1, retry_after=0)),
    _decoy("a secondary limit of no seconds at the look-up", "lookup", at_lookup("secondary_limit", times=1, retry_after=0)),
    _decoy(
        "refuses the token once in the backfill",
        "phase 2",
        in_backfill("bad_credentials", times=1),
        days=2,
        backfill=True,
        explains="backfill",
    ),
    _decoy(
        "says once of one of two that it is not there",
        "middle page",
        at_page(2, "not_found", times=1, repository=THREE_PAGES),
        repositories=(ANOTHER, THREE_PAGES),
    ),
    _decoy(
        "a statement of a tenth of a second", "middle page", database=(DatabaseFault(does="sleep", nth=60, seconds=0.1),)
    ),
    _decoy(
        "an analysis that takes a tenth of a second", "analysis", fates=(Fate(does="linger", when="analyzes", seconds=0.1),)
    ),
    _decoy("an answer that takes a little longer", "middle page", at_page(4, "delay", times=1, delay_ms=580)),
)
