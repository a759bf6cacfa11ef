"""Explain ended runs in advance while somebody looks at the console, slowly, so that they can be found by cause."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from math import inf
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from apps.console.collecting import nothing_collected
from apps.console.known_causes import explain_next
from apps.console.web.background import background_thread

_LEAST_APART = 2.0
_TIMES_ITS_COST = 20.0
"""Explaining takes at most a twentieth of a process."""
_NONE_LEFT_FOR = 15.0
"""Seconds until runs are looked for again, once all are explained."""


class Ahead:
    """Explains one run after another in a thread of its own."""

    def __init__(self) -> None:
        self._thread = background_thread("console-explains")
        self._under_way: Future[tuple[float, int]] | None = None
        self._next = -inf

    def go_on(self) -> int:
        """Begin with the next run if it is time, and return, once, how many queries the last one took."""
        queries = 0
        if self._under_way is not None and self._under_way.done():
            pause, queries = self._under_way.result()
            self._next, self._under_way = time.monotonic() + pause, None
        if self._under_way is None and time.monotonic() >= self._next:
            self._under_way = self._thread.submit(_explain)
        return queries

    async def ended(self) -> None:
        """Wait until the current run is explained."""
        if self._under_way is not None:
            await asyncio.wrap_future(self._under_way)


def _explain() -> tuple[float, int]:
    """Explain a run; return the seconds until the next may follow, and the number of queries."""
    queries = 0

    def counted(execute: Callable[..., Any], *asked: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*asked)

    began, any_left = time.monotonic(), False
    try:
        with suppress(DatabaseError, InterfaceError), connection.execute_wrapper(counted), nothing_collected():
            any_left = explain_next()
    finally:
        connection.close()  # this thread's connection
    cost = time.monotonic() - began
    return (max(_LEAST_APART, _TIMES_ITS_COST * cost) if any_left else _NONE_LEFT_FOR), queries
