"""Explain ended runs while somebody looks at the console, one at a time and seldom: by their causes they are found."""

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
"""Explaining takes a twentieth of a process at most."""
_NONE_LEFT_FOR = 15.0
"""Seconds after which runs are looked for again, once all are explained."""


class Ahead:
    """Explains one run after the other in a thread of its own."""

    def __init__(self) -> None:
        self._thread = background_thread("console-explains")
        self._under_way: Future[tuple[float, int]] | None = None
        self._next = -inf

    def go_on(self) -> int:
        """Begin with the next run if it is time, and return how many queries the last one has taken, once."""
        queries = 0
        if self._under_way is not None and self._under_way.done():
            pause, queries = self._under_way.result()
            self._next, self._under_way = time.monotonic() + pause, None
        if self._under_way is None and time.monotonic() >= self._next:
            self._under_way = self._thread.submit(_explain)
        return queries

    async def ended(self) -> None:
        """Wait until the run that is being explained is."""
        if self._under_way is not None:
            await asyncio.wrap_future(self._under_way)


def _explain() -> tuple[float, int]:
    """Explain a run, and return after how many seconds the next may follow, and how many queries were asked."""
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
        connection.close()  # that of the thread this runs in
    cost = time.monotonic() - began
    return (max(_LEAST_APART, _TIMES_ITS_COST * cost) if any_left else _NONE_LEFT_FOR), queries
