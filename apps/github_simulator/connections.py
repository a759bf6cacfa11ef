"""Connections: pages of a sorted list, addressed by keyset cursors so that paging stays stable while the list changes.

A cursor holds the (value, id) of an item rather than an offset, so that inserting or moving items before it neither repeats
nor skips any item after it.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from apps.github_simulator.graphql_errors import FieldError

Key = tuple[Any, Any]
Item = TypeVar("Item")
_CURSOR_PREFIX = b"cursor:v2:"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """GraphQL's PageInfo."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of a connection."""

    cursor: str
    node: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Generic[Item]):
    """One page of a connection in the requested order; `total_count` covers all pages."""

    total_count: int
    items: Sequence[Item]
    has_next_page: bool
    has_previous_page: bool
    key: Callable[[Item], Key]
    as_node: Callable[[Item], object]

    @property
    def nodes(self) -> list[object]:
        """The nodes of this page."""
        return [self.as_node(item) for item in self.items]

    @property
    def edges(self) -> list[Edge]:
        """The nodes of this page, each with its cursor."""
        return [Edge(encode_cursor(self.key(item)), self.as_node(item)) for item in self.items]

    @property
    def page_info(self) -> PageInfo:
        """Whether there are more pages, and the cursors of both ends of this one."""
        start, end = (self.items[0], self.items[-1]) if self.items else (None, None)
        return PageInfo(
            has_next_page=self.has_next_page,
            has_previous_page=self.has_previous_page,
            start_cursor=None if start is None else encode_cursor(self.key(start)),
            end_cursor=None if end is None else encode_cursor(self.key(end)),
        )


def _itself(item: object) -> object:
    return item


def connect(
    items: Sequence[Item],
    *,
    key: Callable[[Item], Key],
    descending: bool = False,
    as_node: Callable[[Item], object] = _itself,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    **_filters: object,
) -> Connection[Item]:
    """Return the requested page of `items`, which must be sorted by `key` in ascending order.

    The remaining arguments are those of a GraphQL connection. Its filters are ignored, since the caller has applied
    them. Raises FieldError for an invalid cursor.
    """
    floor, ceiling = (before, after) if descending else (after, before)
    low = 0 if floor is None else bisect_right(items, decode_cursor(floor), key=key)
    high = len(items) if ceiling is None else bisect_left(items, decode_cursor(ceiling), key=key)
    high = max(low, high)
    if first is not None:
        low, high = (max(low, high - first), high) if descending else (low, min(high, low + first))
    elif last is not None:
        low, high = (low, min(high, low + last)) if descending else (max(low, high - last), high)
    page = items[low:high]
    below, above = low > 0, high < len(items)
    return Connection(
        total_count=len(items),
        items=page[::-1] if descending else page,
        has_next_page=below if descending else above,
        has_previous_page=above if descending else below,
        key=key,
        as_node=as_node,
    )


def encode_cursor(key: Key) -> str:
    """Return `key` as an opaque cursor."""
    return base64.b64encode(_CURSOR_PREFIX + orjson.dumps(key)).decode()


def decode_cursor(cursor: str) -> Key:
    """Return the key in `cursor`; raises FieldError with GitHub's own message if it is invalid."""
    try:
        value, identity = orjson.loads(base64.b64decode(cursor, validate=True).removeprefix(_CURSOR_PREFIX))
    except (binascii.Error, ValueError, TypeError):
        message = f"`{cursor}` does not appear to be a valid cursor."
        raise FieldError("INVALID_CURSOR_ARGUMENTS", message) from None
    return value, identity
