"""Measure a sync whose collector goes away, or takes connections and never answers, against one whose collector is there.

The collector is a program behind a wire that can be broken (`tests.chaos.collector`); it comes back after each sync.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telemetry.reading import read_spans
from tests.benchmarks.programs import Answering, NotMeasured, program
from tests.benchmarks.timing import Samples, in_turns

STATES = {"down": "away", "silent": "silent"}
"""What the wire can be, and what the collector is then."""

_ARRIVE_SECONDS = 15.0  # for the spans of one sync when the collector is back
_ALL_ARRIVE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Away:
    """Seconds per sync with the collector `there` and `away`; spans written, and never arrived; seconds of the exit."""

    samples: Samples
    spans: int
    lost: int
    exit_seconds: float


def measure(*, state: str, api_url: str, repository: str, turns: int, home: Path) -> Away:
    """Sync the whole of `repository` `turns` times each with the collector there and in `state`."""
    traces = home / f"collector-{state}.jsonl"
    with program("tests.chaos.collector") as collector, _sender(collector, traces) as sender:

        def sync(away: bool) -> float:
            if away:
                collector.ask(do=state)
            ended = sender.ask(api_url=api_url, full_name=repository, flush_seconds=0)
            if ended["state"] != "completed":
                raise NotMeasured(f"The sync of {repository} ended as {ended['state']}")
            if away:
                collector.ask(do="up")
            _missing(collector, traces, within=_ARRIVE_SECONDS)
            return float(ended["seconds"])

        samples = in_turns({"there": lambda: sync(away=False), "away": lambda: sync(away=True)}, turns=turns)
        lost = _missing(collector, traces, within=_ALL_ARRIVE_SECONDS)
        spans = len(_ids(traces))
        collector.ask(do=state)
        sender.ask(api_url=api_url, full_name=repository, flush_seconds=0)
        began = time.perf_counter()
        sender.stop()
        exit_seconds = time.perf_counter() - began
    return Away(samples=samples, spans=spans, lost=len(lost), exit_seconds=exit_seconds)


@contextmanager
def _sender(collector: Answering, traces: Path) -> Iterator[Answering]:
    """Run the program that syncs, with its spans in a file and at the collector.

    It has a home of its own: what waits there for the collector at last, any other process of that home would send.
    """
    environment = {
        "SYNCTRACE_HOME": str(traces.with_suffix(".home")),
        "SYNC_TRACES_FILE": str(traces),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.ask(do="tell")["url"],
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    with program("tests.benchmarks.syncing", "on", environment=environment) as sender:
        yield sender


def _missing(collector: Answering, traces: Path, *, within: float) -> set[str]:
    """Return the spans of the file that the collector does not have, once there are none or the time is over."""
    deadline = time.monotonic() + within
    while True:
        told: dict[str, Any] = collector.ask(do="tell")["spans"]
        missing = _ids(traces) - told.keys()
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(0.2)


def _ids(traces: Path) -> set[str]:
    return {span.span_id for span in read_spans(traces)}
