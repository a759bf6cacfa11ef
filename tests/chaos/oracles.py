"""What must be true after every fault, one function each: it returns what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from apps.explain.decomposition import decompose
from apps.explain.parts import Part
from telemetry.reading import Span, orphans_of
from tests.chaos.evidence import Evidence, Run
from tests.chaos.rows import differences

_ATTEMPT = "run/apps.integrations.tasks.sync_repository"
_TOLERANCE = 0.01
_HANDING_OVER_NS = 20_000_000
"""What a busy machine may take from one process's span to the next one's, however short the run."""
_LAST_PHASES = {"recent": "phase1_complete", "backfill": "complete"}


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """A statement about what syncs leave, and the function that yields what contradicts it."""

    name: str
    states: str
    problems: Callable[[Evidence], Iterator[str]]


def ended(evidence: Evidence) -> Iterator[str]:
    """Every run is there, and it and each of its repositories has ended as it does undisturbed."""
    kinds = Counter(run.kind for run in evidence.runs)
    for kind, count in (("recent", evidence.teams), ("backfill", evidence.teams * evidence.repositories)):
        if kinds[kind] != count:
            yield f"{kinds[kind]} {kind} runs, not {count}"
    for run in evidence.runs:
        if (run.state, run.phase) != ("completed", _LAST_PHASES[run.kind]):
            yield f"{_named(run)} is {run.state} in {run.phase} {run.error}".rstrip()
        for each in run.repositories:
            if (each.state, each.disposition) != ("completed", "synced"):
                yield f"{_named(run)}: {each.name} is {each.state} {each.disposition} {each.error}".rstrip()


def same_rows(evidence: Evidence) -> Iterator[str]:
    """Each team's rows are those of an undisturbed sync."""
    if not (evidence.expected and all(evidence.expected.values())):
        yield "nothing is expected: there was no undisturbed sync"
    for team, rows in evidence.rows.items():
        for difference in differences(rows, evidence.expected):
            yield f"{team}: {difference}"
    if len(evidence.rows) != evidence.teams:
        yield f"rows of {len(evidence.rows)} teams, not {evidence.teams}"


def one_in_flight(evidence: Evidence) -> Iterator[str]:
    """GitHub never saw two requests of an account at once."""
    if not evidence.most_in_flight:
        yield "GitHub saw no request at all"
    for account, most in evidence.most_in_flight.items():
        if most > 1:
            told = [overlap for overlap in evidence.overlaps if account in overlap]
            yield "; ".join([f"{most} requests of {account} at once", *told])


def nothing_left(evidence: Evidence) -> Iterator[str]:
    """Nothing is admitted, no lane is held and no child has outlived its worker when every run has ended."""
    for account in evidence.admitted:
        yield f"an attempt is still admitted to {account}"
    for account in evidence.held:
        yield f"the lane of {account} is still held"
    for pid in evidence.left:
        yield f"process {pid} has outlived its worker"


def one_root(evidence: Evidence) -> Iterator[str]:
    """Each run's root span is in the file once, whatever ended the run."""
    there = Counter((span.trace_id, span.span_id) for span in evidence.spans)
    for run in evidence.runs:
        if (count := there[run.trace_id, run.root_id]) != 1:
            yield f"{_named(run)} has {count} root spans"


def no_span_twice(evidence: Evidence) -> Iterator[str]:
    """No span but a root, of which `one_root` tells, is in the file more than once."""
    roots = {run.root_id for run in evidence.runs}
    for span in _repeated(span for span in evidence.spans if span.span_id not in roots):
        yield f"{span.name} {span.span_id} is there more than once"


def one_end(evidence: Evidence) -> Iterator[str]:
    """Each run has one line that says that it started and one that says how it ended."""
    ends = ("sync.pipeline.completed", "sync.pipeline.failed")
    for what, events in (("start", ("sync.pipeline.started",)), ("end", ends)):
        told = Counter(line["trace_id"] for line in evidence.lines if line["event"] in events)
        for run in evidence.runs:
            if told[run.trace_id] != 1:
                yield f"{_named(run)} has {told[run.trace_id]} lines of its {what}"


def no_orphan(evidence: Evidence) -> Iterator[str]:
    """Every span's parent is there."""
    for run in evidence.runs:
        for span in orphans_of([span for span in evidence.spans if span.trace_id == run.trace_id]):
            yield f"{_named(run)}: {span.name} {span.span_id} has a parent that is not there"


def every_attempt(evidence: Evidence) -> Iterator[str]:
    """Every attempt that a worker began is a span of its run's trace, above one `sync.repo`."""
    seen = {
        (span.trace_id, span.attributes.get("repo_id"), span.attributes.get("celery.attempt")): span
        for span in evidence.spans
        if span.name == _ATTEMPT
    }
    counted = Counter((trace_id, number) for trace_id, _, number in seen)
    for run in evidence.runs:
        for number in range(1, max((each.attempts for each in run.repositories), default=0) + 1):
            begun = sum(each.attempts >= number for each in run.repositories)
            if counted[run.trace_id, number] < begun:
                yield f"{_named(run)}: of {begun} attempts numbered {number} {counted[run.trace_id, number]} are there"


def span_of_every_line(evidence: Evidence) -> Iterator[str]:
    """What a line tells of has its span, also where the process died before the span could end."""
    spans = {(span.trace_id, span.span_id) for span in evidence.spans}
    ours = {run.trace_id for run in evidence.runs}
    without = Counter(
        line["event"]
        for line in evidence.lines
        if line["trace_id"] in ours and (line["trace_id"], line["span_id"]) not in spans
    )
    for event, count in without.items():
        yield f"{count} lines of {event} have no span"


def time_explained(evidence: Evidence) -> Iterator[str]:
    """The parts of each run's time sum to it, and hardly any of it is unexplained."""
    for run in evidence.runs:
        spans = [span for span in evidence.spans if span.trace_id == run.trace_id]
        root = next((span for span in spans if span.span_id == run.root_id), None)
        if root is None:
            continue  # `one_root` tells
        time = decompose(spans, start_ns=root.start_ns, end_ns=root.end_ns)
        wall, sum_ns, unexplained = root.end_ns - root.start_ns, sum(time.wall.values()), time.wall[Part.UNEXPLAINED]
        if abs(sum_ns - wall) > _TOLERANCE * wall:
            yield f"{_named(run)} took {_seconds(wall)} s, and its parts sum to {_seconds(sum_ns)} s"
        if unexplained > max(_TOLERANCE * wall, _HANDING_OVER_NS):
            yield f"{_named(run)}: {_seconds(unexplained)} of {_seconds(wall)} s are unexplained"


def ledger_exact(evidence: Evidence) -> Iterator[str]:
    """By each exporter, every span is exported, waiting, dropped or died; and what is exported has arrived."""
    if not evidence.ledger:
        yield "there is no ledger"
    for name, count in evidence.ledger.items():
        if not count.is_exact:
            yield f"{name}: {count.as_json()} does not add up"
        if evidence.arrived is not None and count.exported != evidence.arrived[name]:
            again = f"; received again: {', '.join(evidence.again)}" if evidence.again else ""
            yield f"{name}: {count.exported} are exported and {evidence.arrived[name]} have arrived{again}"


def nothing_dropped(evidence: Evidence) -> Iterator[str]:
    """No span is dropped, whatever was away: it is exported, or waits, or died with its process."""
    for name, count in evidence.ledger.items():
        for reason, number in count.dropped.items():
            yield f"{name}: {number} dropped, {reason}"


ORACLES: Sequence[Oracle] = (
    Oracle(name="rows", states="rows are identical to those of an undisturbed run", problems=same_rows),
    Oracle(name="end", states="every run and repository ends as undisturbed", problems=ended),
    Oracle(name="in flight", states="GitHub sees at most one request of an account at once", problems=one_in_flight),
    Oracle(name="left", states="no admission, no held lane and no process is left", problems=nothing_left),
    Oracle(name="line", states="one line tells each run's start, one its end", problems=one_end),
    Oracle(name="root", states="each root span is written once", problems=one_root),
    Oracle(name="twice", states="no other span is written twice", problems=no_span_twice),
    Oracle(name="orphan", states="no span is an orphan", problems=no_orphan),
    Oracle(name="attempt", states="every attempt that began is in its run's trace", problems=every_attempt),
    Oracle(name="time", states="each run's time is explained, but for 1 % or 20 ms", problems=time_explained),
    Oracle(name="ledger", states="the ledger is exact", problems=ledger_exact),
    Oracle(name="dropped", states="no span is dropped", problems=nothing_dropped),
    Oracle(name="span of line", states="the span of every line is in its trace", problems=span_of_every_line),
)
"""All of them; one that is added here is checked, counted and told."""


def _named(run: Run) -> str:
    return f"run {run.id} ({run.kind}, {run.team})"


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.3f}"


def _repeated(spans: Iterator[Span]) -> Iterator[Span]:
    seen: set[tuple[str, str]] = set()
    for span in spans:
        key = (span.trace_id, span.span_id)
        if key in seen:
            yield span
        seen.add(key)
