"""What a run has left, as items that a chain can name: spans, lines and rows, each with what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telemetry.reading import Span
from tests.rca.scenario import Proof


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Stands in a proof for any number that is not smaller."""

    number: float


@dataclass(frozen=True, slots=True)
class Item:
    """A span, line or row. `key` is a span's id, a line's time or a row's number; `has` what it says, by its own names."""

    kind: str
    name: str
    key: str
    has: Mapping[str, Any]
    trace_id: str | None = None

    def proves(self, proof: Proof) -> bool:
        """Return whether this is what the proof asks for."""
        return (self.kind, self.name) == (proof.kind, proof.name) and all(
            _meets(self.has.get(key), wanted) for key, wanted in proof.has.items()
        )

    def holds(self, seconds: float) -> bool:
        """Return whether one of its values is that many seconds, in seconds or milliseconds, as far as rounding lets it."""
        numbers = [value for value in self.has.values() if isinstance(value, int | float)]
        near = max(0.06, seconds / 100)
        return any(abs(number - seconds) <= near or abs(number / 1000 - seconds) <= near for number in numbers)

    def mentions(self, text: str) -> bool:
        """Return whether one of its values holds `text`."""
        return any(text in str(value) for value in self.has.values())


class Archive:
    """All spans and lines that the syncs of one group have left."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._by_key: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
        self._by_trace: defaultdict[str | None, list[Item]] = defaultdict(list)
        for item in items:
            self._by_key[item.kind, item.key].append(item)
            self._by_trace[item.trace_id].append(item)

    def called(self, kind: str, key: str) -> list[Item]:
        """Return the items of a kind with that key."""
        return self._by_key.get((kind, key), [])

    def of(self, trace_id: str) -> list[Item]:
        """Return what belongs to a trace, and then what belongs to none, such as a worker's lines about itself."""
        return [*self._by_trace.get(trace_id, []), *self._by_trace.get(None, [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What there is about one run: its rows and those around it, and, in the archive, what was written.

    `names` are the repositories by the ids that spans and lines have, `of_run` those of the run; `state` is how it stood.
    """

    trace_id: str
    state: str
    names: Mapping[int, str] = field(default_factory=dict)
    of_run: tuple[str, ...] = ()
    rows: Sequence[Item] = ()
    archive: Archive = field(default_factory=lambda: Archive(()))

    @property
    def seconds(self) -> float:
        """How long the run took, as its row says; 0 for one that has not ended."""
        rows = (row.has for row in self.rows if row.name == "PipelineRun" and row.trace_id == self.trace_id)
        return sum(float((row["ended_at"] - row["started_at"]).total_seconds()) for row in rows if row.get("ended_at"))

    def proves(self, proofs: Iterable[Proof]) -> bool:
        """Return whether something that the run has left is what one of the proofs asks for."""
        items = [*(row for row in self.rows if row.trace_id == self.trace_id), *self.archive.of(self.trace_id)]
        return any(item.proves(proof) for proof in proofs for item in items)


def of_span(span: Span) -> Item:
    """Return the span as an item; beside its attributes it has its outcome, its status and how long it took."""
    seconds = (span.end_ns - span.start_ns) / 1e9
    more = {"outcome": span.outcome, "status_message": span.status_message, "seconds": seconds, "is_error": span.status}
    return Item("span", span.name, span.span_id, {**span.attributes, **more}, span.trace_id)


def of_line(line: Mapping[str, Any]) -> Item:
    """Return the line as an item."""
    return Item("line", str(line.get("event")), str(line.get("timestamp")), dict(line), line.get("trace_id") or None)


def of_row(model: str, number: object, values: Mapping[str, Any], *, trace_id: str | None) -> Item:
    """Return the row of a model as an item."""
    return Item("row", model, str(number), dict(values), trace_id)


def _meets(value: object, wanted: object) -> bool:
    if isinstance(wanted, tuple):
        return any(_meets(value, each) for each in wanted)
    if isinstance(wanted, AtLeast):
        return isinstance(value, int | float) and value >= wanted.number
    if isinstance(wanted, str) and wanted.endswith("*"):
        return str(value).startswith(wanted.removesuffix("*"))
    if isinstance(wanted, bool):
        return bool(value) is wanted
    return value == wanted
