"""A run's trace as text: the tree with durations, and where its time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from telemetry.testing import Node, Span, roots_of

_SHOWN = ("full_name", "query_name", "endpoint", "entity_type", "status", "error_type", "celery.attempt", "sync.attempt")
_KINDS = {
    "sync.api.graphql": "GitHub API",
    "sync.api.rest": "GitHub API",
    "sync.api.rate_wait": "rate wait",
    "sync.db.write": "database",
}


def tree_lines(spans: Sequence[Span], *, limit: int = 200) -> Iterator[str]:
    """The spans, a line each, indented: duration, name, outcome and what tells it apart; repeated leaves as one line."""
    shown = 0
    for top in roots_of(spans):
        for line in _node_lines(top, 0):
            shown += 1
            if shown > limit:
                yield f"… and more: {len(spans)} spans in all"
                return
            yield line


def time_spent(spans: Sequence[Span]) -> dict[str, float]:
    """Seconds by what they went into, summed over all workers: API, rate wait, lane, queue, database, other."""
    spent: dict[str, float] = {}
    for kind in ("GitHub API", "rate wait", "lane", "queue", "database", "other"):
        spent[kind] = 0.0
    busy = 0.0
    for span in spans:
        into = _KINDS.get(span.name)
        lane = float(str(span.attributes.get("sync.lane.wait_ms", 0))) / 1000
        seconds = max(0.0, span.duration_ms / 1000 - lane)
        spent["lane"] += lane
        spent["queue"] += float(str(span.attributes.get("messaging.queue.wait_ms", 0))) / 1000
        if into is not None:
            spent[into] += seconds
            busy += seconds + lane
        elif span.name.startswith("run/"):
            spent["other"] += seconds
    spent["other"] = max(0.0, spent["other"] - busy)
    return spent


def _node_lines(node: Node, depth: int) -> Iterator[str]:
    yield _line(node.span, depth)
    run: list[Node] = []
    for child in (*node.children, None):
        if child is not None and run and not child.children and _alike(run[0], child):
            run.append(child)
            continue
        yield from _repeated(run, depth + 1)
        run = []
        if child is None:
            return
        if child.children and child.span.name not in _KINDS:
            yield from _node_lines(child, depth + 1)
        else:
            run = [Node(child.span, ())]


def _repeated(run: Sequence[Node], depth: int) -> Iterator[str]:
    if len(run) > 1:
        seconds = sum(node.span.duration_ms for node in run)
        yield _line(run[0].span, depth, duration_ms=seconds) + f"  x {len(run)}"
    elif run:
        yield _line(run[0].span, depth)


def _alike(first: Node, second: Node) -> bool:
    keys = ("query_name", "endpoint", "entity_type", "status")
    return (
        first.span.name == second.span.name
        and first.span.outcome == second.span.outcome
        and all(first.span.attributes.get(key) == second.span.attributes.get(key) for key in keys)
    )


def _line(span: Span, depth: int, *, duration_ms: float | None = None) -> str:
    told = [
        str(span.attributes[key]) if key != "celery.attempt" else f"attempt {span.attributes[key]}"
        for key in _SHOWN
        if key in span.attributes and key != "sync.attempt"
    ]
    outcome = span.outcome or {"OK": "ok", "ERROR": "error"}.get(span.status, "")
    mark = "" if outcome in ("completed", "ok", "") else f"  [{outcome}]"
    duration = _duration(span.duration_ms if duration_ms is None else duration_ms)
    name = span.name.replace("apps.integrations.tasks.", "")
    return f"{duration:>9}  {'  ' * depth}{name}  {' '.join(told)}{mark}".rstrip()


def _duration(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds / 1000:.2f} s" if milliseconds < 120_000 else f"{milliseconds / 60_000:.1f} min"
