"""What the other scenarios have, in places and company where they have it not: labelled before it was played once."""

from __future__ import annotations

from typing import Any, Final

from tests.rca.scenario import (
    ANOTHER,
    LONG_LISTS,
    ONE_PAGE,
    SEVEN_PAGES,
    THREE_PAGES,
    Act,
    Code,
    DatabaseFault,
    Fate,
    Label,
    Others,
    Outcome,
    Scenario,
    at_lists,
    at_lookup,
    at_page,
    healthy,
    in_backfill,
    label,
    of_backfill,
)

_ALWAYS: Final = 100
_REFUSED_AT_LISTS: Final[tuple[tuple[str, str, Code, str], ...]] = (
    ("single sign-on", "sso", "sso_required", "patient"),
    ("the address is not allowed", "ip_allow_list", "ip_not_allowed", "patient"),
    ("a proxy wants a password", "proxy_authentication", "misconfigured", "patient"),
    ("504", "gateway_timeout", "github_errors", "patient"),
    ("says nothing", "hang", "github_slow", "hasty"),
    ("resets", "connection_reset", "github_unreachable", "patient"),
)
_BACKFILL: Final[dict[str, Any]] = {"days": 2, "backfill": True}


def _of_both(outcome: Outcome, code: Code, *names: str) -> Label:
    return Label(outcome=outcome, code=code, repositories=names)


_AT_GITHUB: Final = (
    Scenario(
        name="token refused for two of three",
        place="first page",
        label=_of_both("partial", "token_refused", ANOTHER, THREE_PAGES),
        repositories=(ONE_PAGE, ANOTHER, THREE_PAGES),
        github=(
            at_page(1, "bad_credentials", repository=ANOTHER),
            at_page(1, "bad_credentials", repository=THREE_PAGES),
        ),
    ),
    Scenario(
        name="two of three are gone",
        place="lookup",
        label=_of_both("partial", "not_found", "synthetic/gone", "synthetic/lost"),
        repositories=("synthetic/gone", THREE_PAGES, "synthetic/lost"),
    ),
    Scenario(
        name="forbidden at long lists",
        place="nested lists",
        label=label("failed", "forbidden", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("access_blocked"),),
    ),
    Scenario(
        name="cut off at long lists",
        place="nested lists",
        label=label("failed", "github_unreachable", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("cut_body"),),
    ),
    Scenario(
        name="a page for people at long lists",
        place="nested lists",
        label=label("failed", "answer_invalid", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("html_page"),),
    ),
    Scenario(
        name="half a document at the look-up",
        place="lookup",
        label=label("failed", "answer_invalid", ONE_PAGE),
        github=(at_lookup("invalid_json"),),
    ),
    Scenario(
        name="a body that drips",
        place="middle page",
        label=label("completed", "github_slow"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "slow_body", times=1, seconds=6.0),),
    ),
    Scenario(
        name="slow at the last page of seven",
        place="last page",
        label=label("completed", "github_slow", SEVEN_PAGES),
        repositories=(SEVEN_PAGES,),
        github=(at_page(7, "delay", times=1, delay_ms=7_000),),
    ),
    Scenario(
        name="three short secondary limits",
        place="throughout",
        label=label("completed", "secondary_limit"),
        repositories=(THREE_PAGES,),
        github=(at_page(1, "secondary_limit", times=3, retry_after=2),),
    ),
    Scenario(
        name="primary limit at long lists",
        place="nested lists",
        label=label("completed", "primary_limit", LONG_LISTS),
        repositories=(LONG_LISTS,),
        github=(at_lists("primary_limit", times=1, reset_in=6),),
    ),
    Scenario(
        name="parked by a page about abuse",
        place="middle page",
        label=label("waiting", "secondary_limit"),
        repositories=(THREE_PAGES,),
        github=(at_page(2, "limit_page", status=403),),
        until="waits",
    ),
    of_backfill(
        name="503 at the look-up of the backfill",
        place="phase 2",
        label=label("failed", "github_errors"),
        github=(at_lookup("unavailable", nth=2),),
    ),
    of_backfill(
        name="token expires while the backfill reads",
        place="phase 2",
        label=label("failed", "token_refused"),
        pace_ms=300,
        acts=(Act(does="expire token", when="backfill read some"),),
    ),
    Scenario(
        name="refuses connections in the backfill",
        place="phase 2",
        label=label("completed", "github_unreachable"),
        repositories=(THREE_PAGES,),
        through_wire=True,
        pace_ms=300,
        explains="backfill",
        acts=(Act(does="unplug github", when="backfill read some", seconds=5),),
        **_BACKFILL,
    ),
)

_OURS: Final = (
    Scenario(
        name="killed at long lists again and again",
        place="nested lists",
        label=label("failed", "worker_died", LONG_LISTS),
        group="hasty",
        repositories=(LONG_LISTS,),
        fates=(Fate(does="kill", when="asks", nth=4, times=_ALWAYS),),
    ),
    Scenario(
        name="metrics killed each time",
        place="metrics",
        label=label("failed", "worker_died", ONE_PAGE, whole_run=True),
        group="hasty",
        fates=(Fate(does="kill", when="measures", times=_ALWAYS),),
    ),
    Scenario(
        name="loops at the first page again and again",
        place="first page",
        label=label("failed", "time_limit", ONE_PAGE),
        group="hasty",
        fates=(Fate(does="loop", when="stores", times=_ALWAYS),),
    ),
    Scenario(
        name="machine lost in the metrics",
        place="metrics",
        label=label("completed", "worker_died", ONE_PAGE, whole_run=True),
        group="machine lost",
        fates=(Fate(does="linger", when="measures", seconds=2.0),),
        acts=(Act(does="lose machine", when="metrics", seconds=0),),
    ),
    Scenario(
        name="no database in the metrics",
        place="metrics",
        label=label("completed", "database_unavailable", ONE_PAGE, whole_run=True),
        group="no database",
        fates=(Fate(does="linger", when="measures", seconds=1.0),),
        acts=(Act(does="stop database", when="metrics", seconds=6),),
        rule_after=True,
    ),
    Scenario(
        name="session ended at one of two again and again",
        place="first page",
        label=label("partial", "database_unavailable", ANOTHER),
        repositories=(ONE_PAGE, ANOTHER),
        database=(DatabaseFault(does="terminate", times=_ALWAYS, repository=ANOTHER),),
    ),
    Scenario(
        name="a slow statement at one of two",
        place="first page",
        label=label("completed", "database_slow", ANOTHER),
        repositories=(ONE_PAGE, ANOTHER),
        database=(DatabaseFault(does="sleep", seconds=7, repository=ANOTHER),),
    ),
    Scenario(
        name="lane held at long lists",
        place="nested lists",
        label=label("completed", "lane_busy", LONG_LISTS),
        repositories=(LONG_LISTS,),
        pace_ms=300,
        acts=(Act(does="hold lane", when="read some", seconds=7),),
    ),
    Scenario(
        name="called off while it backs off",
        place="first page",
        label=label("cancelled", "cancelled", ONE_PAGE, whole_run=True),
        github=(at_page(1, "server_error"),),
        acts=(Act(does="cancel", when="backs off"),),
    ),
    Scenario(
        name="a mistake at one of two",
        place="first page",
        label=label("partial", "program_error", ANOTHER),
        repositories=(ONE_PAGE, ANOTHER),
        fates=(Fate(does="raise", when="stores", times=_ALWAYS, repository=ANOTHER),),
    ),
)

_TOGETHER: Final = (
    Scenario(
        name="killed, and a slow page, then single sign-on",
        place="last page",
        kind="two",
        label=label("failed", "sso_required"),
        group="hasty",
        repositories=(THREE_PAGES,),
        github=(at_page(3, "delay", times=1, delay_ms=1_800), at_page(5, "sso")),
        fates=(Fate(does="kill", when="stores"),),
    ),
    Scenario(
        name="a 502 at each of three look-ups, and a secondary limit that costs more",
        place="lookup",
        kind="two",
        label=label("completed", "secondary_limit"),
        repositories=(THREE_PAGES,),
        github=(at_lookup("bad_gateway_page", times=1), at_page(2, "secondary_limit", times=1, retry_after=7)),
    ),
    Scenario(
        name="one of three forbidden, another behind a slow statement",
        place="first page",
        kind="two",
        label=label("partial", "forbidden", ANOTHER),
        repositories=(ONE_PAGE, ANOTHER, THREE_PAGES),
        github=(at_page(1, "access_blocked", repository=ANOTHER),),
        database=(DatabaseFault(does="sleep", seconds=5, repository=THREE_PAGES),),
    ),
    Scenario(
        name="a recent run whose backfill is refused",
        place="phase 2",
        kind="decoy",
        label=healthy(),
        repositories=(THREE_PAGES,),
        github=(in_backfill("bad_credentials"),),
        pace_ms=450,
        **_BACKFILL,
    ),
    Scenario(
        name="a backfill whose recent run met a limit",
        place="phase 2",
        kind="decoy",
        label=healthy(),
        repositories=(THREE_PAGES,),
        github=(at_page(1, "primary_limit", times=1, reset_in=5),),
        pace_ms=450,
        explains="backfill",
        **_BACKFILL,
    ),
    Scenario(
        name="leaves out a node of a page once, beside another",
        place="last page",
        kind="decoy",
        label=healthy(),
        repositories=(SEVEN_PAGES, THREE_PAGES),
        pace_ms=700,
        github=(at_page(9, "null_nodes", times=1),),
    ),
)

_AGAIN: Final = (
    *(
        Scenario(
            name=f"{said} at long lists",
            place="nested lists",
            label=label("failed", code, LONG_LISTS),
            repositories=(LONG_LISTS,),
            github=(at_lists(fault),),
            group=group,
        )
        for said, fault, code, group in _REFUSED_AT_LISTS
    ),
    of_backfill(
        name="secondary limit at the look-up of the backfill",
        place="phase 2",
        label=label("completed", "secondary_limit"),
        github=(at_lookup("secondary_limit", nth=2, times=1, retry_after=5),),
    ),
    Scenario(
        name="refuses connections at the start",
        place="start",
        label=label("completed", "github_unreachable", ONE_PAGE),
        through_wire=True,
        acts=(Act(does="unplug github", when="prepared", seconds=5),),
    ),
    Scenario(
        name="one of three is gone at its second page",
        place="middle page",
        label=label("partial", "not_found"),
        repositories=(ONE_PAGE, THREE_PAGES, ANOTHER),
        github=(at_page(2, "not_found", repository=THREE_PAGES),),
    ),
    Scenario(
        name="a primary limit while another team has the account",
        place="first page",
        kind="two",
        label=label("completed", "primary_limit", ONE_PAGE),
        github=(at_page(1, "primary_limit", times=1, reset_in=7, repository=ONE_PAGE),),
        others=Others(seconds=2.0),
        acts=(Act(does="let others begin", when="prepared"),),
    ),
    Scenario(
        name="backfill called off in its analysis",
        place="phase 2",
        label=label("cancelled", "cancelled", whole_run=True),
        repositories=(THREE_PAGES,),
        fates=(Fate(does="linger", when="analyzes", nth=2, seconds=2.0),),
        acts=(Act(does="cancel", when="backfill analysis"),),
        explains="backfill",
        **_BACKFILL,
    ),
    of_backfill(
        name="session ended in the backfill again and again",
        place="phase 2",
        label=label("failed", "database_unavailable"),
        database=(DatabaseFault(does="terminate", nth=20, times=_ALWAYS),),
    ),
    Scenario(
        name="slow analysis writes",
        place="analysis",
        label=label("completed", "database_slow", whole_run=True),
        repositories=(THREE_PAGES,),
        database=(DatabaseFault(does="sleep", table="analyses", nth=5, seconds=6),),
    ),
)

SCENARIOS: Final = (*_AT_GITHUB, *_OURS, *_TOGETHER, *_AGAIN)
