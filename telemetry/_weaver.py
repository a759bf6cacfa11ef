"""Declarations as a registry of semantic conventions, in the language that OpenTelemetry's Weaver reads.

https://github.com/open-telemetry/weaver/blob/main/schemas/semconv-syntax.md: every attribute is defined once, in a group of
its own; spans, events and metrics refer to it. OpenTelemetry's own attributes are defined here too, so that the registry
stands alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from telemetry._declaring import Field, first_line, spec_of, unchanged
from telemetry.instruments import InstrumentSpec, declared_instruments
from telemetry.model import (
    MEASURED,
    EventSpec,
    FieldSpec,
    Operation,
    Outcome,
    declared_events,
    declared_operations,
)

_STABILITY = "development"
_TYPES = {"string": "string", "int": "int", "float": "double", "bool": "boolean"}
_WIDER = {frozenset({"int", "double"}): "double"}
_KNOWN = {"conditionally_required": "when it is known"}
_RESULT = {"conditionally_required": "when the operation has a result"}
_ERROR = {"conditionally_required": "when it ended with an error"}
_FAILURE = ("error_type", "error_msg")

Level = str | dict[str, str]
"""Whether an attribute is required, and when."""


def registry(namespaces: Collection[str]) -> dict[str, Any]:
    """Return everything declared in these namespaces (the part of a name before its first dot) as a registry."""
    attributes = _Attributes()
    groups = [
        *(_span(operation, attributes) for operation in _of(namespaces, declared_operations()).values()),
        *(_event(event, attributes) for event in _of(namespaces, declared_events()).values()),
        *(_duration(operation, attributes) for operation in _of(namespaces, declared_operations()).values()),
        *(_metric(instrument, attributes) for instrument in _of(namespaces, declared_instruments()).values()),
    ]
    if not groups:
        raise ValueError(f"nothing is declared in {', '.join(sorted(namespaces))}: import the module that declares it")
    defined = {
        "id": "registry.catalog",
        "type": "attribute_group",
        "brief": f"The attributes of {', '.join(sorted(namespaces))}.",
        "attributes": list(attributes.defined.values()),
    }
    return {"groups": [defined, *groups] if attributes.defined else groups}  # Weaver refuses a group of nothing


def as_yaml(value: Any, indent: str = "") -> str:
    """Return JSON-like values as YAML in block style, with every text quoted so that none is misread."""
    return "".join(f"{line}\n" for line in _yaml(value, indent))


class _Attributes:
    """Every attribute by its key, as first declared."""

    def __init__(self) -> None:
        self.defined: dict[str, dict[str, Any]] = {}

    def refer(self, spec: FieldSpec, key: str, level: Level) -> dict[str, Any]:
        """Return a reference to the attribute `key`, which is defined if it is not yet."""
        meaning = spec.meaning or spec.name
        known = self.defined.get(key)
        if known is None:
            known = self.defined[key] = {
                "id": key,
                "type": _type(spec),
                "stability": _STABILITY,
                "brief": meaning,
                **({"note": f"Unit: {spec.unit}."} if spec.unit not in ("", "1") else {}),
                **_examples(spec),
            }
        else:
            self._widen(known, spec)
        own = {} if known["brief"] == meaning else {"brief": meaning}
        return {"ref": key, "requirement_level": level, **own}

    def _widen(self, known: dict[str, Any], spec: FieldSpec) -> None:
        """Widen an attribute to what two declarations of its key allow."""
        before, now = known["type"], _type(spec)
        if isinstance(before, dict) and isinstance(now, dict):
            values = dict.fromkeys(member["value"] for member in before["members"] + now["members"])
            known["type"] = _members(values)
        elif before != now:
            kinds = frozenset("string" if isinstance(kind, dict) else kind for kind in (before, now))
            widest = next(iter(kinds)) if len(kinds) == 1 else _WIDER.get(kinds)
            if widest is None:
                raise TypeError(f"{known['id']} is declared as {' and as '.join(sorted(kinds))}: one key has one type")
            known["type"] = widest
            known |= _examples(spec)


def _span(operation: type[Operation[Any]], attributes: _Attributes) -> dict[str, Any]:
    name = operation.__operation__
    return {
        "id": f"span.{name}",
        "type": "span",
        "span_kind": "internal",
        "stability": _STABILITY,
        "brief": first_line(operation) or name,
        "attributes": _each_once(
            [
                *_all_keys(operation.__fieldspecs__.values(), attributes),
                *_all_keys(operation.__resultspecs__.values(), attributes, _RESULT),
                attributes.refer(_outcome(operation), operation.__outcome_key__, "required"),
                *_all_keys([MEASURED[measured] for measured in operation.__durations__], attributes),
                *_all_keys([MEASURED[measured] for measured in _FAILURE], attributes, _ERROR),
            ]
        ),
    }


def _event(event: EventSpec, attributes: _Attributes) -> dict[str, Any]:
    return {
        "id": f"event.{event.name}",
        "type": "event",
        "name": event.name,
        "stability": _STABILITY,
        "brief": event.when,
        "annotations": {"level": event.level.name},
        "attributes": [attributes.refer(spec, spec.name, _level(spec)) for spec in event.fields],
    }


def _duration(operation: type[Operation[Any]], attributes: _Attributes) -> dict[str, Any]:
    labels = {name: spec for name, spec in operation.__known__.items() if spec.low_cardinality}
    spec = InstrumentSpec(f"{operation.__operation__}.duration", "histogram", "s", first_line(operation), labels)
    group = _metric(spec, attributes)
    group["attributes"] += [
        attributes.refer(_outcome(operation), operation.__outcome_key__, "required"),
        attributes.refer(MEASURED["error_type"], "error.type", _ERROR),
    ]
    return group


def _metric(instrument: InstrumentSpec, attributes: _Attributes) -> dict[str, Any]:
    return {
        "id": f"metric.{instrument.name}",
        "type": "metric",
        "metric_name": instrument.name,
        "instrument": instrument.kind,
        "unit": instrument.unit,
        "stability": _STABILITY,
        "brief": instrument.description or instrument.name,
        "attributes": [attributes.refer(spec, spec.key, _level(spec)) for spec in instrument.labels.values()],
    }


def _all_keys(specs: Iterable[FieldSpec], attributes: _Attributes, level: Level | None = None) -> Iterator[dict[str, Any]]:
    """Yield a reference to each key under which a span carries a field."""
    for spec in specs:
        yield attributes.refer(spec, spec.key, level or _level(spec))
        for key, derive in spec.also:
            said = spec if derive is unchanged else _part(spec, key, derive)
            yield attributes.refer(said, key, level or _level(spec))


def _part(spec: FieldSpec, key: str, derive: Callable[[Any], object]) -> FieldSpec:
    meaning = f"Part of {spec.name}. {spec.meaning}"
    example = None if spec.example is None else str(derive(spec.example))
    part = spec_of(key, Annotated[str, Field(meaning, example=example)])
    return replace(part, nullable=spec.nullable)


def _each_once(references: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the references without repeated attributes."""
    return list({reference["ref"]: reference for reference in reversed([*references])}.values())[::-1]


def _outcome(operation: type[Operation[Any]]) -> FieldSpec:
    return spec_of(operation.__outcome_key__, Annotated[Outcome, Field("How it ended.")])


def _of(namespaces: Collection[str], declared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in declared.items() if name.partition(".")[0] in namespaces}


def _level(spec: FieldSpec) -> Level:
    return _KNOWN if spec.nullable else "required"


def _type(spec: FieldSpec) -> str | dict[str, Any]:
    return _members(spec.values) if spec.values else _TYPES[spec.type]


def _members(values: Iterable[str]) -> dict[str, Any]:
    return {"members": [{"id": value, "value": value, "stability": _STABILITY} for value in map(str, values)]}


def _examples(spec: FieldSpec) -> dict[str, Any]:
    """Return the examples that a text without declared values must have."""
    if spec.values or spec.type != "string":
        return {}
    usual = "2026-01-01T12:00:00Z" if spec.unit == "ISO 8601" else f"<{spec.name}>"
    return {"examples": [usual if spec.example is None else spec.example]}


def _yaml(value: Any, indent: str) -> Iterator[str]:
    """Yield the lines of a mapping or a list."""
    items = value.items() if isinstance(value, dict) else (("-", item) for item in value)
    for key, item in items:
        mark = f"{indent}- " if key == "-" else f"{indent}{key}: "
        if not isinstance(item, dict | list):
            yield mark + json.dumps(item, ensure_ascii=False)
        elif not item:
            yield mark + ("{}" if isinstance(item, dict) else "[]")
        elif key == "-":
            first, *rest = _yaml(item, f"{indent}  ")
            yield from (f"{indent}- {first.lstrip()}", *rest)
        else:
            yield f"{indent}{key}:"
            yield from _yaml(item, f"{indent}  ")
