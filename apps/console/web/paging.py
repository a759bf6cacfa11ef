"""Page through a list by rows instead of offsets, so that new rows shift nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

_M = TypeVar("_M", bound=Model)
PAGE_SIZE = 50
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged(Generic[_M]):
    """Some rows of a list, and the numbers where the neighbouring pages begin: `newer` above, `older` below."""

    rows: Sequence[_M]
    newer: int | None
    older: int | None
    goes_on: bool = False
    """Whether it ends because the limit of examined rows was reached."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A row's place in an order: its number in addresses, and its keys."""

    mark: int
    keys: Mapping[str, Any]


def number_in(query: QueryDict, name: str) -> int | None:
    """Return the number in an address; None for anything else."""
    text = query.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else None


def paged(
    rows: QuerySet[_M],
    query: QueryDict,
    *,
    by: Sequence[str] = ("-pk",),
    every: QuerySet[_M] | None = None,
    prefix: str = "",
    size: int | None = None,
    most: int | None = None,
) -> Paged[_M]:
    """Return the page that an address asks for: below the row `before`, above the row `after`, or the top.

    `by` is the order, in which no two rows tie. If it is a single key, that is the number in addresses; otherwise the
    primary key is, and the row is looked up in `every`, because it may have left the list but keeps its place. At most
    `most` rows of `every` are examined, if given.
    """
    size = PAGE_SIZE if size is None else size
    every = rows if every is None else every
    mark, is_back = number_in(query, f"{prefix}after"), True
    if mark is None:
        mark, is_back = number_in(query, f"{prefix}before"), False
    place = None if mark is None else _place(every, by, mark)
    is_back = is_back and place is not None
    order = [_reversed(key) for key in by] if is_back else list(by)
    within = Q() if place is None else _beyond(order, place)
    far = None if most is None else _far(every.filter(within), order, most)
    if far is not None:
        within &= _beyond([_reversed(key) for key in order], far, or_there=True)
    found = list(rows.filter(within).order_by(*order)[: size + 1])
    more, page = len(found) > size, found[:size]
    following = _mark(page[-1], by) if more else None if far is None else far.mark
    goes_on = far is not None and not more
    if is_back:
        page.reverse()
        return Paged(rows=page, newer=following, older=_mark(page[-1], by) if page else None, goes_on=goes_on)
    newer = _mark(page[0], by) if page and place is not None else None
    return Paged(rows=page, newer=newer, older=following, goes_on=goes_on)


def _name(by: Sequence[str]) -> str:
    return by[0].removeprefix("-") if len(by) == 1 else "pk"


def _mark(row: Model, by: Sequence[str]) -> int:
    return int(getattr(row, _name(by)))


def _place(every: QuerySet[_M], by: Sequence[str], mark: int) -> _Place | None:
    if len(by) == 1:
        return _Place(mark, {_name(by): mark})
    keys = every.filter(pk=mark).values(*_names(by)).first()
    return None if keys is None else _Place(mark, keys)


def _far(rows: QuerySet[_M], order: Sequence[str], most: int) -> _Place | None:
    """Return the last place that a page examines; None if it examines all that follow."""
    last = list(rows.order_by(*order).values(_name(order), *_names(order))[most - 1 : most + 1])
    return _Place(last[0][_name(order)], {name: last[0][name] for name in _names(order)}) if len(last) > 1 else None


def _beyond(order: Sequence[str], place: _Place, *, or_there: bool = False) -> Q:
    """Return the condition for rows at or after a place in an order."""
    ways, same = [], Q()
    for key in order:
        name, than = key.removeprefix("-"), "lt" if key.startswith("-") else "gt"
        ways.append(same & Q(**{f"{name}__{than}": place.keys[name]}))
        same &= Q(**{name: place.keys[name]})
    if or_there:
        ways.append(same)
    leading, than = order[0].removeprefix("-"), "lte" if order[0].startswith("-") else "gte"
    at_or_after = Q(**{f"{leading}__{than}": place.keys[leading]})  # where an index begins
    return at_or_after & reduce(or_, ways)


def _names(by: Sequence[str]) -> list[str]:
    return [key.removeprefix("-") for key in by]


def _reversed(key: str) -> str:
    return key.removeprefix("-") if key.startswith("-") else f"-{key}"
