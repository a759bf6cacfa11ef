"""A bounded cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """Keeps the most recently used values, up to a total size to which each contributes the size given with it."""

    def __init__(self, capacity: int) -> None:
        """Start empty; `capacity` is in the unit in which sizes are given to `put`."""
        self._capacity = capacity
        self._size = 0
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the cached value, if there is one, and mark it as the most recently used."""
        entry = self._values.get(key)
        if entry is None:
            return None
        self._values.move_to_end(key)
        return entry[0]

    def put(self, key: Key, value: Value, *, size: int = 1) -> None:
        """Cache `value`, and evict the least recently used values until it fits."""
        self._size += size - (self._values.pop(key)[1] if key in self._values else 0)
        self._values[key] = (value, size)
        while self._size > self._capacity:
            self._size -= self._values.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Remove every value."""
        self._values.clear()
        self._size = 0
