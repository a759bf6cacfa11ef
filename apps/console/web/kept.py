"""A small cache for values that are expensive to find, each kept while it is valid."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from math import inf
from typing import Generic, TypeVar

_V = TypeVar("_V")


class Kept(Generic[_V]):
    """Keeps the newest `most` values, each under a key, with a mark of its source."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, tuple[Hashable, float, _V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, mark: Hashable) -> _V | None:
        """Return the value under a key if its source had this mark and it has not expired."""
        with self._lock:
            found = self._values.get(key)
        return found[2] if found is not None and found[0] == mark and time.monotonic() < found[1] else None

    def put(self, key: Hashable, mark: Hashable, value: _V, *, seconds: float = inf) -> None:
        """Keep a value for so many seconds."""
        with self._lock:
            self._values[key] = mark, time.monotonic() + seconds, value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
