"""Scripted faults: which requests fail, how often, and how.

A faults file is a JSON list of rules, or `{"faults": [...]}`. A rule looks like this:

    {"fault": "query_timeout", "match": {"operation": "PullRequests", "min_page_size": 30}, "nth": 2, "times": 3}

The fault applies to `times` matching requests (default 1; null means all of them), starting with the `nth` (default 1).
If several rules are due, the first one wins, but each rule counts every request that it matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any, get_args

import orjson

from apps.github_simulator.fault_kinds import FAULTS
from apps.github_simulator.replies import Api


class FaultsError(ValueError):
    """An invalid faults file; the message identifies the rule and says what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """The requests that a rule applies to; a condition that is None matches every request.

    `operation` is the name of the GraphQL operation, `endpoint` the REST route (`/repos/{owner}/{repo}`), `repository`
    the full name of a repository that the request mentions, `min_page_size` the smallest page size of the outermost
    connection, and `continued` whether any connection has a cursor.
    """

    api: Api | None = None
    operation: str | None = None
    endpoint: str | None = None
    repository: str | None = None
    account: str | None = None
    min_page_size: int | None = None
    continued: bool | None = None


@dataclass(frozen=True, kw_only=True)
class FaultRule:
    """A rule of the script; its fault is delayed by `delay_ms` and charged `points`."""

    fault: str
    match: Match = Match()
    nth: int = 1
    times: int | None = 1
    name: str = ""
    delay_ms: float = 0
    points: int = 0
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """The properties of a request that rules can match.

    `mentions` returns whether the request mentions the repository with a given full name.
    """

    api: Api
    account: str
    operation: str | None
    endpoint: str | None
    page_size: int | None
    continued: bool
    mentions: Callable[[str], bool]

    def fits(self, match: Match) -> bool:
        """Return whether the request meets every condition of `match`."""
        return (
            match.api in (None, self.api)
            and match.operation in (None, self.operation)
            and match.endpoint in (None, self.endpoint)
            and match.account in (None, self.account)
            and match.continued in (None, self.continued)
            and (match.min_page_size is None or (self.page_size or 0) >= match.min_page_size)
            and (match.repository is None or self.mentions(match.repository))
        )


class FaultScript:
    """The fault rules, and how many requests each has matched so far."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self._lock = Lock()
        self._rules: list[tuple[FaultRule, list[int]]] = []
        self.add(rules)

    def add(self, rules: Iterable[FaultRule]) -> None:
        """Add rules, which count matching requests from now on."""
        with self._lock:
            self._rules += [(rule, [0]) for rule in rules]

    def clear(self) -> None:
        """Remove all rules, so that no more requests fail."""
        with self._lock:
            self._rules.clear()

    def due(self, incoming: Incoming) -> FaultRule | None:
        """Count the request for every rule that it matches, and return the first rule that is due, if any."""
        chosen: FaultRule | None = None
        with self._lock:
            for rule, matched in self._rules:
                if not incoming.fits(rule.match):
                    continue
                matched[0] += 1
                last = None if rule.times is None else rule.nth + rule.times - 1
                if chosen is None and matched[0] >= rule.nth and (last is None or matched[0] <= last):
                    chosen = rule
        return chosen


def read_faults(path: Path) -> list[FaultRule]:
    """Return the rules in the file at `path`; raise FaultsError if it is invalid."""
    try:
        script = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FaultsError(f"{path} cannot be read as JSON: {error}") from error
    rules = script.get("faults") if isinstance(script, dict) else script
    if not isinstance(rules, list):
        raise FaultsError(f'{path} holds no rules: it should be a JSON list, or {{"faults": [...]}}.')
    return fault_rules(rules)


def fault_rules(entries: Iterable[Mapping[str, Any]]) -> list[FaultRule]:
    """Return `entries` as rules; raise FaultsError if one is invalid."""
    return [_rule(entry, f"fault rule {number}") for number, entry in enumerate(entries, 1)]


def _rule(entry: object, where: str) -> FaultRule:
    if not isinstance(entry, Mapping):
        raise FaultsError(f"{where} is not an object with a `fault`: {entry!r}.")
    where = f"{where} ({entry['name']})" if entry.get("name") else where
    kind = FAULTS.get(entry.get("fault", ""))
    if kind is None:
        raise FaultsError(f"{where}: `fault` is one of {', '.join(sorted(FAULTS))}; not {entry.get('fault')!r}.")
    common = {field.name for field in fields(FaultRule)} - {"parameters"}
    _known(entry, common | set(kind.parameters), where)
    parameters = {name: entry.get(name, default) for name, default in kind.parameters.items()}
    for name, default in kind.parameters.items():
        _typed(parameters[name], default, f"{where}: `{name}`")
    for name, choices in kind.choices.items():
        if parameters[name] not in choices:
            raise FaultsError(f"{where}: `{name}` is one of {', '.join(map(str, choices))}, not {parameters[name]!r}.")
    nth, times = entry.get("nth", 1), entry.get("times", 1)
    if not _counts(nth) or not (times is None or _counts(times)):
        raise FaultsError(f"{where}: `nth` and `times` are whole numbers from 1 (`times` may be null: always).")
    delay_ms, points = entry.get("delay_ms", 0), entry.get("points", 0)
    _typed(delay_ms, 0.0, f"{where}: `delay_ms`")
    _typed(points, 0, f"{where}: `points`")
    return FaultRule(
        fault=entry["fault"],
        match=_match(entry.get("match", {}), where),
        nth=nth,
        times=times,
        name=entry.get("name", ""),
        delay_ms=delay_ms,
        points=points,
        parameters=parameters,
    )


def _match(entry: object, where: str) -> Match:
    if not isinstance(entry, Mapping):
        raise FaultsError(f"{where}: `match` is an object, not {entry!r}.")
    _known(entry, {field.name for field in fields(Match)}, f"{where}: `match`")
    if entry.get("api") not in (None, *get_args(Api)):
        raise FaultsError(f"{where}: `match.api` is one of {', '.join(get_args(Api))}, not {entry['api']!r}.")
    examples = {"min_page_size": 0, "continued": True}
    for name, value in entry.items():
        if value is not None:
            _typed(value, examples.get(name, ""), f"{where}: `match.{name}`")
    return Match(**entry)


def _known(entry: Mapping[str, Any], allowed: set[str], where: str) -> None:
    if unknown := set(entry) - allowed:
        raise FaultsError(f"{where} does not know {', '.join(sorted(unknown))}; it may have {', '.join(sorted(allowed))}.")


def _typed(value: object, example: object, what: str) -> None:
    """Raise FaultsError unless `value` has the type of `example`; an example of None allows a number or null.

    Numbers must not be negative, and lists may only contain whole numbers from 0.
    """
    wanted: dict[type, tuple[tuple[type, ...], str]] = {
        bool: ((bool,), "true or false"),
        int: ((int,), "a whole number"),
        float: ((int, float), "a number"),
        str: ((str,), "a text"),
        list: ((list,), "a list"),
        type(None): ((int, float, type(None)), "a number or null"),
    }
    types, description = wanted[type(example)]
    wrong = not isinstance(value, types) or (isinstance(value, bool) and bool not in types)
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        wrong, description = True, f"{description} from 0"
    if isinstance(value, list) and not all(isinstance(item, int) and item >= 0 for item in value):
        wrong, description = True, "a list of whole numbers from 0"
    if wrong:
        raise FaultsError(f"{what} is {description}, not {value!r}.")


def _counts(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
