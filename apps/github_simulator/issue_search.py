"""GitHub's issue search, limited to pull requests and the qualifiers that apply to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apps.github_simulator.accounts import Account
from apps.github_simulator.graphql_errors import FieldError
from apps.github_simulator.model import PullRequest, Repository
from apps.github_simulator.times import text_time
from apps.github_simulator.world import World

_Test = Callable[[PullRequest], bool]
_DATES = {"updated": "updated_at", "created": "created_at", "merged": "merged_at", "closed": "closed_at"}
_STATES: dict[str, _Test] = {
    "pr": lambda pr: True,
    "open": lambda pr: pr.state == "OPEN",
    "closed": lambda pr: pr.state != "OPEN",
    "merged": lambda pr: pr.state == "MERGED",
    "unmerged": lambda pr: pr.state != "MERGED",
    "draft": lambda pr: pr.is_draft,
}
_RANGE = re.compile(r"(?P<start>[^.]+(?:\.\d+)?)\.\.(?P<end>.+)")


def search_pull_requests(world: World, account: Account, query: str) -> list[PullRequest]:
    """Return the pull requests that match `query`, in ascending order of (updatedAt, id).

    Support the qualifiers `repo: org: user: is: type: state: author: updated: created: merged: closed:`, and ignore
    `sort:`. Raise FieldError for any other term, rather than return a wrong result.
    """
    repositories = [repository for repository in world.repositories if account.sees(repository)]
    named: list[Repository] = []
    tests: list[_Test] = []
    scoped = False
    for term in query.split():
        qualifier, _, value = term.replace('"', "").partition(":")
        if qualifier == "repo":
            scoped = True
            named += [found] if (found := world.repository(value)) in repositories and found else []
        elif qualifier in ("org", "user"):
            scoped = True
            named += [one for one in repositories if one.owner.login.lower() == value.lower()]
        elif qualifier != "sort":
            tests.append(_test(qualifier, value, term))
    found_in = named if scoped else repositories
    return sorted(
        (pr for repository in found_in for pr in repository.pull_requests.values() if all(test(pr) for test in tests)),
        key=lambda pr: (pr.updated_at, pr.database_id),
    )


def _test(qualifier: str, value: str, term: str) -> _Test:
    if qualifier in ("is", "type", "state") and value in _STATES:
        return _STATES[value]
    if qualifier == "author":
        login = value.removeprefix("app/").lower()
        return lambda pr: pr.author is not None and pr.author.login.lower() == login
    if qualifier in _DATES:
        return _date_test(_DATES[qualifier], value)
    raise FieldError("NOT_SIMULATED", f"The simulator's search does not know `{term}`.")


def _date_test(attribute: str, value: str) -> _Test:
    start, end = _bounds(value)

    def within(pr: PullRequest) -> bool:
        moment: str | None = getattr(pr, attribute)
        return moment is not None and start <= moment < end

    return within


def _bounds(value: str) -> tuple[str, str]:
    """Return the range as [start, end) in GitHub's time format; a date without a time covers the whole day."""
    always = ("", "9999")
    if match := _RANGE.fullmatch(value):
        start = always[0] if match["start"] == "*" else _span(match["start"])[0]
        return start, always[1] if match["end"] == "*" else _span(match["end"])[1]
    operator = re.match(r"[<>]?=?", value)
    sign = operator.group() if operator else ""
    first, after = _span(value[len(sign) :])
    return {
        ">=": (first, always[1]),
        ">": (after, always[1]),
        "<": (always[0], first),
        "<=": (always[0], after),
    }.get(sign, (first, after))


def _span(text: str) -> tuple[str, str]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FieldError("NOT_SIMULATED", f"The simulator's search does not understand the date `{text}`.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    length = timedelta(days=1) if "T" not in text else timedelta(seconds=1)
    return text_time(moment), text_time(moment + length)
