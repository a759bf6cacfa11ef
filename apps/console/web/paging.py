"""Pages of a list that begin at a row and not at a count, so that what comes in meanwhile moves nothing."""

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
    """Some rows of a list, and the numbers that the pages around begin at: `newer` is above, `older` below."""

    rows: Sequence[_M]
    newer: int | None
    older: int | None


def number_in(query: QueryDict, name: str) -> int | None:
    """Return a number that an address names; None for anything else."""
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
) -> Paged[_M]:
    """Return the page that an address asks for: what is below the row `before`, or above the row `after`, or the top.

    `by` is the order, in which no two rows share a place. Where it is one key, that is the number that names a row; else its
    primary key is, and the row is looked up among `every`: it may have left the list, and keeps its place in it.
    """
    size = PAGE_SIZE if size is None else size
    mark, is_back = number_in(query, f"{prefix}after"), True
    if mark is None:
        mark, is_back = number_in(query, f"{prefix}before"), False
    place = None if mark is None else _place(rows if every is None else every, by, mark)
    if place is None:
        found = list(rows.order_by(*by)[: size + 1])
        return _page(found[:size], by, newer=False, older=len(found) > size)
    order = [_reversed(key) for key in by] if is_back else by
    found = list(rows.filter(_beyond(order, place)).order_by(*order)[: size + 1])
    more, page = len(found) > size, found[:size]
    return _page(page[::-1], by, newer=more, older=True) if is_back else _page(page, by, newer=True, older=more)


def _page(rows: Sequence[_M], by: Sequence[str], *, newer: bool, older: bool) -> Paged[_M]:
    key = by[0].removeprefix("-") if len(by) == 1 else "pk"
    first, last = (getattr(rows[0], key), getattr(rows[-1], key)) if rows else (None, None)
    return Paged(rows=rows, newer=first if newer else None, older=last if older else None)


def _place(every: QuerySet[_M], by: Sequence[str], mark: int) -> Mapping[str, Any] | None:
    names = [key.removeprefix("-") for key in by]
    return {names[0]: mark} if len(by) == 1 else every.filter(pk=mark).values(*names).first()


def _beyond(order: Sequence[str], place: Mapping[str, Any]) -> Q:
    """Return what holds of the rows that come after a place, in an order."""
    ways, same = [], Q()
    for key in order:
        name = key.removeprefix("-")
        ways.append(same & Q(**{f"{name}__{'lt' if key.startswith('-') else 'gt'}": place[name]}))
        same &= Q(**{name: place[name]})
    return reduce(or_, ways)


def _reversed(key: str) -> str:
    return key.removeprefix("-") if key.startswith("-") else f"-{key}"
