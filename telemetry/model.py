"""Declare operations, their results and events once, as small classes that everything else reads.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Annotated, Any, ClassVar, Generic, TypeVar, dataclass_transform, get_args, get_origin

from telemetry._declaring import Field, FieldSpec, Scalar, Specs, check_name, fieldspecs_of, make_frozen, spec_of

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


class Level(IntEnum):
    """The level of a line, numbered as in the standard library."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50

    @classmethod
    def named(cls, name: str) -> Level | None:
        """Return the level called `name` in loggers, settings or command lines, in any case; None if there is none."""
        return cls.__members__.get(_ALIASES.get(name.upper(), name.upper()))


_ALIASES = {"WARN": "WARNING", "FATAL": "CRITICAL", "EXCEPTION": "ERROR", "MSG": "INFO"}


class Outcome(StrEnum):
    """How an operation ended: the value of each span's `<namespace>.outcome`."""

    COMPLETED = "completed"
    FAILED = "failed"
    RETRYING = "retrying"
    WAITING = "waiting"
    CANCELLED = "cancelled"
    DIED = "died"
    """Its process ended first, and somebody else ended the span at the process's last sign of life."""


class Line:
    """One log line of an operation: its level, its fields in order, and when it is written."""

    __slots__ = ("fields", "level", "when")

    def __init__(self, level: Level, *fields: str, when: str) -> None:
        self.level = Level(level)
        self.fields = fields
        self.when = when


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One event as the catalog lists it."""

    name: str
    level: Level
    fields: tuple[FieldSpec, ...]
    when: str
    raised: Level | None = None
    """The level of its line when the news is bad; None if the level never differs."""


MEASURED: Mapping[str, FieldSpec] = {
    name: spec_of(name, hint)
    for name, hint in {
        "duration_ms": Annotated[float, Field("How long it took.", unit="ms")],
        "duration_sec": Annotated[float, Field("How long it took.", unit="s")],
        "error_type": Annotated[str, Field("The error's code, or its class.", also="error.type", example="ConnectionError")],
        "error_msg": Annotated[str, Field("What went wrong, secrets removed.", example="connection refused")],
    }.items()
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
    """What is known once an operation has completed; subclasses declare the fields."""

    __fieldspecs__: ClassVar[Specs] = Specs({})

    def __init_subclass__(cls) -> None:
        make_frozen(cls)
        cls.__fieldspecs__ = fieldspecs_of(cls)


R = TypeVar("R", bound=Result | None)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Operation(Generic[R]):
    """Something with a start and an end: one span, and the lines its class names.

    `started`, `completed` and `failed` are lines with events of their own (`<name>.started`). `entered` and `ended` are
    one line named after the operation itself, written before or after its body, whatever its outcome.
    """

    __operation__: ClassVar[str]
    __outcome_key__: ClassVar[str]
    __lines__: ClassVar[Mapping[str, tuple[str, Line]]]
    __first_lines__: ClassVar[Sequence[tuple[str, Line]]]
    __last_lines__: ClassVar[Mapping[Outcome | None, Sequence[tuple[str, Line]]]]
    __fieldspecs__: ClassVar[Specs]
    __resultspecs__: ClassVar[Specs]
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
        check_name(cls, name, ".duration")
        cls.__operation__ = name
        cls.__outcome_key__ = f"{name.partition('.')[0]}.outcome"
        cls.__fieldspecs__ = fieldspecs_of(cls)
        result = _result_of(cls)
        cls.__result__ = result
        cls.__has_result__ = result is not None
        cls.__resultspecs__ = Specs({}) if result is None else result.__fieldspecs__
        lines = {
            "started": (f"{name}.started", started),
            "completed": (f"{name}.completed", completed),
            "failed": (f"{name}.failed", failed),
            "entered": (name, entered),
            "ended": (name, ended),
        }
        cls.__lines__ = {moment: (event, line) for moment, (event, line) in lines.items() if line is not None}
        cls.__first_lines__ = _at(cls.__lines__, "started", "entered")
        cls.__last_lines__ = {outcome: _at(cls.__lines__, outcome or "", "ended") for outcome in (None, *Outcome)}
        known = {**MEASURED, **cls.__resultspecs__, **cls.__fieldspecs__}
        named = {field for _, line in cls.__lines__.values() for field in line.fields}
        cls.__durations__ = tuple(name for name in ("duration_ms", "duration_sec") if name in named)
        cls.__known__ = known
        for moment, (event, line) in cls.__lines__.items():
            if unknown := [field for field in line.fields if field not in known]:
                raise TypeError(f"{cls.__name__}: the line {event!r} names {unknown}, which nothing declares")
            # A field known only at the end may be unknown when the operation failed.
            late = cls.__resultspecs__ if moment == "ended" else {}
            specs = [replace(known[field], nullable=True) if field in late else known[field] for field in line.fields]
            _declare(EventSpec(event, line.level, tuple(specs), line.when))
        before = _OPERATIONS.get(name)
        if before is not None and _declared(before) != _declared(cls):
            raise TypeError(f"the operation {name!r} is declared twice, and differently: by {before!r} and {cls!r}")
        _OPERATIONS[name] = cls


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Event:
    """Something that happens at one moment: one log line within the current span."""

    __event__: ClassVar[EventSpec]
    __fieldspecs__: ClassVar[Specs]

    def __init_subclass__(cls, *, name: str, level: Level, when: str, raised: Level | None = None) -> None:
        make_frozen(cls)
        cls.__fieldspecs__ = fieldspecs_of(cls)
        cls.__event__ = EventSpec(name, Level(level), tuple(cls.__fieldspecs__.values()), when, raised)
        _declare(cls.__event__)


LINE_KEYS = frozenset({"timestamp", "level", "event", "trace_id", "span_id", "trace_flags", "exception"})
"""Keys that every line already has: no event may declare a field by these names."""


def _declare(spec: EventSpec) -> None:
    if taken := [field.name for field in spec.fields if field.name in LINE_KEYS]:
        raise TypeError(f"{spec.name}: every line has a {' and a '.join(taken)} of its own: name the field otherwise")
    known = _EVENTS.get(spec.name)
    if known is not None and known != spec:
        raise TypeError(f"the event {spec.name!r} is declared twice, and differently")
    _EVENTS[spec.name] = spec


def _declared(operation: type[Operation[Any]]) -> tuple[object, ...]:
    """Return what one operation declares under its name; the events of its lines are compared by themselves."""
    return operation.__fieldspecs__, operation.__resultspecs__, operation.__lines__.keys()


def _at(lines: Mapping[str, tuple[str, Line]], *moments: str) -> Sequence[tuple[str, Line]]:
    return [lines[moment] for moment in moments if moment in lines]


def _result_of(operation: type[Operation[Any]]) -> type[Result] | None:
    """Return the class of the operation's result; None for `Operation[None]`."""
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
