"""Fault rules as people write them: a JSON list, or `{"faults": [...]}`.

    {"fault": "query_timeout", "match": {"operation": "PullRequests", "min_page_size": 30}, "nth": 2, "times": 3}

Every entry is checked against the declarations of `FaultRule`, `Match` and the kind of fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import orjson

from apps.github_simulator.fault_kinds import FAULTS
from apps.github_simulator.faults import FaultRule, Match

_MATCH_TYPES = {name: get_args(hint)[0] for name, hint in get_type_hints(Match).items()}
"""The type of each condition, apart from None."""

_RULE_FIELDS = {field.name for field in fields(FaultRule)} - {"parameters"}

_TYPES: Mapping[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "a string"),
    list: ((list,), "a list"),
    type(None): ((int, float, type(None)), "a number or null"),  # a parameter that has no value by default
}
"""What JSON may hold for a declared type, and what to call it in a message."""


class FaultsError(ValueError):
    """A fault rule is invalid; the message identifies it and says what is allowed."""


def read_faults(path: Path) -> list[FaultRule]:
    """Return the rules in a faults file; raises FaultsError."""
    try:
        script = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FaultsError(f"{path} cannot be read as JSON: {error}") from error
    rules = script.get("faults") if isinstance(script, dict) else script
    if not isinstance(rules, list):
        raise FaultsError(f'{path} has no rules: it must be a JSON list, or {{"faults": [...]}}.')
    return fault_rules(rules)


def fault_rules(entries: Iterable[Mapping[str, Any]]) -> list[FaultRule]:
    """Return the entries of a faults file as rules; raises FaultsError."""
    return [_rule(entry, f"Fault rule {number}") for number, entry in enumerate(entries, 1)]


def _rule(entry: object, where: str) -> FaultRule:
    if not isinstance(entry, Mapping):
        raise FaultsError(f"{where} must be an object with a `fault`, not {entry!r}.")
    where = f"{where} ({entry['name']})" if entry.get("name") else where
    kind = FAULTS.get(entry.get("fault", ""))
    if kind is None:
        raise FaultsError(f"{where}: `fault` must be one of {', '.join(sorted(FAULTS))}, not {entry.get('fault')!r}.")
    _check_names(entry, _RULE_FIELDS | set(kind.parameters), where)
    parameters = {name: entry.get(name, default) for name, default in kind.parameters.items()}
    for name, default in kind.parameters.items():
        _check_type(parameters[name], type(default), f"{where}: `{name}`")
    for name, choices in kind.choices.items():
        _check_choice(parameters[name], choices, f"{where}: `{name}`")
    nth, times = entry.get("nth", 1), entry.get("times", 1)
    if not _is_count(nth) or not (times is None or _is_count(times)):
        raise FaultsError(
            f"{where}: `nth` and `times` must be whole numbers of at least 1 (`times` may also be null, for always)."
        )
    delay_ms, points = entry.get("delay_ms", 0), entry.get("points", 0)
    _check_type(delay_ms, float, f"{where}: `delay_ms`")
    _check_type(points, int, f"{where}: `points`")
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
        raise FaultsError(f"{where}: `match` must be an object, not {entry!r}.")
    _check_names(entry, set(_MATCH_TYPES), f"{where}: `match`")
    for name, value in entry.items():
        kind = _MATCH_TYPES[name]
        if value is None:
            continue
        if get_origin(kind) is Literal:
            _check_choice(value, get_args(kind), f"{where}: `match.{name}`")
        else:
            _check_type(value, kind, f"{where}: `match.{name}`")
    return Match(**entry)


def _check_names(entry: Mapping[str, Any], allowed: set[str], where: str) -> None:
    if unknown := set(entry) - allowed:
        raise FaultsError(f"{where} cannot have {', '.join(sorted(unknown))}, only {', '.join(sorted(allowed))}.")


def _check_choice(value: object, choices: Iterable[object], what: str) -> None:
    if value not in choices:
        raise FaultsError(f"{what} must be one of {', '.join(map(str, choices))}, not {value!r}.")


def _check_type(value: object, declared: type, what: str) -> None:
    """Raise FaultsError unless `value` has the declared type, and is not negative if it is a number."""
    types, description = _TYPES[declared]
    is_valid = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        is_valid, description = False, f"{description} of at least 0"
    if isinstance(value, list) and not all(isinstance(item, int) and item >= 0 for item in value):
        is_valid, description = False, "a list of whole numbers of at least 0"
    if not is_valid:
        raise FaultsError(f"{what} must be {description}, not {value!r}.")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
