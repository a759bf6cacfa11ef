"""Run all benchmarks, and yield their figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from apps.console.local_simulator import local_simulator
from apps.github_simulator.testing import LIBUV, PROCRASTINATE
from tests.benchmarks import admission_figures, burst, collector_away, page_figures, reading, syncs, watching
from tests.benchmarks.boundary import RUBBISH
from tests.benchmarks.figures import Figure
from tests.benchmarks.programs import program
from tests.benchmarks.timing import ratio

_NO_LIMITS = (
    *("--graphql-limit", "1000000000", "--graphql-per-minute", "0"),
    *("--core-limit", "1000000000", "--core-per-minute", "0"),
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured: turns, calls per turn, pages, spans and rows. A `history` is given to the simulator as options.

    With latency, a smaller repository is synced, so that there is time for enough turns to take a median.
    """

    repository: str = "libuv/libuv"
    history: tuple[str, ...] = ("--history", str(LIBUV))
    calls: int = 1_000
    operation_turns: int = 40
    boundary_turns: int = 9
    sync_turns: int = 24
    slow_repository: str = "procrastinate-org/procrastinate"
    slow_history: tuple[str, ...] = ("--history", str(PROCRASTINATE))
    slow_sync_turns: int = 9
    long_repository: str = "synthetic/repo-0"
    long_history: tuple[str, ...] = ("--synthetic", "1000")
    latency_ms: float = 100
    away_turns: int = 5
    pages: int = 40
    store_turns: int = 15
    spans: int = 20_000
    teams: int = 1_000
    tracked: int = 20_000
    accounts: int = 100
    admission_turns: int = 200
    account_repositories: int = 4
    account_pull_requests: int = 100
    tiny_repositories: int = 100
    account_turns: int = 3
    reading_turns: int = 5
    large_trace: int = 100_000
    file_bytes: int = 64 * 1024 * 1024
    stored_pull_requests: int = 1_000_000
    stored_runs: int = 10_000
    page_turns: int = 9
    watched_pages: int = 50
    watched_turns: int = 7
    watched_settle_seconds: float = 12
    watched_idle_seconds: float = 30


TINY = Size(
    repository="synthetic/repo-0",
    history=("--synthetic", "30"),
    calls=5,
    operation_turns=1,
    boundary_turns=1,
    sync_turns=1,
    slow_repository="synthetic/repo-0",
    slow_history=("--synthetic", "30"),
    slow_sync_turns=1,
    long_history=("--synthetic", "30"),
    latency_ms=1,
    away_turns=1,
    pages=1,
    store_turns=1,
    spans=100,
    teams=8,
    tracked=40,
    accounts=4,
    admission_turns=3,
    account_repositories=1,
    account_pull_requests=10,
    tiny_repositories=2,
    account_turns=1,
    reading_turns=1,
    large_trace=100,
    file_bytes=10_000,
    stored_pull_requests=4_000,
    stored_runs=100,
    page_turns=1,
    watched_pages=4,
    watched_turns=1,
    watched_settle_seconds=0,
    watched_idle_seconds=2,
)
"""Just enough to see that every benchmark yields its figures."""


def figures(size: Size, *, home: Path, tell: Callable[[str], None], only: Collection[str] = ()) -> Iterator[Figure]:
    """Yield the figures of all sections in the order of the table, or of those alone; `tell` is called with what is next."""
    for name, (what, measure) in SECTIONS.items():
        if not only or name in only:
            tell(what)
            yield from measure(size, home)


def operation(size: Size, _home: Path) -> Iterator[Figure]:
    """Yield the cost of observing an operation."""
    with program("tests.benchmarks.operations") as measuring:
        samples = measuring.ask(calls=size.calls, turns=size.operation_turns)
    bare = statistics.median(samples["bare"])
    for name, attributes in (("sync.db.write", 12), ("sync.api.graphql", 15)):
        cost, by_hand = statistics.median(samples[name]), statistics.median(samples[f"{name} by hand"])
        yield Figure(
            name=f"operation.{name}",
            what=f"Observed `{name}` with its line, in bare spans",
            value=ratio(samples, name, "bare"),
            unit="x",
            aim=1.8,
            detail=f"{cost * 1e6:.1f} µs ({attributes} attributes) against {bare * 1e6:.1f} µs (6 attributes)",
        )
        yield Figure(
            name=f"operation.{name}.by_hand",
            what=f"Observed `{name}` with its line, in the same written by hand",
            value=ratio(samples, name, f"{name} by hand"),
            unit="x",
            aim=1.2,
            detail=f"{cost * 1e6:.1f} µs against {by_hand * 1e6:.1f} µs (the SDK's span, structlog's JSON line)",
        )
        journalled = statistics.median(samples[f"{name} journalled"])
        yield Figure(
            name=f"operation.{name}.journal",
            what=f"Observed `{name}` in a journal that outlives it, in the same without",
            value=ratio(samples, f"{name} journalled", name),
            unit="x",
            detail=f"{journalled * 1e6:.1f} µs against {cost * 1e6:.1f} µs",
        )


def boundary(size: Size, _home: Path) -> Iterator[Figure]:
    """Yield the cost of searching for secrets."""
    with program("tests.benchmarks.boundary") as measuring:
        samples = measuring.ask(calls=size.calls, turns=size.boundary_turns)
    cost = {name: statistics.median(seconds) for name, seconds in samples.items()}
    kind = max(RUBBISH.values(), key=lambda kind: cost[kind])
    for name, what, value, unit, detail in (
        ("attributes", "Attributes of an API call through the boundary", cost["attributes"] * 1e6, "µs", "10, seen before"),
        ("text", "A text that was never seen, through the boundary", cost["text"] * 1e6, "µs", "80 characters"),
        ("traceback", "A traceback, searched for secrets", cost["traceback"] * 1e3, "ms", "7 KB, never seen"),
        ("megabyte", "A megabyte of prose, searched for secrets", cost["prose"] * 1e3, "ms", "as a whole; see below"),
        ("worst", "A megabyte of the worst rubbish known", cost[kind] * 1e3, "ms", kind),
    ):
        yield Figure(name=f"boundary.{name}", what=what, value=value, unit=unit, detail=detail)


def sync(size: Size, url: str) -> Iterator[Figure]:
    """Yield the requests, points, speed and telemetry share of a sync without latency."""
    measured = syncs.measure(api_url=url, repository=size.repository, turns=size.sync_turns, sides=("on", "off", "by_hand"))
    on = statistics.median(measured.samples["on"])
    yield _telemetry_share("sync.telemetry.no_latency", "Telemetry in a sync, GitHub answers at once", measured, aim=4)
    yield _telemetry_share("sync.by_hand.no_latency", "The same, written by hand and dropped", measured, "by_hand")
    yield from _spent(measured, name="sync", of="", aim=25)
    yield Figure(
        name="sync.speed",
        what="Pull requests a second, stored and traced",
        value=measured.pull_requests / on,
        unit="/s",
        aim=1_000,
        better="higher",
        detail=f"{measured.pull_requests:,} with everything in {on:.2f} s",
    )


def syncs_at_once(size: Size, home: Path) -> Iterator[Figure]:
    """Yield what a sync takes of a GitHub that answers at once, and what storing its rows does."""
    with local_simulator([*size.history, *_NO_LIMITS], home=home) as url:
        stored = list(store(size, url))  # before the syncs, whose rows the database would be cleaning up meanwhile
        yield from sync(size, url)
        yield from stored


def slow_syncs(size: Size, home: Path) -> Iterator[Figure]:
    """Yield what telemetry costs a sync of a GitHub that takes its time, with a collector and without."""
    with local_simulator([*size.slow_history, *_NO_LIMITS, "--latency-ms", str(size.latency_ms)], home=home) as url:
        yield slow_sync(size, url)
        yield from without_collector(size, url, home)


def long_lists(size: Size, home: Path) -> Iterator[Figure]:
    """Yield the requests and points of a sync in which one pull request in thirty has a list of several pages."""
    with local_simulator([*size.long_history, *_NO_LIMITS], home=home) as url:
        measured = syncs.measure(api_url=url, repository=size.long_repository, turns=1)
    yield from _spent(measured, name="sync.long_lists", of=", many with long lists", aim=30)


def slow_sync(size: Size, url: str) -> Figure:
    """Return telemetry's share of a sync with latency."""
    measured = syncs.measure(api_url=url, repository=size.slow_repository, turns=size.slow_sync_turns)
    return _telemetry_share("sync.telemetry", f"Telemetry in a sync, {size.latency_ms:g} ms an answer", measured, aim=3)


def without_collector(size: Size, url: str, home: Path) -> Iterator[Figure]:
    """Yield how much slower a sync is while its collector is away or silent, and what is lost."""
    for state, word in collector_away.STATES.items():
        measured = collector_away.measure(
            state=state, api_url=url, repository=size.slow_repository, turns=size.away_turns, home=home
        )
        away, there = (statistics.median(measured.samples[side]) for side in ("away", "there"))
        yield Figure(
            name=f"collector.{word}.slowdown",
            what=f"A sync with its collector {word}, slower than with it by",
            value=100 * (ratio(measured.samples, "away", "there") - 1),
            unit="%",
            aim=3,
            detail=f"{away:.2f} s, {there:.2f} s with it; {size.latency_ms:g} ms an answer",
        )
        yield Figure(
            name=f"collector.{word}.lost",
            what=f"Spans lost with the collector {word}",
            value=measured.lost,
            unit="",
            aim=0,
            detail=f"of {measured.spans:,}, when it was back",
        )
        yield Figure(
            name=f"collector.{word}.exit",
            what=f"Exit of a process with its collector {word}",
            value=measured.exit_seconds,
            unit="s",
            aim=2.5,
            detail="with what its last sync has left to send",
        )


def looked_on(size: Size, home: Path) -> Iterator[Figure]:
    """Yield what open pages cost a sync and the database."""
    with local_simulator([*size.history, *_NO_LIMITS, "--latency-ms", str(size.latency_ms)], home=home) as url:
        measured = watching.measure(
            api_url=url,
            repository=size.repository,
            pages=size.watched_pages,
            turns=size.watched_turns,
            settle_seconds=size.watched_settle_seconds,
            idle_seconds=size.watched_idle_seconds,
            home=home / "watching",
        )
    yield from watching.figures(measured, latency_ms=size.latency_ms)


def store(size: Size, url: str) -> Iterator[Figure]:
    """Yield the speed of storing rows."""
    with program("tests.benchmarks.store") as measuring:
        told = measuring.ask(api_url=url, full_name=size.repository, pages=size.pages, turns=size.store_turns)
    samples, rows = told["samples"], told["rows"]
    copied = rows / statistics.median(samples["copy"])
    for side, aim in (("new", 0.7), ("unchanged", 0.8)):
        yield Figure(
            name=f"store.{side}",
            what=f"Rows a second, {side}, in plain COPY's",
            value=1 / ratio(samples, side, "copy"),
            unit="x",
            aim=aim,
            better="higher",
            detail=f"{rows / statistics.median(samples[side]):,.0f} rows/s against {copied:,.0f}; {rows:,} rows, 49 a page",
        )


def lost_spans(size: Size, home: Path) -> Iterator[Figure]:
    """Yield the number of spans lost from a burst."""
    lost = burst.measure(spans=size.spans, home=home)
    for exporter, where in (("otlp", "an OTLP receiver"), ("file", "the file")):
        yield Figure(
            name=f"burst.{exporter}",
            what=f"Spans lost on the way to {where}",
            value=lost[exporter],
            unit="",
            aim=0,
            detail=f"of {size.spans:,} in a burst",
        )


def admissions(size: Size, _home: Path) -> Iterator[Figure]:
    """Yield what it costs to admit, and to find that nobody can be."""
    yield from admission_figures.cost(
        teams=size.teams, repositories=size.tracked, accounts=size.accounts, turns=size.admission_turns
    )


def pages(size: Size, _home: Path) -> Iterator[Figure]:
    """Yield how soon pages are answered."""
    yield from page_figures.first_answers(
        pull_requests=size.stored_pull_requests, runs=size.stored_runs, turns=size.page_turns
    )


def commands(size: Size, home: Path) -> Iterator[Figure]:
    """Yield how long commands take that only read."""
    yield from reading.cold_starts(home=home, turns=size.reading_turns, spans=size.large_trace, file_bytes=size.file_bytes)


def accounts(size: Size, home: Path) -> Iterator[Figure]:
    """Yield how much of a worker its accounts use."""
    yield from admission_figures.throughput(
        repositories=size.account_repositories,
        pull_requests=size.account_pull_requests,
        tiny=size.tiny_repositories,
        latency_ms=size.latency_ms,
        slow_ms=3 * size.latency_ms,
        turns=size.account_turns,
        home=home / "worker",
    )


def _spent(measured: syncs.Syncs, *, name: str, of: str, aim: float) -> Iterator[Figure]:
    """Yield a sync's requests and points."""
    for what, spent, most in (("Requests", measured.requests, aim), ("Points", measured.points, None)):
        yield Figure(
            name=f"{name}.{what.lower()}",
            what=f"{what} per 1,000 pull requests{of}",
            value=spent / measured.pull_requests * 1_000,
            unit="",
            aim=most,
            detail=f"{spent} for {measured.pull_requests:,}, with reviews, commits and files",
        )


def _telemetry_share(name: str, what: str, measured: syncs.Syncs, side: str = "on", *, aim: float | None = None) -> Figure:
    with_it, off = (statistics.median(measured.samples[each]) for each in (side, "off"))
    return Figure(
        name=name,
        what=what,
        value=100 * (ratio(measured.samples, side, "off") - 1),
        unit="%",
        aim=aim,
        detail=f"{with_it:.3f} s with it, {off:.3f} s without",
    )


SECTIONS: Mapping[str, tuple[str, Callable[[Size, Path], Iterator[Figure]]]] = {
    "operation": ("an observed operation with its line, against a bare span", operation),
    "boundary": ("the search for secrets", boundary),
    "sync": ("rows through the store, and a sync with telemetry on and off, without latency", syncs_at_once),
    "latency": ("a sync with latency: telemetry on and off, its collector away or silent", slow_syncs),
    "watching": ("a sync with pages open, and with none", looked_on),
    "long_lists": ("what a sync of long lists asks for", long_lists),
    "burst": ("a burst of spans", lost_spans),
    "admission": ("admission with many teams", admissions),
    "pages": ("pages over many pull requests", pages),
    "reading": ("commands that only read", commands),
    "accounts": ("a worker with one account and with two", accounts),
}
"""What can be measured by itself, in the order of the table: what it is, and how."""
