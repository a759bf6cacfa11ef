"""Mend answers with unusable values: each is replaced or null, and recorded; the rest is read as usual. Pure.

Three kinds of value are mended: text that is not Unicode or holds a NUL, which no column can; a date outside our
calendar; a number that is missing or that no column can hold. What an error calls hidden is left out. The decoder
refuses whatever else does not fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, datetime
from functools import cache
from typing import Any, Literal

import msgspec
import orjson
from msgspec import inspect

Path = tuple[str | int, ...]
Reason = Literal["hidden", "text", "date", "number"]

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_YEAR = re.compile(r"[+-]?\d+(?=-\d\d-\d\d)")
_LEAP_SECOND = re.compile(r"(?<=:)60(?=(?:\.\d+)?(?:[Zz+-]))")
_FIRST, _LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
_SUSPICIOUS = re.compile(
    rb'"(?:0001-01-01|9999-12-31)T'
    rb'|"(?:fullDatabaseId|additions|deletions|changedFiles|authoredDate|committedDate)"\s*:\s*null'
)
_NUL = rb"\u0000"
_ABSENT = object()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mended:
    """A place in an answer whose value was mended or left out; `cursor` is that of an omitted node."""

    path: Path
    reason: Reason
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """An answer's mended data, with what was mended; `data` is the document's own as it came."""

    body: bytes
    data: Mapping[str, Any]
    mended: tuple[Mended, ...]


def is_suspicious(body: bytes) -> bool:
    """Return whether a decoder would accept what must be recorded: a NUL, a null for a number, the calendar's edge."""
    return _NUL in body or _SUSPICIOUS.search(body) is not None


def load(body: bytes) -> object:
    """Return a JSON document with each wrong byte or half a character as a lone surrogate; raise ValueError."""
    return json.loads(body.decode("utf-8", "surrogateescape"), parse_constant=_refuse)


def mend_text(body: bytes) -> bytes:
    """Return a JSON document with U+FFFD for invalid text; raise ValueError if it is not JSON."""
    return orjson.dumps(_Text().mend(load(body), ()))


def repair(body: bytes, *, kinds: Mapping[str, type], hidden: Sequence[Path]) -> Repair | None:
    """Return the answer with its data mended to fit the types in `kinds`, and without what is at `hidden` paths.

    Return None if it is not such a document, or if what is hidden is not where it says.
    """
    try:
        return _repair(load(body), kinds, hidden)
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _repair(document: Any, kinds: Mapping[str, type], hidden: Sequence[Path]) -> Repair | None:
    if not isinstance(document["data"], dict):
        return None
    text = _Text()
    data = text.mend(document["data"], ())
    mended = text.mended
    for key, kind in kinds.items():
        values = _Values()
        data[key] = values.mend(data.get(key, _ABSENT), _described(kind), (key,))
        if data[key] is _ABSENT:
            del data[key]
        mended += values.mended
    before = orjson.loads(orjson.dumps(data))  # with positions as they were before anything is left out
    mended += _leave_out(data, hidden)
    return Repair(body=orjson.dumps({"data": data}), data=before, mended=tuple(mended))


@dataclass(slots=True)
class _Text:
    """Replaces invalid text."""

    mended: list[Mended] = field(default_factory=list)

    def mend(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            if not _NO_TEXT.search(value):
                return value
            self.mended.append(Mended(path=path, reason="text"))
            return _NO_TEXT.sub("\ufffd", value)
        if isinstance(value, dict):
            names = {_NO_TEXT.sub("\ufffd", key): each for key, each in value.items()}
            return {name: self.mend(each, (*path, name)) for name, each in names.items()}
        if isinstance(value, list):
            return [self.mend(each, (*path, place)) for place, each in enumerate(value)]
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            return None  # neither an encoder nor a column takes it
        return value


@dataclass(slots=True)
class _Values:
    """Mends numbers and dates."""

    mended: list[Mended] = field(default_factory=list)

    def mend(self, value: Any, kind: inspect.Type, path: Path, *, is_expected: bool = False) -> Any:
        if isinstance(kind, inspect.Metadata):
            return self.mend(value, kind.type, path, is_expected=bool((kind.extra or {}).get("expected")))
        if isinstance(kind, inspect.UnionType):
            return self._mend_optional(value, kind, path, is_expected=is_expected)
        if isinstance(kind, inspect.StructType) and isinstance(value, dict):
            for each in kind.fields:
                known = value.get(each.encode_name, _ABSENT)
                new = self.mend(known, each.type, (*path, each.encode_name))
                if new is not known:
                    value[each.encode_name] = new
            self._count_nodes(value, path)
        elif isinstance(kind, inspect.VarTupleType) and isinstance(value, list):
            value[:] = [self.mend(each, kind.item_type, (*path, place)) for place, each in enumerate(value)]
        elif isinstance(kind, inspect.DateTimeType) and isinstance(value, str) and (nearest := _nearest(value)):
            self._note(path, "date")
            return nearest
        return value

    def _mend_optional(self, value: Any, kind: inspect.UnionType, path: Path, *, is_expected: bool) -> Any:
        kinds = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        is_date = any(isinstance(each, inspect.DateTimeType) for each in kinds)
        is_number = any(isinstance(each, inspect.IntType) for each in kinds)
        if len(kinds) == len(kind.types) or not (is_date or is_number):
            return self.mend(value, kinds[0], path) if len(kinds) == 1 and value is not None else value
        if value is None and not is_expected:
            return None
        if any(_fits(value, each) for each in kinds):
            return value
        self._note(path, "date" if is_date else "number")
        return None

    def _count_nodes(self, value: dict[str, Any], path: Path) -> None:
        """Set the missing count of a nested list that has ended to its actual length."""
        info, nodes = value.get("pageInfo"), value.get("nodes")
        if not isinstance(info, dict) or info.get("hasNextPage") is not False or not isinstance(nodes, list):
            return
        total = value.get("totalCount")
        if not (isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 2**31):
            value["totalCount"] = len(nodes)
            self._note((*path, "totalCount"), "number")

    def _note(self, path: Path, reason: Reason) -> None:
        self.mended.append(Mended(path=path, reason=reason))


def _fits(value: Any, kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.DateTimeType):
        return isinstance(value, str) and _nearest(value) is None and _moment(value) is not None
    if isinstance(kind, inspect.IntType):
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return is_number and (kind.ge is None or value >= kind.ge) and value < (kind.lt or (kind.le or 2**63 - 1) + 1)
    if isinstance(kind, inspect.StrType):
        return isinstance(value, str) and re.search(kind.pattern or "", value) is not None
    return False


def _nearest(value: str) -> str | None:
    """Return the nearest moment for a date outside our calendar or in a leap second, or None for any other."""
    moment, year = _moment(value), _YEAR.match(value)
    if moment is not None or year is None:
        return None
    if (number := int(year[0][:9])) <= 1:
        return _FIRST
    if number >= MAXYEAR:
        return _LAST
    before = _LEAP_SECOND.sub("59", value)
    return None if _moment(before) is None else before


def _moment(value: str) -> datetime | None:
    try:
        moment = msgspec.convert(value, datetime)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError, ValueError):
        return None


def _leave_out(data: dict[str, Any], hidden: Sequence[Path]) -> Iterator[Mended]:
    """Remove the nulls at the `hidden` paths from their lists; a field's null value stays."""
    found: list[tuple[list[Any], int]] = []
    for path in hidden:
        value: Any = data
        place: tuple[list[Any], int, Path, str | None] | None = None
        walked: Path = ()
        for key in path:
            if value is None:
                break
            if isinstance(key, int):
                nodes, node = value, value[key]
                place = (nodes, key, (*walked, key), node.get("cursor") if isinstance(node, dict) else None)
            elif place is not None and key != "node":
                place = None
            value, walked = value[key], (*walked, key)
        if value is not None:
            raise LookupError(path)
        if place is None:
            yield Mended(path=walked, reason="hidden")
            continue
        nodes, index, at, cursor = place
        if not any(nodes is other and index == number for other, number in found):
            found.append((nodes, index))
            yield Mended(path=at, reason="hidden", cursor=cursor or "/".join(map(str, at)))
    for nodes, index in sorted(found, key=lambda pair: -pair[1]):
        del nodes[index]


@cache
def _described(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
