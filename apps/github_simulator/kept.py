"""A bounded cache of computed values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """A cache of the most recently used values, limited by their total size."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the cached value and mark it as most recently used, or return None if there is none."""
        kept = self._values.get(key)
        if kept is None:
            return None
        self._values.move_to_end(key)
        return kept[0]

    def put(self, key: Key, value: Value, *, size: int = 1) -> None:
        """Cache `value` with the given size, evicting the least recently used values if there is no room."""
        self._size += size - (self._values.pop(key)[1] if key in self._values else 0)
        self._values[key] = (value, size)
        while self._size > self._capacity:
            self._size -= self._values.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Remove all values."""
        self._values.clear()
        self._size = 0
