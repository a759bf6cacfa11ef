"""What waits for an open page: the latest part of it, and what is new of its spans in the order it happened."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from functools import cached_property

AGAIN = b'event: spans\ndata: {"again":true}\n\n'
"""The event that tells a page to ask for all spans again."""
_MOST_EVENTS = 100
"""So many events wait for a page that takes none: then it is to ask for all of it instead."""


@dataclass(frozen=True)
class Part:
    """A part as it stands, and what tells it from others."""

    html: str
    version: str

    @cached_property
    def event(self) -> bytes:
        """The event that sends it: written once, however many pages it is sent to."""
        return f"event: part\nid: {self.version}\ndata: {json.dumps(self.html)}\n\n".encode()


class Box:
    """Takes what is to be sent, until the page's stream does."""

    def __init__(self) -> None:
        self._part: Part | None = None
        self._events: deque[bytes] = deque()
        self._is_filled = asyncio.Event()

    def put_part(self, part: Part) -> None:
        """Let a part wait in the place of the one before."""
        self._part = part
        self._is_filled.set()

    def put_event(self, event: bytes) -> None:
        """Let an event wait behind those before."""
        if len(self._events) >= _MOST_EVENTS:
            self._events.clear()
            event = AGAIN
        self._events.append(event)
        self._is_filled.set()

    def get_nowait(self) -> Part | bytes | None:
        """Return what waits, parts first; None where nothing does."""
        found, self._part = self._part, None
        if found is None and self._events:
            return self._events.popleft()
        return found

    async def get(self, *, within: float) -> Part | bytes:
        """Wait for something, and return it; raise `TimeoutError` after so many seconds.

        Whoever is cancelled meanwhile is, also if something has just come, which `asyncio.wait_for` does not keep to.
        """
        async with asyncio.timeout(within):
            while (found := self.get_nowait()) is None:
                self._is_filled.clear()
                await self._is_filled.wait()
            return found
