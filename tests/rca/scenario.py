"""What a scenario is: what is injected into which sync, and the label that says what a person should be told about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

Outcome = Literal["completed", "partial", "failed", "waiting", "running", "cancelled"]
Code = Literal[
    "token_refused",
    "sso_required",
    "ip_not_allowed",
    "forbidden",
    "not_found",
    "primary_limit",
    "secondary_limit",
    "github_slow",
    "github_errors",
    "github_unreachable",
    "answer_invalid",
    "incomplete_at_github",
    "worker_died",
    "no_worker",
    "queue_busy",
    "lane_busy",
    "database_unavailable",
    "database_slow",
    "broker_unavailable",
    "time_limit",
    "misconfigured",
    "program_error",
    "cancelled",
    "unknown",
]
CODES: Final[tuple[Code, ...]] = get_args(Code)
Place = Literal[
    "start",
    "lookup",
    "first page",
    "middle page",
    "last page",
    "nested lists",
    "phase 2",
    "analysis",
    "metrics",
    "throughout",
]
Kind = Literal["one", "two", "slow", "decoy"]
"""One fault; two of which one decides; none, though it took long; one that healed and cost nothing worth naming."""

ONE_PAGE: Final = "synthetic/repo-1"
THREE_PAGES: Final = "synthetic/repo-2"
LONG_LISTS: Final = "synthetic/repo-3"
SEVEN_PAGES: Final = "synthetic/repo-4"
ANOTHER: Final = "synthetic/repo-5"
ANOTHER_OF_THREE: Final = "synthetic/repo-6"
UNLISTED: Final = "synthetic/repo-7"
REPOSITORIES: Final[Mapping[str, tuple[int, int]]] = {
    ONE_PAGE: (20, 1_000),
    THREE_PAGES: (90, 1_000),
    LONG_LISTS: (16, 4),
    SEVEN_PAGES: (300, 1_000),
    ANOTHER: (18, 1_000),
    ANOTHER_OF_THREE: (85, 1_000),
    UNLISTED: (12, 1_000),
}
"""What the simulated GitHub holds: how many pull requests, and every which of them has lists of more than a page."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A span, line or row that proves a cause: what it is called, and what it has; a tuple lists what may stand there."""

    kind: Literal["span", "line", "row"]
    name: str
    has: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.kind} {self.name} {dict(self.has) if self.has else ''}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a person should be told. `code` is None for a healthy run. `chain` are proofs, of which the chain must hold one.

    With `whole_run` the cause struck the run as a whole, and may name all of its repositories or none.
    """

    outcome: Outcome
    code: Code | None
    repositories: tuple[str, ...] = ()
    whole_run: bool = False
    chain: tuple[Proof, ...] = ()


def label(outcome: Outcome, code: Code, name: str = THREE_PAGES, *, whole_run: bool = False) -> Label:
    """Return the label of a cause that decides at one repository."""
    return Label(outcome=outcome, code=code, repositories=(name,), whole_run=whole_run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What befalls the worker's process that has come somewhere, from the `nth` time on, so many `times`.

    `loop` goes on through any soft limit, `hang` stands still until one. `asks` is a request to GitHub, `stores` a page, by
    default of any repository.
    """

    does: Literal["kill", "loop", "hang", "raise", "linger"]
    when: Literal["asks", "stores", "analyzes", "measures"]
    nth: int = 1
    times: int = 1
    seconds: float = 0.0
    repository: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFault:
    """What PostgreSQL does when the `nth` row of a table is written for the scenario's repositories, so many `times`."""

    does: Literal["terminate", "sleep"]
    table: Literal["pull requests", "reviews", "analyses"] = "pull requests"
    nth: int = 1
    times: int = 1
    seconds: float = 0.0
    repository: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody does to the running sync, once, as soon as it stands `when`, and makes good after so many `seconds`."""

    does: Literal[
        "cancel",
        "hold lane",
        "unplug github",
        "swap key",
        "spoil address",
        "expire token",
        "let others begin",
        "stop worker",
        "lose machine",
        "stop broker",
        "stop database",
    ]
    when: Literal[
        "prepared",
        "started",
        "asks",
        "read some",
        "backs off",
        "one ended",
        "analysis",
        "metrics",
        "backfill begins",
        "backfill asks",
        "backfill read some",
        "backfill backs off",
        "backfill analysis",
    ]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Another team that syncs a repository, for which GitHub takes so long, with the same account or one of its own."""

    seconds: float
    repository: str = ANOTHER
    same_account: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A sync with what is injected into it, and the label of the run that is explained.

    `github` are the simulator's fault rules, for this sync's account alone; the first that is due strikes. `pace_ms` is how
    long GitHub takes for each answer otherwise. `others` are another team, which an act lets begin. `until` says when the
    run is explained: at its end, or while it `waits`. `rule_after` marks one whose rule was written after it was seen to
    fail.
    """

    name: str
    place: Place
    label: Label
    kind: Kind = "one"
    group: str = "patient"
    repositories: tuple[str, ...] = (ONE_PAGE,)
    github: tuple[Mapping[str, Any], ...] = ()
    pace_ms: float = 0.0
    fates: tuple[Fate, ...] = ()
    database: tuple[DatabaseFault, ...] = ()
    acts: tuple[Act, ...] = ()
    others: Others | None = None
    through_wire: bool = False
    days: int | None = None
    backfill: bool = False
    explains: Literal["recent", "backfill"] = "recent"
    until: Literal["end", "waits"] = "end"
    is_fast: bool = False
    rule_after: bool = False

    @property
    def slug(self) -> str:
        """Return what its team is called, which may have 50 characters, with room for the other team's."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower())[:42]


def of_backfill(**more: Any) -> Scenario:
    """Return a scenario whose backfill is explained: of three pages, of which the recent run reads less than one."""
    return Scenario(repositories=(THREE_PAGES,), days=2, backfill=True, explains="backfill", **more)


def at_lookup(fault: str, *, nth: int = 1, times: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a rule for the look-up of a repository, with which each attempt begins."""
    return _rule(fault, {"endpoint": "/repos/{owner}/{repo}"}, nth=nth, times=times, more=more)


def at_page(number: int, fault: str, *, times: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a rule for requests for pages, from that one on."""
    return _rule(fault, {"operation": "PullRequests"}, nth=number, times=times, more=more)


def at_lists(fault: str, *, nth: int = 1, times: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a rule for the requests for further members of long lists."""
    return _rule(fault, {"operation": "PullRequestLists"}, nth=nth, times=times, more=more)


def in_backfill(fault: str, *, nth: int = 1, times: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a rule for the pages of a backfill, whose recent run had a single page: they alone go on at a cursor."""
    return _rule(fault, {"operation": "PullRequests", "continued": True}, nth=nth, times=times, more=more)


def _rule(fault: str, match: dict[str, Any], *, nth: int, times: int | None, more: Mapping[str, Any]) -> dict[str, Any]:
    of = {"repository": more["repository"]} if "repository" in more else {}
    rest = {name: value for name, value in more.items() if name != "repository"}
    return {"fault": fault, "match": {**match, **of}, "nth": nth, "times": times, **rest}


def healthy(outcome: Outcome = "completed") -> Label:
    """Return the label of a run about which there is nothing to say."""
    return Label(outcome=outcome, code=None)
