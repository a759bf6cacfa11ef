"""Declared values as a span and a line carry them; a value of the wrong type is mended, and its field named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from telemetry import _health
from telemetry.model import FieldSpec, Scalar, rendered
from telemetry.redaction import REDACTED, is_secret_name, redact

_LARGEST = 2**63
_reported: set[tuple[type, str]] = set()


def plain_values(owner: type, specs: Mapping[str, FieldSpec], given: Mapping[str, Any]) -> dict[str, Scalar | None]:
    """Return the values of a declaration's fields in their order, as texts and numbers, without secrets."""
    values: dict[str, Scalar | None] = {}
    for name, value in given.items():
        kind = type(value)
        if kind is str:
            values[name] = REDACTED if is_secret_name(name) else redact(value)
        elif value is None or kind is bool or kind is float or (kind is int and -_LARGEST <= value < _LARGEST):
            values[name] = value
        else:
            values[name] = _mended(owner, name, specs.get(name), value)
    return values


def attributes_of(specs: Mapping[str, FieldSpec], values: Mapping[str, Scalar | None]) -> dict[str, Any]:
    """Return `values` under every key that their fields declare; what is not known is absent."""
    attributes: dict[str, Any] = {}
    for name, spec in specs.items():
        value = values.get(name)
        if value is not None:
            for key in spec.keys:
                attributes[key] = value
            for key, derive in spec.derived:
                attributes[key] = derive(value)
    return attributes


def check(specs: Iterable[FieldSpec], values: Mapping[str, object]) -> None:
    """Raise a TypeError that names each value which is not as its field is declared."""
    if problems := [problem for spec in specs if (problem := spec.problem(values[spec.name])) is not None]:
        raise TypeError("; ".join(problems))


def _mended(owner: type, name: str, spec: FieldSpec | None, value: Any) -> Scalar | None:
    """Return a value that is no plain text or number as one; what its field does not allow is reported once."""
    try:
        plain = rendered(value)
    except Exception as problem:  # noqa: BLE001  # a naive datetime, somebody's class
        _health.pass_on(problem)
        plain = _text(value)
        if (owner, name) not in _reported:
            _reported.add((owner, name))
            wanted = "a plain value" if spec is None else spec.type
            _health.problem(TypeError(f"{owner.__name__}.{name} must be {wanted}, not {value!r}"))
    if type(plain) is int and not -_LARGEST <= plain < _LARGEST:
        return str(plain)
    if isinstance(plain, str):
        return REDACTED if is_secret_name(name) else redact(plain)
    return plain


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception as problem:  # noqa: BLE001  # somebody's __str__
        _health.pass_on(problem)
        return f"[{type(value).__name__} without a text]"
