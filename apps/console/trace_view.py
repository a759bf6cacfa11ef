"""A run's trace as text: the tree with durations, and where its time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telemetry.reading import Node, Span, roots_of

_TOLD = ("full_name", "query_name", "endpoint", "entity_type", "sync.rate_wait.reason", "status", "error_type")
"""Attributes that tell one span of a name from another, in the order they are shown."""
_KINDS = {
    "sync.api.graphql": "GitHub API",
    "sync.api.rest": "GitHub API",
    "sync.api.rate_wait": "rate wait",
    "sync.db.write": "database",
}
_WORTH_TELLING_MS = 100.0  # a wait for the lane or on the queue
_LONGEST_CYCLE = 3  # a page is a call, perhaps another for its long lists, and its writes


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one line shows: a span with spans below it, or leaves that belong together."""

    spans: tuple[Span, ...]
    label: str
    children: tuple[Node, ...] = ()

    @property
    def duration_ms(self) -> float:
        return sum(span.duration_ms for span in self.spans)

    def wait_ms(self, key: str) -> float:
        return sum(_number(span, key) for span in self.spans)


def tree_lines(spans: Sequence[Span], *, limit: int = 200) -> Iterator[str]:
    """The spans, a line each, indented: duration, name, what tells it apart, and its outcome unless that is success.

    One page's writes are one line, and what repeats itself, as page after page does, is shown once with ``x N`` and its sum.
    """
    for shown, (depth, entry, times) in enumerate(_entries(roots_of(spans), 0)):
        if shown == limit:
            yield f"… and more: {len(spans)} spans in all"
            return
        yield _line(depth, entry, times)


def time_spent(spans: Sequence[Span]) -> dict[str, float]:
    """Seconds by what they went into, summed over all workers: API, rate wait, lane, queue, database, other.

    A wait that parked its repository counts as long as it was to be: its span ends when the attempt does.
    """
    kinds = ("GitHub API", "rate wait", "lane", "queue", "database", "other")
    spent: dict[str, float] = {kind: 0.0 for kind in kinds}  # noqa: C420  # `fromkeys` keeps literal keys for pyright
    busy = 0.0
    for span in spans:
        into = _KINDS.get(span.name)
        lane = _number(span, "sync.lane.wait_ms") / 1000
        seconds = max(0.0, span.duration_ms / 1000 - lane)
        spent["lane"] += lane
        spent["queue"] += _number(span, "celery.queue.wait_ms") / 1000
        if into is not None:
            spent[into] += _number(span, "wait_seconds") if _is_parked(span) else seconds
            busy += seconds + lane
        elif span.name.startswith("run/"):
            spent["other"] += seconds
    spent["other"] = max(0.0, spent["other"] - busy)
    return spent


def _entries(nodes: Sequence[Node], depth: int) -> Iterator[tuple[int, _Entry, int]]:
    """Every line's depth, entry, and how often it is repeated."""
    for entry, times in _repeated(list(_grouped(nodes))):
        yield depth, entry, times
        yield from _entries(entry.children, depth + 1)


def _grouped(nodes: Sequence[Node]) -> Iterator[_Entry]:
    """An entry a span; successful writes that follow each other, as those of a page do, are one."""
    writes: list[Span] = []
    for node in nodes:
        span = node.span
        is_write = span.name == "sync.db.write" and span.outcome == "completed"
        if writes and (not is_write or span.attributes["entity_type"] == "pull_request"):
            yield _written(writes)
            writes = []
        if is_write:
            writes.append(span)
        else:
            yield _Entry((span,), _label(span), () if span.name in _KINDS else node.children)
    if writes:
        yield _written(writes)


def _written(writes: Sequence[Span]) -> _Entry:
    entities = ", ".join(str(span.attributes["entity_type"]) for span in writes)
    return _Entry(tuple(writes), f"{writes[0].name}  {entities}")


def _repeated(entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, int]]:
    """The entries, with how often each follows; of a short cycle that repeats itself, each is there once."""
    labels = [object() if entry.children else entry.label for entry in entries]  # only leaves are alike
    at = 0
    while at < len(entries):
        cycles = ((length, _cycles(labels, at, length)) for length in range(1, _LONGEST_CYCLE + 1))
        length, times = max(cycles, key=lambda cycle: cycle[1])
        for offset in range(length if times > 1 else 1):
            same = entries[at + offset : at + offset + length * (times - 1) + 1 : length]
            yield _Entry(tuple(span for one in same for span in one.spans), same[0].label, same[0].children), times
        at += length * times if times > 1 else 1


def _cycles(labels: Sequence[object], at: int, length: int) -> int:
    """How often the ``length`` labels at ``at`` follow each other; a cycle begins with what its writes come from."""
    cycle, times = labels[at : at + length], 1
    if length > 1 and str(cycle[0]).startswith("sync.db.write"):
        return times
    while cycle == labels[at + length * times : at + length * (times + 1)]:
        times += 1
    return times


def _label(span: Span) -> str:
    name = span.name.replace("apps.integrations.tasks.", "")
    told = dict.fromkeys(str(span.attributes[key]) for key in _TOLD if key in span.attributes)
    attempt = [f"attempt {span.attributes['celery.attempt']}"] if "celery.attempt" in span.attributes else []
    outcome = span.outcome or {"OK": "ok", "ERROR": "error"}.get(span.status, "")
    mark = "" if outcome in ("completed", "ok", "") else f"[{outcome}]"
    return "  ".join(part for part in (name, " ".join((*told, *attempt)), mark) if part)


def _line(depth: int, entry: _Entry, times: int) -> str:
    parked = sum(_number(span, "wait_seconds") for span in entry.spans if _is_parked(span))
    waits = [f"(parked for {_duration(parked * 1000)})"] if parked else []
    waits += [
        f"({_duration(wait)} {where})"
        for key, where in (("sync.lane.wait_ms", "in the lane"), ("celery.queue.wait_ms", "on the queue"))
        if (wait := entry.wait_ms(key)) >= _WORTH_TELLING_MS
    ]
    told = [entry.label, *waits, *([f"x {times}"] if times > 1 else [])]
    return f"{_duration(entry.duration_ms):>9}  {'  ' * depth}{'  '.join(told)}"


def _is_parked(span: Span) -> bool:
    return span.name == "sync.api.rate_wait" and span.outcome == "waiting"


def _number(span: Span, key: str) -> float:
    return float(str(span.attributes.get(key, 0)))


def _duration(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds / 1000:.2f} s" if milliseconds < 120_000 else f"{milliseconds / 60_000:.1f} min"
