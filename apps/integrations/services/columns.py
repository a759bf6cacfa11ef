"""Make rows from nodes by the names of their fields, so that a field is written once on each side. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_type_hints

from msgspec import Struct

from apps.utils.text import storable

R = TypeVar("R", bound=Struct)


class Columns(Generic[R]):
    """The sources of a row's columns.

    `sources` maps each column to the dotted path of its value in a node; the constructor takes those that differ from
    the column's name. A None on the path makes the column None. The columns in `given` come from elsewhere.
    """

    def __init__(self, row: type[R], /, *, given: Collection[str], **sources: str) -> None:
        self._row = row
        kinds = {column: kind for column, kind in get_type_hints(row).items() if column not in given}
        self.sources = {column: sources.get(column, column) for column in kinds}
        self._getters = [
            (column, _getter(self.sources[column], is_text=kind in (str, str | None))) for column, kind in kinds.items()
        ]

    def row(self, node: object, /, **given: Any) -> R:
        """Return the row of `node`."""
        return self._row(**{column: get(node) for column, get in self._getters}, **given)


def _getter(path: str, *, is_text: bool) -> Callable[[Any], Any]:
    head, _, rest = path.partition(".")
    get = attrgetter(head)
    if not rest and not is_text:
        return get
    further = _getter(rest, is_text=is_text) if rest else storable

    def get_further(node: Any) -> Any:
        value = get(node)
        return None if value is None else further(value)

    return get_further
