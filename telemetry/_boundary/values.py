"""Values on their way out: each becomes plain, clean and bounded, and one that cannot spoils only itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Any, cast

from telemetry import _health
from telemetry._boundary.texts import text
from telemetry.redaction import REDACTED, is_secret_name
from telemetry.timestamps import iso_seconds

Plain = str | int | float | bool | None

_LARGEST = 2**63
_DEEPEST = 8
_MOST_ITEMS = 200
_MOST_IN_ALL = 2_000
_LONGEST_KEY = 256


def line_value(name: str, value: Any) -> Any:
    """Return `value` as a line carries it under `name`: what JSON can hold, redacted and bounded at every depth."""
    kind = type(value)
    if kind is str:
        return REDACTED if is_secret_name(name) else text(value)
    if value is None or kind is bool or (kind is int and -_LARGEST <= value < _LARGEST):
        return value
    if kind is float and -math.inf < value < math.inf:
        return value
    return _Walk().named(name, value)


def attribute(key: str, value: Any) -> Any:
    """Return `value` as a span carries it under `key`: plain, or a sequence of plain values; mappings stay mappings."""
    if type(value) is float:
        return value
    found = line_value(key, value)
    return tuple(found) if isinstance(found, list) else found


def plain(name: str, value: Any) -> Plain:
    """Return `value` as one text, number or boolean, for a field that holds nothing else; a moment as ISO 8601 with `Z`."""
    kind = type(value)
    if kind is str:
        return REDACTED if is_secret_name(name) else text(value)
    if value is None or kind is bool or kind is float or (kind is int and -_LARGEST <= value < _LARGEST):
        return cast("Plain", value)
    if is_secret_name(name):
        return REDACTED
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return iso_seconds(value)
        found = _scalar(value)
    except Exception as problem:  # noqa: BLE001  # somebody's class, a number of a million digits
        _health.pass_on(problem)
        return _unprintable(value)
    return text(_text_of(value)) if found is _NONE else cast("Plain", found)


def key(name: object) -> str:
    """Return a key as one short text."""
    return text(name if type(name) is str else _text_of(name), limit=_LONGEST_KEY)


def message_of(error: BaseException) -> str:
    """Return what an error says, also where its `__str__` fails."""
    return text(_text_of(error))


_NONE = object()


class _Walk:
    """One value's way through itself: it counts what it has met, so that no value is without end."""

    def __init__(self) -> None:
        self._left = _MOST_IN_ALL
        self._path: set[int] = set()

    def named(self, name: object, value: Any) -> Any:
        """Return what stands under a name, which may say that it is a secret."""
        if value is not None and is_secret_name(name if type(name) is str else _text_of(name)):
            return REDACTED
        return self.value(value)

    def value(self, value: Any) -> Any:
        """Return any value, or what is said in its place."""
        self._left -= 1
        try:
            found = _scalar(value)
            return found if found is not _NONE else self._compound(value)
        except Exception as problem:  # noqa: BLE001  # somebody's class: it must not spoil what stands beside it
            _health.pass_on(problem)
            return _unprintable(value)

    def _compound(self, value: Any) -> Any:
        is_mapping = isinstance(value, Mapping) or _is_record(value)
        if not is_mapping and (not isinstance(value, Sequence | AbstractSet) or isinstance(value, range)):
            return text(_text_of(value))
        if id(value) in self._path:
            return "[circular]"
        if len(self._path) >= _DEEPEST:
            return "[nested too deeply]"
        self._path.add(id(value))
        try:
            return self._mapping(value) if is_mapping else self._items(value, len(value))
        finally:
            self._path.discard(id(value))

    def _mapping(self, value: Any) -> dict[str, Any]:
        items: Iterable[tuple[Any, Any]]
        if isinstance(value, Mapping):
            items, count = value.items(), len(value)
        else:
            names = [field.name for field in fields(value)]
            items, count = ((name, getattr(value, name)) for name in names), len(names)
        found: dict[str, Any] = {}
        for number, (name, item) in enumerate(items):
            if number >= _MOST_ITEMS or self._left <= 0:
                found["[left out]"] = count - number
                break
            found[key(name)] = self.named(name, item)
        return found

    def _items(self, values: Iterable[Any], count: int) -> list[Any]:
        found: list[Any] = []
        for number, item in enumerate(values):
            if number >= _MOST_ITEMS or self._left <= 0:
                found.append(f"[{count - number:,} more left out]")
                break
            found.append(self.value(item))
        return found


def _scalar(value: Any) -> Any:
    """Return a value that is one text, number or boolean as such; `_NONE` for any other."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(str.__str__(value))
    if isinstance(value, int):
        number = int(value)
        return number if -_LARGEST <= number < _LARGEST else text(str(number))
    if isinstance(value, float):
        fraction = float(value)
        return fraction if math.isfinite(fraction) else str(fraction)
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return text(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {message_of(value)}"
    return _NONE


def _is_record(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception as problem:  # noqa: BLE001  # somebody's __str__
        _health.pass_on(problem)
        return _unprintable(value)


def _unprintable(value: object) -> str:
    return f"[unprintable {type(value).__name__}]"
