"""The program that `watching` runs: it holds pages open, as browsers do, and asks what the pages' scripts ask.

Each page has its stream. A run's page asks for all spans once its stream has begun, and gets what is new by it. What comes
is read and thrown away: people's browsers are elsewhere, and would not take the time of the machine that syncs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

from tests.benchmarks.programs import answer_with

_ANSWERS_WITHIN = 60.0


@dataclass(slots=True)
class Look:
    """An open page: how many parts it was sent, and how often its spans."""

    port: int
    headers: Mapping[str, str]
    address: str
    parts: int = 0
    spans: int = 0
    is_closed: threading.Event = field(default_factory=threading.Event)
    is_open: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """Open the page, in a thread of its own."""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_ANSWERS_WITHIN)
        connection.request("GET", f"/events?page={quote(self.address, safe='')}&known=", headers=self.headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        try:
            while not self.is_closed.is_set():
                line = answer.readline()
                if line == b"event: part\n":
                    self.parts += 1
                    self.is_open.set()
                elif line == b"event: spans\n":
                    self.spans += 1
                    if answer.readline() == b'data: {"begun":true}\n':
                        self._ask_for_spans()
        finally:
            connection.close()

    def _ask_for_spans(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_ANSWERS_WITHIN)
        connection.request("GET", f"{self.address}spans.jsonl", headers={**self.headers, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        answer.read()
        connection.close()


_open: list[Look] = []


def answer(*, do: str, port: int = 0, cookie: str = "", looks: Sequence[Mapping[str, str]] = ()) -> Any:
    """Open pages, which takes until each has its part, or close them; return what they were sent."""
    if do == "open":
        for each in looks:
            _open.append(Look(port, {"Cookie": f"{cookie}={each['session']}"}, each["address"]))
            _open[-1].begin()
        deadline = time.monotonic() + _ANSWERS_WITHIN
        return all(look.is_open.wait(max(0.0, deadline - time.monotonic())) for look in _open)
    sent = {"parts": [look.parts for look in _open], "spans": [look.spans for look in _open]}
    for look in _open:
        look.is_closed.set()
    _open.clear()
    return sent


if __name__ == "__main__":
    answer_with(answer)
