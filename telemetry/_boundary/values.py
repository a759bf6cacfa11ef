"""Values on their way out: each becomes plain, clean and bounded, and one that cannot spoils only itself."""

from __future__ import annotations

import math
import re
from collections import UserString
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Any, cast
from urllib.parse import ParseResult, ParseResultBytes, SplitResult, SplitResultBytes

from telemetry import _health
from telemetry._boundary.objects import class_name, key_of, text_of, unprintable, words
from telemetry._boundary.texts import LIMIT, text, text_of_bytes
from telemetry.redaction import REDACTED, is_secret_name
from telemetry.timestamps import iso_seconds

Plain = str | int | float | bool | None

_LARGEST = 2**63
_DEEPEST = 8
_MOST_ITEMS = 200
_MOST_IN_ALL = 2_000
_MOST_CHARACTERS = 4 * LIMIT
_SMALLEST_CUT = 64
_OPTION = re.compile(r"--?[A-Za-z][\w-]*")
_NO_LISTS = (range, UserString)  # sequences that say more as a text
_PAIR = re.compile(r"(?:\w*_)?auth")  # a user and a password, as HTTP clients take them
_NAMED_VALUES = frozenset({"name", "key", "header"})


def line_value(name: str, value: Any) -> Any:
    """Return `value` as a line carries it under `name`: what JSON can hold, redacted and bounded at every depth."""
    kind = type(value)
    if kind is str:
        return REDACTED if is_secret_name(name) else text(value)
    if value is None or kind is bool:
        return value
    if (kind is int and -_LARGEST <= value < _LARGEST) or (kind is float and math.isfinite(value)):
        return REDACTED if is_secret_name(name) else value
    return _Walk(must_be_finite=True).named(name, value)


def attribute(name: str, value: Any) -> Any:
    """Return `value` as a span carries it under `name`: plain, or a sequence of plain values; mappings stay mappings."""
    kind = type(value)
    if kind is str:
        return REDACTED if is_secret_name(name) else text(value)
    if value is None or kind is bool:
        return value
    if kind is float or (kind is int and -_LARGEST <= value < _LARGEST):
        return REDACTED if is_secret_name(name) else value
    found = _Walk(must_be_finite=False).named(name, value)
    return tuple(found) if isinstance(found, list) else found


def plain(name: str, value: Any) -> Plain:
    """Return `value` as one text, number or boolean, for a field that holds nothing else; a moment as ISO 8601 with `Z`."""
    kind = type(value)
    if kind is str:
        return REDACTED if is_secret_name(name) else text(value)
    as_is: Plain = value
    if value is None or kind is bool:
        return as_is
    if is_secret_name(name):
        return REDACTED
    if kind is float or (kind is int and -_LARGEST <= value < _LARGEST):
        return as_is
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return words(_moment(value))
        found = _scalar(value)
        return text(str(_Walk(must_be_finite=False).value(value))) if found is _NONE else cast("Plain", found)
    except Exception as problem:  # noqa: BLE001  # somebody's class, a number of a million digits
        _health.pass_on(problem)
        return unprintable(value)


_NONE = object()


def _moment(value: datetime) -> str:
    try:
        return iso_seconds(value)
    except OverflowError:  # in year 1 or 9999 it may not exist in UTC
        return value.isoformat()


class _Walk:
    """One value's way through itself: it counts what it has met, so that no value is without end."""

    def __init__(self, *, must_be_finite: bool) -> None:
        self._must_be_finite = must_be_finite
        self._items_left = _MOST_IN_ALL
        self._characters_left = _MOST_CHARACTERS
        self._path: set[int] = set()

    def named(self, name: str, value: Any) -> Any:
        """Return what stands under a name, which may say that it is a secret."""
        if value is not None and type(value) is not bool and is_secret_name(name):
            return REDACTED
        if type(value) is tuple and len(value) == 2 and _PAIR.fullmatch(name) is not None:
            return [self.value(value[0]), REDACTED]
        return self.value(value)

    def value(self, value: Any) -> Any:
        """Return any value, or what is said in its place."""
        self._items_left -= 1
        try:
            found = _scalar(value)
            if found is _NONE:
                found = self._compound(value)
        except Exception as problem:  # noqa: BLE001  # somebody's class: it must not spoil what stands beside it
            _health.pass_on(problem)
            return unprintable(value)
        if isinstance(found, str):
            if len(found) > self._characters_left:
                found = text(found, limit=max(_SMALLEST_CUT, self._characters_left))
            self._characters_left -= len(found)
        elif self._must_be_finite and isinstance(found, float) and not math.isfinite(found):
            return str(found)
        return found

    def _compound(self, value: Any) -> Any:
        items = _items_of(value)
        if items is None and (not isinstance(value, Sequence | AbstractSet) or isinstance(value, _NO_LISTS)):
            return text(text_of(value))
        if id(value) in self._path:
            return "[circular]"
        if len(self._path) >= _DEEPEST:
            return "[nested too deeply]"
        self._path.add(id(value))
        try:
            return self._sequence(value) if items is None else self._mapping(items)
        finally:
            self._path.discard(id(value))

    def _is_full(self, number: int) -> bool:
        return number >= _MOST_ITEMS or self._items_left <= 0 or self._characters_left <= 0

    def _mapping(self, items: Collection[tuple[Any, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        count = len(items)
        for number, (name, item) in enumerate(items):
            if self._is_full(number):
                found["[left out]"] = count - number
                break
            shown = key_of(name)
            self._characters_left -= len(shown)
            if shown in found:  # 1 and "1", or two secrets
                shown = f"{shown} ({number + 1})"
            found[shown] = self.named(shown, item)
        return _without_named_secret(found)

    def _sequence(self, values: Collection[Any]) -> list[Any]:
        """Return the items; one that stands behind a secret's name (`--password`, a header in a pair) is redacted."""
        found: list[Any] = []
        count = len(values)
        is_secret = False
        for number, item in enumerate(values):
            if self._is_full(number):
                found.append(f"[{count - number:,} more left out]")
                break
            shown = REDACTED if is_secret and item is not None else self.value(item)
            is_secret = (
                isinstance(shown, str)
                and ((number == 0 and count == 2) or _OPTION.fullmatch(shown) is not None)
                and is_secret_name(shown)
            )
            found.append(shown)
        return found


def _items_of(value: Any) -> Collection[tuple[Any, Any]] | None:
    """Return the names and values of a mapping, of a record or of a named tuple; None for anything else."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        return None if names is None else list(zip(names, value, strict=True))
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, _member(value, field.name)) for field in fields(value) if field.repr]
    return None


def _member(value: object, name: str) -> Any:
    """Return a record's field; one that was never set, or that cannot be read, spoils no other."""
    try:
        return getattr(value, name)
    except Exception as problem:  # noqa: BLE001  # somebody's descriptor
        _health.pass_on(problem)
        return f"[unreadable {class_name(problem)}]"


def _without_named_secret(found: dict[str, Any]) -> dict[str, Any]:
    """Return `{"name": "Cookie", "value": …}`, as headers are often written, without its value."""
    if "value" in found and any(is_secret_name(str(found[each])) for each in _NAMED_VALUES & found.keys()):
        found["value"] = REDACTED
    return found


def _scalar(value: Any) -> Any:
    """Return a value that is one text, number or boolean as such; `_NONE` for any other."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or value is True or value is False:  # a class may only say that it is a boolean's
        return value
    if isinstance(value, str):
        return text(str.__str__(value))
    if isinstance(value, int):
        number = int(value)
        return number if -_LARGEST <= number < _LARGEST else text(str(number))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, date | time):  # a datetime is a date
        return words(value.isoformat())
    if isinstance(value, ParseResult | SplitResult | ParseResultBytes | SplitResultBytes):
        return words(value.geturl())  # its parts do not tell what surrounds them
    if isinstance(value, bytes | bytearray | memoryview):
        return text_of_bytes(value)
    if isinstance(value, BaseException):
        return text(f"{class_name(value)}: {text_of(value)}")
    return _NONE
