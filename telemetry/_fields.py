"""Declared values as a span and a line carry them; a value of the wrong type is mended, and its field named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from telemetry import _health
from telemetry._boundary import Plain, line_value, plain
from telemetry._declaring import FieldSpec, Specs
from telemetry.redaction import clean_texts, is_secret_name

_USUAL = 2**62
_NUMBERS = frozenset({int, float})
_PLAIN = _NUMBERS | {str, bool}
_MOMENT = "a moment with its time zone"
_ANY = f"a text, a number, a boolean or {_MOMENT}"
_reported: set[tuple[type, str]] = set()


def plain_values(owner: type, specs: Mapping[str, FieldSpec], given: Mapping[str, Any]) -> dict[str, Plain]:
    """Return the values of a declaration's fields in their order, as they may leave.

    A value that its field does not allow becomes text, and is reported once.
    """
    if len(given) > len(specs):  # somebody's cached property, beside the fields
        given = {name: given[name] for name in specs if name in given}
    values = dict(given)
    for name, value in given.items():
        kind = type(value)
        if value is None:
            continue
        is_usual = value in clean_texts if kind is str else kind in _NUMBERS and -_USUAL < value < _USUAL
        if is_usual and not is_secret_name(name):  # as most are: without a further call
            continue
        values[name] = plain(name, value)
        if kind not in _PLAIN and (owner, name) not in _reported and not _is_allowed(value):
            _reported.add((owner, name))
            wanted = _MOMENT if isinstance(value, datetime) else specs[name].type if name in specs else _ANY
            _health.problem(TypeError(f"{owner.__name__}.{name} must be {wanted}, not {line_value(name, value)!r}"))
    return values


def attributes_of(specs: Specs, values: Mapping[str, Plain]) -> dict[str, Any]:
    """Return the `values` of these fields under every key that they declare; what is not known is absent."""
    keys = specs.keys_of
    attributes: dict[str, Any] = {keys[name]: value for name, value in values.items() if value is not None}
    for name, key, derive in specs.also:
        if (value := values.get(name)) is not None:
            attributes[key] = derive(value)
    return attributes


def check(specs: Iterable[FieldSpec], values: Mapping[str, object]) -> None:
    """Raise a TypeError that names each value which is not as its field is declared."""
    if problems := [problem for spec in specs if (problem := spec.problem(values[spec.name])) is not None]:
        raise TypeError("; ".join(problems))


def _is_allowed(value: Any) -> bool:
    return isinstance(value, str | int | float) or (isinstance(value, datetime) and value.tzinfo is not None)
