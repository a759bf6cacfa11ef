"""GitHub refuses: the token, for single sign-on, for the address, for missing rights; or the repository is gone."""

from __future__ import annotations

from typing import Final

from tests.rca.scenario import (
    ANOTHER,
    LONG_LISTS,
    ONE_PAGE,
    SEVEN_PAGES,
    THREE_PAGES,
    Act,
    Code,
    Label,
    Scenario,
    at_lists,
    at_lookup,
    at_page,
    in_backfill,
    of_backfill,
)


def _failed(code: Code, name: str = THREE_PAGES) -> Label:
    return Label(outcome="failed", code=code, repositories=(name,))


def _partial(code: Code, name: str) -> Label:
    return Label(outcome="partial", code=code, repositories=(name,))


SCENARIOS: Final = (
    Scenario(
        name="token refused at the look-up",
        place="lookup",
        label=_failed("token_refused", ONE_PAGE),
        github=(at_lookup("bad_credentials"),),
        is_fast=True,
    ),
    Scenario(
        name="token refused at the second page",
        place="middle page",
        label=_failed("token_refused"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "bad_credentials"),),
    ),
    Scenario(
        name="token refused at the last page",
        place="last page",
        label=_failed("token_refused"),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "bad_credentials"),),
    ),
    Scenario(
        name="token refused at long lists",
        place="nested lists",
        label=_failed("token_refused", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("bad_credentials"),),
    ),
    of_backfill(
        name="token refused in the backfill",
        place="phase 2",
        label=_failed("token_refused"),
        github=(in_backfill("bad_credentials"),),
    ),
    Scenario(
        name="token expires while it reads",
        place="middle page",
        label=_failed("token_refused", SEVEN_PAGES),
        repositories=(SEVEN_PAGES,),
        pace_ms=300,
        acts=(Act(does="expire token", when="read some"),),
    ),
    Scenario(
        name="sso required at the look-up",
        place="lookup",
        label=_failed("sso_required", ONE_PAGE),
        github=(at_lookup("sso"),),
        is_fast=True,
    ),
    Scenario(
        name="sso required at the first page",
        place="first page",
        label=_failed("sso_required", ONE_PAGE),
        github=(at_page(1, "sso"),),
    ),
    Scenario(
        name="sso required at the last page",
        place="last page",
        label=_failed("sso_required"),
        repositories=(THREE_PAGES,),
        github=(at_page(3, "sso"),),
    ),
    Scenario(
        name="sso required for one of two",
        place="lookup",
        label=_partial("sso_required", ANOTHER),
        repositories=(ONE_PAGE, ANOTHER),
        github=(at_lookup("sso", repository=ANOTHER),),
    ),
    of_backfill(
        name="sso required in the backfill",
        place="phase 2",
        label=_failed("sso_required"),
        github=(in_backfill("sso"),),
    ),
    Scenario(
        name="address not allowed at the look-up",
        place="lookup",
        label=_failed("ip_not_allowed", ONE_PAGE),
        github=(at_lookup("ip_allow_list"),),
        is_fast=True,
    ),
    Scenario(
        name="address not allowed at the second page",
        place="middle page",
        label=_failed("ip_not_allowed"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "ip_allow_list"),),
    ),
    of_backfill(
        name="address not allowed in the backfill",
        place="phase 2",
        label=_failed("ip_not_allowed"),
        github=(in_backfill("ip_allow_list"),),
    ),
    Scenario(
        name="address not allowed for one of two",
        place="first page",
        label=_partial("ip_not_allowed", ONE_PAGE),
        repositories=(ONE_PAGE, ANOTHER),
        github=(at_page(1, "ip_allow_list", repository=ONE_PAGE),),
    ),
    Scenario(
        name="forbidden at the first page",
        place="first page",
        label=_failed("forbidden", ONE_PAGE),
        github=(at_page(1, "access_blocked"),),
        is_fast=True,
    ),
    Scenario(
        name="forbidden at the second page",
        place="middle page",
        label=_failed("forbidden"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "access_blocked"),),
    ),
    of_backfill(
        name="forbidden in the backfill",
        place="phase 2",
        label=_failed("forbidden"),
        github=(in_backfill("access_blocked"),),
    ),
    Scenario(
        name="forbidden for one of three",
        place="last page",
        label=_partial("forbidden", THREE_PAGES),
        repositories=(ONE_PAGE, THREE_PAGES, ANOTHER),
        github=(at_page(3, "access_blocked", repository=THREE_PAGES),),
    ),
    Scenario(
        name="no such repository",
        place="lookup",
        label=_failed("not_found", "synthetic/gone"),
        repositories=("synthetic/gone",),
        is_fast=True,
    ),
    Scenario(
        name="no such repository beside another",
        place="lookup",
        label=_partial("not_found", "synthetic/gone"),
        repositories=(ONE_PAGE, "synthetic/gone"),
        is_fast=True,
    ),
    Scenario(
        name="repository gone at the second page",
        place="middle page",
        label=_failed("not_found"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "not_found"),),
    ),
    of_backfill(
        name="repository gone in the backfill",
        place="phase 2",
        label=_failed("not_found"),
        github=(at_lookup("not_found", nth=2),),
    ),
)
