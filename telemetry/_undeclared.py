"""`span`: a block for code that declares nothing, the first step towards operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from telemetry import _health, _mistakes
from telemetry._boundary import key_of
from telemetry._boundary.spans import clean_attributes
from telemetry.lifecycle import Observed
from telemetry.model import Operation, Outcome


def span(name: str, /, **fields: Any) -> Observed[None]:
    """Open a block as one span, for code that declares nothing.

    It completes by itself, and fails with the error that leaves it. Its outcome is under `<namespace>.outcome`, where
    the namespace is the part of the name before its first dot.
    """
    if not issubclass(type(name), str):
        _health.problem(TypeError(_mistakes.no_name(name)))
    return _Undeclared(_Plain(key_of(name)), fields)


class _Plain:
    """Stands in for the operation's class of an undeclared span."""

    __has_result__ = False
    __lines__: Mapping[str, Any] = {}
    __first_lines__: Sequence[Any] = ()
    __last_lines__: Mapping[Outcome | None, Sequence[Any]] = dict.fromkeys((None, *Outcome), ())
    __durations__: tuple[str, ...] = ()
    __fieldspecs__: Mapping[str, Any] = {}
    __resultspecs__: Mapping[str, Any] = {}
    __known__: Mapping[str, Any] = {}

    def __init__(self, name: str) -> None:
        self.__operation__ = name
        self.__outcome_key__ = f"{name.partition('.')[0]}.outcome"


class _Undeclared(Observed[None]):
    """The block of an undeclared span, which takes any fields."""

    __slots__ = ("_fields",)

    def __init__(self, plain: _Plain, fields: Mapping[str, Any]) -> None:
        super().__init__(cast("Operation[None]", plain))
        self._fields = fields

    def set(self, **values: Any) -> None:
        """Set fields that become known midway."""
        try:
            self._set(_present(values))
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(error)

    def _open(self) -> None:
        self._start(_present(self._fields))

    def _record(self, elapsed_ns: int, outcome: Outcome | None) -> None:
        """Record nothing: the number of undeclared names is unbounded."""


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return clean_attributes({name: value for name, value in values.items() if value is not None})
