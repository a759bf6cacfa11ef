"""Measure what it costs that people look on: a sync with open pages and without, and what the pages ask the database.

A worker syncs, uvicorn serves the console, and one process holds all pages. Without pages the server runs, too.
"""

from __future__ import annotations

import os
import statistics
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.console.local_web import local_web
from tests.acceptance.worker import worker
from tests.benchmarks.figures import Figure
from tests.benchmarks.programs import NotMeasured, program
from tests.benchmarks.timing import Samples, in_turns, ratio

STATEMENTS = "/_statements"
"""Where the web tells how many statements it has asked."""
_CLOSED_WITHIN = 6.0
"""Seconds after which nobody looks any more: a page that is closed reads on until it is sent something, or a beat."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The seconds of a sync `watched` and `alone`, turn by turn, and the web's statements a second, busy and idle."""

    samples: Samples
    busy: list[float] = field(default_factory=list)
    idle: float
    parts: list[int]
    """How many parts each page was sent during the last sync and after it."""


def measure(
    *, api_url: str, repository: str, pages: int, turns: int, settle_seconds: float, idle_seconds: float, home: Path
) -> Watched:
    """Sync the whole of `repository` with so many pages open and with none, `turns` times each."""
    home.mkdir()
    own = {"SYNCTRACE_HOME": str(home), "SYNC_SWEEP_SECONDS": "3600"}  # no sweep begins a run before it is time
    busy: list[float] = []
    with (
        worker({**os.environ, **own}),
        local_web(home=home, api_url=api_url, application="tests.benchmarks.watched_web:application") as url,
        program("tests.benchmarks.watched_syncs", environment=own) as syncs,
        program("tests.benchmarks.lookers") as lookers,
    ):

        def open_pages() -> Any:
            stored = syncs.ask(do="store", api_url=api_url, full_names=[repository], pages=pages)
            port = int(url.rpartition(":")[2])
            if not lookers.ask(do="open", port=port, cookie=stored["cookie"], looks=stored["looks"]):
                raise NotMeasured("Not every page was sent its part")
            return stored

        def watched() -> float:
            run = open_pages()["run"]
            time.sleep(settle_seconds)
            asked, began = _statements(url), time.perf_counter()
            seconds = float(syncs.ask(do="sync", run=run))
            busy.append((_statements(url) - asked) / (time.perf_counter() - began))
            lookers.ask(do="close")
            time.sleep(_CLOSED_WITHIN)
            return seconds

        def alone() -> float:
            run = syncs.ask(do="store", api_url=api_url, full_names=[repository], pages=0)["run"]
            time.sleep(settle_seconds)
            return float(syncs.ask(do="sync", run=run))

        syncs.ask(do="vacuum", by_itself=False)
        samples = in_turns({"watched": watched, "alone": alone}, turns=turns)
        syncs.ask(do="vacuum", by_itself=True)
        syncs.ask(do="sync", run=open_pages()["run"])
        time.sleep(settle_seconds)
        asked, began = _statements(url), time.perf_counter()
        time.sleep(idle_seconds)
        idle = (_statements(url) - asked) / (time.perf_counter() - began)
        return Watched(samples=samples, busy=busy[1:], idle=idle, parts=lookers.ask(do="close")["parts"])


def figures(measured: Watched, *, latency_ms: float) -> Iterator[Figure]:
    """Yield how much slower a sync is while people look on, and what the web asks the database for them."""
    watched, alone = (statistics.median(measured.samples[side]) for side in ("watched", "alone"))
    pages = len(measured.parts)
    yield Figure(
        name="watching.slowdown",
        what=f"A sync with {pages} pages open, slower than with none by",
        value=100 * (ratio(measured.samples, "watched", "alone") - 1),
        unit="%",
        aim=2,
        detail=f"{watched:.2f} s, {alone:.2f} s with none; {latency_ms:g} ms an answer",
    )
    for name, what, value in (
        ("busy", f"Statements a second of {pages} pages while a sync runs", statistics.median(measured.busy)),
        ("idle", f"Statements a second of {pages} pages while nothing does", measured.idle),
    ):
        yield Figure(name=f"watching.{name}", what=what, value=value, unit="/s", aim=20, detail=_DETAILS[name])


_DETAILS = {
    "busy": "of the web, which reads once for all that see the same",
    "idle": "a minute after it at most",
}


def _statements(url: str) -> int:
    with urllib.request.urlopen(f"{url}{STATEMENTS}") as answer:  # noqa: S310  # our own server
        return int(answer.read())
