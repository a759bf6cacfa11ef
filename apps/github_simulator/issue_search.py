"""GitHub's issue search, limited to the qualifiers that select pull requests of repositories, owners and times."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apps.github_simulator.accounts import Account
from apps.github_simulator.graphql_errors import FieldError
from apps.github_simulator.model import PullRequest, Repository, by_updated_at
from apps.github_simulator.times import format_time
from apps.github_simulator.world import World

_Predicate = Callable[[PullRequest], bool]
_DATES = {"updated": "updated_at", "created": "created_at", "merged": "merged_at", "closed": "closed_at"}
_STATES: dict[str, _Predicate] = {
    "pr": lambda pull_request: True,
    "open": lambda pull_request: pull_request.state == "OPEN",
    "closed": lambda pull_request: pull_request.state != "OPEN",
    "merged": lambda pull_request: pull_request.state == "MERGED",
    "unmerged": lambda pull_request: pull_request.state != "MERGED",
    "draft": lambda pull_request: pull_request.is_draft,
}
_RANGE = re.compile(r"(?P<start>[^.]+(?:\.\d+)?)\.\.(?P<end>.+)")
_EARLIEST, _LATEST = "", "9999"


def search_pull_requests(world: World, account: Account, query: str) -> list[PullRequest]:
    """Return the pull requests that match, in ascending order of update.

    Understands `repo: org: user: is: type: state: author: updated: created: merged: closed:`, and ignores `sort:`.
    Raises FieldError for anything else, because a count that ignored a condition would be wrong.
    """
    visible = account.visible(world.repositories)
    named: list[Repository] = []
    predicates: list[_Predicate] = []
    is_scoped = False
    for term in query.split():
        qualifier, _, value = term.replace('"', "").partition(":")
        if qualifier == "repo":
            is_scoped = True
            named += [found] if (found := world.find_repository(value)) in visible and found else []
        elif qualifier in ("org", "user"):
            is_scoped = True
            named += [one for one in visible if one.owner.login.lower() == value.lower()]
        elif qualifier != "sort":
            predicates.append(_predicate(qualifier, value, term))
    return sorted(
        (
            pull_request
            for repository in (named if is_scoped else visible)
            for pull_request in repository.pull_requests.values()
            if all(matches(pull_request) for matches in predicates)
        ),
        key=by_updated_at,
    )


def _predicate(qualifier: str, value: str, term: str) -> _Predicate:
    if qualifier in ("is", "type", "state") and value in _STATES:
        return _STATES[value]
    if qualifier == "author":
        login = value.removeprefix("app/").lower()
        return lambda pull_request: pull_request.author is not None and pull_request.author.login.lower() == login
    if qualifier in _DATES:
        return _within(_DATES[qualifier], value)
    raise FieldError("NOT_SIMULATED", f"The simulator's search does not understand `{term}`.")


def _within(attribute: str, value: str) -> _Predicate:
    start, end = _bounds(value)

    def matches(pull_request: PullRequest) -> bool:
        moment: str | None = getattr(pull_request, attribute)
        return moment is not None and start <= moment < end

    return matches


def _bounds(value: str) -> tuple[str, str]:
    """Return the half-open interval `[start, end)` of a date condition, in GitHub's time format."""
    if match := _RANGE.fullmatch(value):
        start = _EARLIEST if match["start"] == "*" else _span(match["start"])[0]
        return start, _LATEST if match["end"] == "*" else _span(match["end"])[1]
    operator = re.match(r"[<>]?=?", value)
    sign = operator.group() if operator else ""
    first, after = _span(value[len(sign) :])
    return {
        ">=": (first, _LATEST),
        ">": (after, _LATEST),
        "<": (_EARLIEST, first),
        "<=": (_EARLIEST, after),
    }.get(sign, (first, after))


def _span(text: str) -> tuple[str, str]:
    """Return the start of the day or second that `text` names, and the start of the next one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FieldError("NOT_SIMULATED", f"The simulator's search does not understand the date `{text}`.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    length = timedelta(days=1) if "T" not in text else timedelta(seconds=1)
    return format_time(moment), format_time(moment + length)
