"""Operations, their results and events: declared once as small classes, read by everything else.

Standard library only. From one declaration follow the span's name and attributes, the log lines with their
levels, the duration metric, the documentation and the checks::

    class RepoSynced(Result):
        prs_synced: Annotated[int, Field("Pull requests stored.")]

    class RepoSync(
        Operation[RepoSynced],
        name="sync.repo",
        started=Line(Level.INFO, "repo_id", when="a repository's sync starts"),
        completed=Line(Level.INFO, "repo_id", "prs_synced", "duration_sec", when="it ends"),
        failed=Line(Level.ERROR, "repo_id", "error_type", "error_msg", when="it fails"),
    ):
        repo_id: RepoId
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from telemetry.timestamps import iso_seconds

__all__ = [
    "Event",
    "EventSpec",
    "Field",
    "FieldSpec",
    "Level",
    "Line",
    "Operation",
    "Outcome",
    "Result",
    "Scalar",
    "declared_events",
    "declared_operations",
]

Scalar = str | int | float | bool


class Level(IntEnum):
    """The level of a line, numbered as in the standard library."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


class Outcome(StrEnum):
    """How an operation ended: the value of each span's `<namespace>.outcome`."""

    COMPLETED = "completed"
    FAILED = "failed"
    RETRYING = "retrying"
    WAITING = "waiting"
    CANCELLED = "cancelled"


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
    keys: tuple[str, ...]
    accepts: tuple[Any, ...]
    derived: tuple[tuple[str, Callable[[Any], Scalar]], ...] = ()
    low_cardinality: bool = False
    example: str | None = None

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


class Line:
    """One log line of an operation: its level, its fields in order, and when it is written."""

    __slots__ = ("fields", "level", "when")

    def __init__(self, level: Level, *fields: str, when: str) -> None:
        self.level = level
        self.fields = fields
        self.when = when


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One event as the catalog lists it."""

    name: str
    level: Level
    fields: tuple[FieldSpec, ...]
    when: str


_MEASURED: Mapping[str, Any] = {
    "duration_ms": Annotated[float, Field("How long it took.", unit="ms")],
    "duration_sec": Annotated[float, Field("How long it took.", unit="s")],
    "error_type": Annotated[str, Field("The error's code, or its class.", also="error.type", example="ConnectionError")],
    "error_msg": Annotated[str, Field("What went wrong, secrets removed.", example="connection refused")],
}
"""Fields that the lifecycle fills in for any operation whose lines name them."""

_EVENTS: dict[str, EventSpec] = {}
_OPERATIONS: dict[str, type[Operation[Any]]] = {}


def declared_events() -> Mapping[str, EventSpec]:
    """Return every event declared so far, by name."""
    return types.MappingProxyType(_EVENTS)


def declared_operations() -> Mapping[str, type[Operation[Any]]]:
    """Return every operation declared so far, by the name of its span."""
    return types.MappingProxyType(_OPERATIONS)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Result:
    """What is known when an operation has completed; subclasses declare the fields."""

    __fieldspecs__: ClassVar[Mapping[str, FieldSpec]] = {}

    def __init_subclass__(cls) -> None:
        make_frozen(cls)
        cls.__fieldspecs__ = fieldspecs_of(cls)


R = TypeVar("R", bound=Result | None)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Operation(Generic[R]):
    """Something with a start and an end: one span, and the lines its class names.

    `started`, `completed` and `failed` are lines with an event of their own (`<name>.started`). `entered` and `ended` are
    one line named as the operation itself, written before its body or after it, whatever came of it.
    """

    __operation__: ClassVar[str]
    __outcome_key__: ClassVar[str]
    __lines__: ClassVar[Mapping[str, tuple[str, Line]]]
    __fieldspecs__: ClassVar[Mapping[str, FieldSpec]]
    __resultspecs__: ClassVar[Mapping[str, FieldSpec]]
    __known__: ClassVar[Mapping[str, FieldSpec]]
    __result__: ClassVar[type[Result] | None]
    __has_result__: ClassVar[bool]
    __durations__: ClassVar[tuple[str, ...]]

    def __init_subclass__(
        cls,
        *,
        name: str,
        started: Line | None = None,
        completed: Line | None = None,
        failed: Line | None = None,
        entered: Line | None = None,
        ended: Line | None = None,
    ) -> None:
        make_frozen(cls)
        cls.__operation__ = name
        cls.__outcome_key__ = f"{name.partition('.')[0]}.outcome"
        cls.__fieldspecs__ = fieldspecs_of(cls)
        result = _result_of(cls)
        cls.__result__ = result
        cls.__has_result__ = result is not None
        cls.__resultspecs__ = {} if result is None else result.__fieldspecs__
        lines = {
            "started": (f"{name}.started", started),
            "completed": (f"{name}.completed", completed),
            "failed": (f"{name}.failed", failed),
            "entered": (name, entered),
            "ended": (name, ended),
        }
        cls.__lines__ = {moment: (event, line) for moment, (event, line) in lines.items() if line is not None}
        known = {**MEASURED, **cls.__resultspecs__, **cls.__fieldspecs__}
        named = {field for _, line in cls.__lines__.values() for field in line.fields}
        cls.__durations__ = tuple(name for name in ("duration_ms", "duration_sec") if name in named)
        cls.__known__ = known
        for moment, (event, line) in cls.__lines__.items():
            if unknown := [field for field in line.fields if field not in known]:
                raise TypeError(f"{cls.__name__}: the line {event!r} names {unknown}, which nothing declares")
            # What is only known at the end may be unknown when it failed.
            late = cls.__resultspecs__ if moment == "ended" else {}
            specs = [replace(known[field], nullable=True) if field in late else known[field] for field in line.fields]
            _declare(EventSpec(event, line.level, tuple(specs), line.when))
        _OPERATIONS[name] = cls


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Event:
    """Something that happens at one moment: one log line inside the current span."""

    __event__: ClassVar[EventSpec]
    __fieldspecs__: ClassVar[Mapping[str, FieldSpec]]

    def __init_subclass__(cls, *, name: str, level: Level, when: str) -> None:
        make_frozen(cls)
        cls.__fieldspecs__ = fieldspecs_of(cls)
        cls.__event__ = EventSpec(name, level, tuple(cls.__fieldspecs__.values()), when)
        _declare(cls.__event__)


def rendered(value: object) -> Scalar | None:
    """Return `value` as lines and attributes carry it: a datetime as ISO 8601 with `Z`, an enum as its value."""
    if type(value) in _PLAIN:
        return cast("Scalar | None", value)
    if isinstance(value, datetime):
        return iso_seconds(value)
    if isinstance(value, str | int | float):  # a StrEnum or a subclass: its plain value
        return cast("Scalar", getattr(value, "value", value))
    raise TypeError(f"a field carries text, numbers, booleans or datetimes, not {type(value).__name__}")


_PLAIN: frozenset[type] = frozenset({str, int, float, bool, type(None)})


LINE_KEYS = frozenset({"timestamp", "level", "event", "trace_id", "span_id", "trace_flags", "exception"})
"""Keys that every line has of its own: no event may declare a field by these names."""


def _declare(spec: EventSpec) -> None:
    if taken := [field.name for field in spec.fields if field.name in LINE_KEYS]:
        raise TypeError(f"{spec.name}: every line has a {' and a '.join(taken)} of its own: name the field otherwise")
    known = _EVENTS.get(spec.name)
    if known is not None and known != spec:
        raise TypeError(f"the event {spec.name!r} is declared twice, and differently")
    _EVENTS[spec.name] = spec


def _result_of(operation: type[Operation[Any]]) -> type[Result] | None:
    """Return the class of the operation's result; None where it has none (`Operation[None]`)."""
    for base in getattr(operation, "__orig_bases__", ()):
        if get_origin(base) is Operation:
            (result,) = get_args(base)
            if result in (None, type(None)):
                return None
            if isinstance(result, type) and issubclass(result, Result):
                return result
    raise TypeError(
        f"{operation.__name__} must name its result: class {operation.__name__}(Operation[SomeResult], ...), "
        "or Operation[None] if there is nothing to say"
    )


def make_frozen(cls: type) -> None:
    """Make `cls` a frozen dataclass whose docstring is its author's, or none."""
    written = cls.__doc__
    dataclass(frozen=True, kw_only=True)(cls)
    cls.__doc__ = written


def first_line(cls: type) -> str:
    """Return the first line of a declaration's docstring, or nothing."""
    return (cls.__doc__ or "").strip().partition("\n")[0]


def fieldspecs_of(cls: type) -> dict[str, FieldSpec]:
    """Return the fields that a dataclass declares, in their order."""
    hints = get_type_hints(cls, include_extras=True)
    names = [name for name in hints if not name.startswith("__")]
    if foreign := sorted(set(names) - {field.name for field in fields(cls)}):
        raise TypeError(f"{cls.__name__}: {', '.join(foreign)} stands on a plain base class: declare it here")
    return {name: _spec(name, hints[name]) for name in names}


def _spec(name: str, hint: Any) -> FieldSpec:
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
    elif isinstance(hint, type) and issubclass(hint, StrEnum):
        values, hint = tuple(member.value for member in hint), str
    if hint not in _TYPE_NAMES:
        raise TypeError(f"{name}: a field is text, a number, a boolean or a datetime, not {hint!r}")
    type_name, accepts = _TYPE_NAMES[hint]
    also = (field.also,) if isinstance(field.also, str) else ()
    return FieldSpec(
        name=name,
        type=type_name,
        unit=field.unit,
        meaning=field.meaning,
        nullable=nullable,
        values=values,
        keys=(field.key or name, *also),
        accepts=accepts,
        derived=tuple(field.also.items()) if isinstance(field.also, Mapping) else (),
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
MEASURED: Mapping[str, FieldSpec] = {name: _spec(name, hint) for name, hint in _MEASURED.items()}
