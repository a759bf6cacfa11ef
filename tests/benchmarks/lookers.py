"""The program that `watching` runs: it holds pages open, as browsers do, and asks what the pages' scripts ask.

Each page has its stream. A run's page also asks for its spans, as long as it goes on.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from tests.benchmarks.programs import answer_with

_AGAIN_SECONDS = 0.7  # as in span_data.js
_AFTERWARDS = 6
_ANSWERS_WITHIN = 60.0


@dataclass(slots=True)
class Look:
    """An open page: how many parts it was sent, and the last of them."""

    port: int
    headers: Mapping[str, str]
    address: str
    parts: int = 0
    is_closed: threading.Event = field(default_factory=threading.Event)
    is_open: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """Open the page, in threads of its own."""
        threading.Thread(target=self._listen, daemon=True).start()
        if self.address.startswith("/runs/") and self.address != "/runs/":
            threading.Thread(target=self._ask_for_spans, daemon=True).start()

    def _listen(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_ANSWERS_WITHIN)
        connection.request("GET", f"/events?page={quote(self.address, safe='')}&known=", headers=self.headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        try:
            while not self.is_closed.is_set():
                if answer.readline() == b"event: part\n":
                    self.parts += 1
                    self.is_open.set()
        finally:
            connection.close()

    def _ask_for_spans(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_ANSWERS_WITHIN)
        version, is_running, left, wait = "", True, _AFTERWARDS, 0.0
        while not self.is_closed.wait(max(_AGAIN_SECONDS, wait)):
            try:
                connection.request("GET", f"{self.address}spans.json", headers={**self.headers, "If-None-Match": version})
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, HTTPException):
                return  # the server has ended
            wait = float(answer.headers["X-Again-Ms"]) / 1e3
            if answer.status == 200:
                version = answer.headers["ETag"]
                is_running = json.loads(content)["is_running"]
            left -= not is_running
            if left < 0:
                return


_open: list[Look] = []


def answer(*, do: str, port: int = 0, cookie: str = "", looks: Sequence[Mapping[str, str]] = ()) -> Any:
    """Open pages, which takes until each has its part, or close them; return how many parts they were sent."""
    if do == "open":
        for each in looks:
            _open.append(Look(port, {"Cookie": f"{cookie}={each['session']}"}, each["address"]))
            _open[-1].begin()
        deadline = time.monotonic() + _ANSWERS_WITHIN
        return all(look.is_open.wait(max(0.0, deadline - time.monotonic())) for look in _open)
    parts = [look.parts for look in _open]
    for look in _open:
        look.is_closed.set()
    _open.clear()
    return parts


if __name__ == "__main__":
    answer_with(answer)
