"""Fields: what they mean, and how a class's annotations declare them. Standard library only."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

Scalar = str | int | float | bool

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*", re.ASCII)
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Field:
    """The meaning of a field, inside `Annotated[type, Field(...)]`.

    `unit` is a UCUM code (`s`, `ms`, `%`) or a format (`ISO 8601`). `key` is the span attribute where that is not the
    field's own name. `also` is OpenTelemetry's standard key for the same thing, set beside it; where the standard splits the
    thing, each of its keys with what derives its value. A field that is `low_cardinality` has few values and labels metrics;
    `example` is one of its values, for the documentation.
    """

    meaning: str
    unit: str = ""
    key: str | None = None
    also: str | Mapping[str, Callable[[Any], Scalar]] | None = None
    low_cardinality: bool = False
    example: str | None = None


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One declared field: its name, its type as documentation shows it, and what it means."""

    name: str
    type: str
    unit: str
    meaning: str
    nullable: bool
    values: tuple[str, ...]
    key: str
    accepts: tuple[Any, ...]
    also: tuple[tuple[str, Callable[[Any], Scalar]], ...]
    """Further keys of a span, and what derives the value of each: `unchanged` where it is the same."""
    low_cardinality: bool
    example: str | None

    def problem(self, value: object) -> str | None:
        """Return why `value` cannot stand for this field on a line, or None if it can."""
        if value is None:
            return None if self.nullable else f"{self.name} must not be null"
        if isinstance(value, bool) and bool not in self.accepts:
            return f"{self.name} must be {self.type}, not {value!r}"
        if not isinstance(value, self.accepts):
            return f"{self.name} must be {self.type}, not {value!r}"
        if self.values and value not in self.values:
            return f"{self.name} must be one of {', '.join(self.values)}, not {value!r}"
        return None


class Specs(dict[str, FieldSpec]):
    """The fields of a declaration by name, in their order, and the keys under which a span carries them."""

    def __init__(self, specs: Mapping[str, FieldSpec]) -> None:
        super().__init__(specs)
        self.keys_of = {name: spec.key for name, spec in specs.items()}
        self.also = [(name, key, derive) for name, spec in specs.items() for key, derive in spec.also]


def unchanged(value: Any) -> Any:
    """Return `value` as it is."""
    return value


def make_frozen(cls: type) -> None:
    """Make `cls` a frozen dataclass that keeps its author's docstring and gets no generated one."""
    written = cls.__doc__
    dataclass(frozen=True, kw_only=True)(cls)
    cls.__doc__ = written


def check_name(cls: type, name: object, suffix: str = "") -> None:
    """Raise a TypeError where `name` and the `suffix` cannot name an instrument, as the SDK would, once it is used."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) + len(suffix) > _LONGEST_NAME:
        raise TypeError(
            f"{cls.__name__}: its name is a letter, then letters, digits, _ . - and /, "
            f"{_LONGEST_NAME - len(suffix)} at most, not {name!r}"
        )


def first_line(cls: type) -> str:
    """Return the first line of a declaration's docstring, or nothing."""
    return (cls.__doc__ or "").strip().partition("\n")[0]


def fieldspecs_of(cls: type) -> Specs:
    """Return the fields that a dataclass declares, in their order."""
    hints = get_type_hints(cls, include_extras=True)
    names = [name for name in hints if not name.startswith("__")]
    if foreign := sorted(set(names) - {field.name for field in fields(cls)}):
        raise TypeError(f"{cls.__name__}: {', '.join(foreign)} stands on a plain base class: declare it here")
    return Specs({name: spec_of(name, hints[name]) for name in names})


def spec_of(name: str, hint: Any) -> FieldSpec:
    """Return what an annotation declares about the field `name`; raise TypeError for a type that no line can carry."""
    field = Field("")
    nullable = False
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            hint, *extras = get_args(hint)
            field = next((extra for extra in extras if isinstance(extra, Field)), field)
        elif origin in (Union, types.UnionType):
            members = [member for member in get_args(hint) if member is not type(None)]
            nullable = nullable or len(members) < len(get_args(hint))
            if len(members) != 1:
                raise TypeError(f"{name}: a field has one type, or that type and None")
            (hint,) = members
        else:
            break
    values: tuple[str, ...] = ()
    if origin is Literal:
        values, hint = tuple(get_args(hint)), str
        if not all(isinstance(value, str) for value in values):
            raise TypeError(f"{name}: the values of a Literal are texts, not {', '.join(map(repr, values))}")
    elif isinstance(hint, type) and issubclass(hint, StrEnum):
        values, hint = tuple(member.value for member in hint), str
    if hint not in _TYPE_NAMES:
        raise TypeError(f"{name}: a field is text, a number, a boolean or a datetime, not {hint!r}")
    type_name, accepts = _TYPE_NAMES[hint]
    also = field.also or {}
    return FieldSpec(
        name=name,
        type=type_name,
        unit=field.unit,
        meaning=field.meaning,
        nullable=nullable,
        values=values,
        key=field.key or name,
        accepts=accepts,
        also=((also, unchanged),) if isinstance(also, str) else tuple(also.items()),
        low_cardinality=field.low_cardinality,
        example=field.example,
    )


_TYPE_NAMES: Mapping[Any, tuple[str, tuple[type, ...]]] = {
    str: ("string", (str,)),
    int: ("int", (int,)),
    float: ("float", (float, int)),
    bool: ("bool", (bool,)),
    datetime: ("string", (str,)),  # on a line a datetime is ISO 8601 text
}
