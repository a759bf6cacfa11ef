"""Draw a run's trace as text: the tree with durations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps import catalog, machine_catalog
from apps.console.terminal.fitting import wrapped
from apps.explain.activities import strays_of
from telemetry.model import Operation, Outcome
from telemetry.reading import Node, Span, roots_of
from telemetry.task_attributes import ATTEMPT, QUEUE_WAIT_MS


def _key(operation: type[Operation[Any]], field: str) -> str:
    """Return the span attribute of a catalog field."""
    return operation.__known__[field].key


_WRITE, _WAIT = catalog.RowsWrite.__operation__, catalog.RateWait.__operation__
_ENTITY = _key(catalog.RowsWrite, "entity_type")
_FIRST_OF_PAGE: catalog.EntityType = "pull_request"
_WAIT_SECONDS = _key(catalog.RateWait, "wait_seconds")
_LANE_WAIT_MS = _key(catalog.GraphQLCall, "lane_wait_ms")
_DISTINGUISHING = (
    _key(catalog.RepoSync, "full_name"),
    _key(catalog.GraphQLCall, "query_name"),
    _key(catalog.RestCall, "endpoint"),
    _ENTITY,
    _key(catalog.RateWait, "reason"),
    _key(machine_catalog.QueueWait, "reason"),
    _key(machine_catalog.QueueWait, "behind"),
    _key(machine_catalog.LaneWait, "behind"),
    _key(machine_catalog.BackOff, "after"),
    _key(machine_catalog.Missing, "reason"),
    _key(machine_catalog.Missing, "step"),
    _key(machine_catalog.RunLink, "relation"),
    _key(machine_catalog.RunLink, "name"),
    _key(machine_catalog.Command, "command"),
    _key(catalog.GraphQLCall, "status"),
    _key(catalog.RepoSync, "error_type"),
)
"""Attributes that distinguish spans of one name, in the order they are shown."""
_RANKS = {key: rank for rank, key in enumerate(_DISTINGUISHING)}
_LEAVES = frozenset(
    operation.__operation__
    for operation in (
        catalog.GraphQLCall,
        catalog.RestCall,
        catalog.RateWait,
        catalog.RowsWrite,
        machine_catalog.QueueWait,
        machine_catalog.LaneWait,
        machine_catalog.BackOff,
        machine_catalog.ParkedWait,
        machine_catalog.Missing,
    )
)
"""Operations whose children are not shown."""
_BAD = (Outcome.FAILED, Outcome.DIED)
_SHOWN_FROM_MS = 100.0  # a wait for the lane or for a worker
_LABELS_AT = 11  # after the durations
_LONGEST_CYCLE = 3  # a page is a call, perhaps one more for its long lists, and its writes


@dataclass(frozen=True, slots=True)
class Entry:
    """What one line shows: a span with children, or leaves that belong together."""

    spans: tuple[Span, ...]
    label: str
    children: tuple[Node, ...] = ()

    @property
    def duration_ms(self) -> float:
        """How long its spans took in total."""
        return sum(span.duration_ms for span in self.spans)

    @property
    def is_bad(self) -> bool:
        """Whether what it shows failed or died."""
        return any(is_bad(span) for span in self.spans)

    def wait_ms(self, key: str) -> float:
        """Return the sum of the waits in its spans under `key`."""
        return sum(_number(span, key) for span in self.spans)


def tree_lines(
    spans: Sequence[Span],
    *,
    limit: int | None = 200,
    width: int | None = None,
    reserved: Collection[str] = (),
    roots: Sequence[Node] | None = None,
    each: bool = False,
) -> Iterator[str]:
    """Yield up to `limit` spans, indented: duration, name, what distinguishes it, and its outcome unless that is success.

    A page's writes are shown as one entry, and repetitions, such as page after page, once with `x N` and their sum.
    Each entry is a line, or several if the terminal's `width` requires. Spans that died, are open or lack their parent
    are marked; `reserved` are the ids of roots still to come. `roots` are the trees shown, by default all; with `each`,
    every span has its own line.
    """
    shown_roots = roots_of(spans) if roots is None else roots
    for shown, (depth, entry) in enumerate(entries_of(spans, shown_roots, reserved=reserved, each=each)):
        if shown == limit:
            yield from wrapped(f"… and more: {len(spans)} spans in all", width)
            return
        line = f"{duration(entry.duration_ms):>{_LABELS_AT - 2}}  {'  ' * depth}{entry.label}"
        yield from wrapped(line, width, hang=_LABELS_AT + 2 * depth + 2)


def entries_of(
    spans: Sequence[Span], roots: Sequence[Node], *, reserved: Collection[str] = (), each: bool = False
) -> Iterator[tuple[int, Entry]]:
    """Yield what each line of a tree shows, with its depth; with `each`, every span has its own line.

    `spans` are the whole trace, `roots` the trees of it to show.
    """
    orphaned = {span.span_id for span in strays_of(spans, reserved=reserved)}
    for depth, entry, times in _each(roots, 0) if each else _entries(roots, 0):
        marks = [] if orphaned.isdisjoint(span.span_id for span in entry.spans) else ["[orphaned]"]
        parts = [entry.label, *marks, *_waits(entry), *([f"x {times}"] if times > 1 else [])]
        yield depth, replace(entry, label="  ".join(parts))


def is_bad(span: Span) -> bool:
    """Return whether a span failed, died, or is another library's failed span."""
    return span.outcome in _BAD or (span.outcome is None and span.status == "ERROR")


def _each(nodes: Sequence[Node], depth: int) -> Iterator[tuple[int, Entry, int]]:
    for node in nodes:
        yield depth, _entry(node), 1
        yield from _each(node.children, depth + 1)


def _entries(nodes: Sequence[Node], depth: int) -> Iterator[tuple[int, Entry, int]]:
    """Yield each line's depth, entry and number of repetitions."""
    for entry, times in _repeated(list(_grouped(nodes))):
        yield depth, entry, times
        yield from _entries(entry.children, depth + 1)


def _grouped(nodes: Sequence[Node]) -> Iterator[Entry]:
    """Yield an entry for each span; consecutive successful writes, such as a page's, share one."""
    writes: list[Span] = []
    for node in nodes:
        span = node.span
        is_write = span.name == _WRITE and span.outcome == Outcome.COMPLETED
        if writes and (not is_write or span.attributes.get(_ENTITY) == _FIRST_OF_PAGE):
            yield _written(writes)
            writes = []
        if is_write:
            writes.append(span)
        else:
            yield _entry(node)
    if writes:
        yield _written(writes)


def _entry(node: Node) -> Entry:
    span = node.span
    label = f"{label_of(span)}  [open]" if span.is_open else label_of(span)
    return Entry((span,), label, () if span.name in _LEAVES else node.children)


def _written(writes: Sequence[Span]) -> Entry:
    entities = ", ".join(str(span.attributes.get(_ENTITY)) for span in writes)
    return Entry(tuple(writes), f"{writes[0].name}  {entities}")


def _repeated(entries: Sequence[Entry]) -> Iterator[tuple[Entry, int]]:
    """Yield the entries with their number of repetitions; a short repeating cycle is yielded once."""
    labels = [object() if entry.children else entry.label for entry in entries]  # only leaves are alike
    at = 0
    while at < len(entries):
        cycles = ((length, _cycles(labels, at, length)) for length in range(1, _LONGEST_CYCLE + 1))
        length, times = max(cycles, key=lambda cycle: cycle[1])
        for offset in range(length if times > 1 else 1):
            same = entries[at + offset : at + offset + length * (times - 1) + 1 : length]
            yield Entry(tuple(span for one in same for span in one.spans), same[0].label, same[0].children), times
        at += length * times if times > 1 else 1


def _cycles(labels: Sequence[object], at: int, length: int) -> int:
    """Return how often the `length` labels at `at` repeat; a cycle begins with the call that its writes come from."""
    cycle, times = labels[at : at + length], 1
    if length > 1 and str(cycle[0]).startswith(_WRITE):
        return times
    while cycle == labels[at + length * times : at + length * (times + 1)]:
        times += 1
    return times


def label_of(span: Span) -> str:
    """Return a span's name, its distinguishing attributes, and its outcome unless that is success."""
    what, slash, task = span.name.partition("/")  # Celery's: run/<module>.<task>
    name = f"{what}/{task.rpartition('.')[2]}" if slash else what
    known = sorted((_RANKS[key], str(value)) for key, value in span.attributes.items() if key in _RANKS)
    shown = dict.fromkeys(value for _, value in known)
    attempt = [f"attempt {span.attributes[ATTEMPT]}"] if ATTEMPT in span.attributes else []
    outcome = span.outcome or {"OK": "ok", "ERROR": "error"}.get(span.status, "")
    mark = "" if outcome in (Outcome.COMPLETED, "ok", "") else f"[{outcome}]"
    return "  ".join(part for part in (name, " ".join((*shown, *attempt)), mark) if part)


def _waits(entry: Entry) -> list[str]:
    """Return what an entry waited for, in words."""
    parked = sum(_number(span, _WAIT_SECONDS) for span in entry.spans if _is_parked(span))
    waits = [f"(parked for {duration(parked * 1000)})"] if parked else []
    return waits + [
        f"({duration(wait)} {where})"
        for key, where in ((_LANE_WAIT_MS, "in the lane"), (QUEUE_WAIT_MS, "for a worker"))
        if (wait := entry.wait_ms(key)) >= _SHOWN_FROM_MS
    ]


def _is_parked(span: Span) -> bool:
    return span.name == _WAIT and span.outcome == Outcome.WAITING


def _number(span: Span, key: str) -> float:
    try:
        return float(str(span.attributes.get(key, 0)))
    except ValueError:  # another library's attribute
        return 0.0


def duration(milliseconds: float) -> str:
    """Return a duration as people read it: milliseconds, seconds, or minutes."""
    if milliseconds < 1000:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds / 1000:.2f} s" if milliseconds < 120_000 else f"{milliseconds / 60_000:.1f} min"
