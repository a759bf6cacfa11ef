"""Hold what waits for an open page: its latest part, and news of its spans in order."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from functools import cached_property

AGAIN = b'event: spans\ndata: {"again":true}\n\n'
"""The event that tells a page to ask for all spans again."""
_MOST_EVENTS = 100
"""How many events wait for a page that takes none; beyond that it must ask for all of them instead."""


@dataclass(frozen=True)
class Part:
    """A part's content, and a version that identifies it."""

    html: str
    version: str

    @cached_property
    def event(self) -> bytes:
        """The event that sends it, encoded once for all pages."""
        return f"event: part\nid: {self.version}\ndata: {json.dumps(self.html)}\n\n".encode()


class Box:
    """Holds what is to be sent until the page's stream takes it."""

    def __init__(self) -> None:
        self._part: Part | None = None
        self._events: deque[bytes] = deque()
        self._is_filled = asyncio.Event()

    def put_part(self, part: Part) -> None:
        """Queue a part, replacing the previous one."""
        self._part = part
        self._is_filled.set()

    def put_event(self, event: bytes) -> None:
        """Queue an event after the previous ones."""
        if len(self._events) >= _MOST_EVENTS:
            self._events.clear()
            event = AGAIN
        self._events.append(event)
        self._is_filled.set()

    def get_nowait(self) -> Part | bytes | None:
        """Return what waits, parts first; None if nothing does."""
        found, self._part = self._part, None
        if found is None and self._events:
            return self._events.popleft()
        return found

    async def get(self, *, within: float) -> Part | bytes:
        """Wait for something, and return it; raise `TimeoutError` after so many seconds.

        A cancellation always takes effect, even if something has just arrived, which `asyncio.wait_for` does not
        guarantee.
        """
        async with asyncio.timeout(within):
            while (found := self.get_nowait()) is None:
                self._is_filled.clear()
                await self._is_filled.wait()
            return found
