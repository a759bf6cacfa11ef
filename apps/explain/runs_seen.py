"""Which runs files or Jaeger tell of, where no database can be asked: the newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.explain.activities import ROOT
from apps.explain.story import SYNC, Line, moment_of
from telemetry.model import Outcome
from telemetry.reading import Source

_STARTED, _COMPLETED = "sync.pipeline.started", "sync.pipeline.completed"
_BAD = ("sync.pipeline.failed", "sync.repo.failed", "sync.run.cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A run that lines or spans tell of; one is fine if it has completed, and none of its repositories has failed."""

    trace_id: str
    run_id: int | None
    started_ns: int
    is_fine: bool


def runs_seen(source: Source) -> list[Seen]:
    """Return the runs that a source tells of: by its lines, which are quickly found, else by their root spans."""
    lines = source.find_lines(event=[_STARTED, _COMPLETED, *_BAD])
    started = [line for line in lines if line.get("event") == _STARTED and line.get("trace_id")]
    if not started:
        return _by_roots(source)
    completed = {line.get("trace_id") for line in lines if line.get("event") == _COMPLETED}
    bad = {line.get("trace_id") for line in lines if line.get("event") in _BAD}
    seen = {str(line["trace_id"]): _seen(line, is_fine=line["trace_id"] in completed - bad) for line in started}
    return _newest_first(seen.values())


def traces_of(source: Source, **wanted: Any) -> set[str]:
    """Return the traces that have a line or, without lines, a span with these fields."""
    found = {str(line["trace_id"]) for line in source.find_lines(**wanted) if line.get("trace_id")}
    return found or {span.trace_id for span in source.find_spans(**wanted)}


def _by_roots(source: Source) -> list[Seen]:
    """Return the runs by their root spans; one that has none yet, by its repositories' spans, where no other has."""
    roots = source.find_spans(name=ROOT) or source.find_spans(name=SYNC)
    seen: dict[str, Seen] = {}
    for root in roots:
        run_id = root.attributes.get("run_id")
        seen.setdefault(
            root.trace_id,
            Seen(
                trace_id=root.trace_id,
                run_id=run_id if isinstance(run_id, int) else None,
                started_ns=root.start_ns,
                is_fine=root.name == ROOT and root.outcome == Outcome.COMPLETED and not root.attributes.get("repos_failed"),
            ),
        )
    return _newest_first(seen.values())


def _seen(line: Line, *, is_fine: bool) -> Seen:
    run_id = line.get("run_id")
    return Seen(
        trace_id=str(line["trace_id"]),
        run_id=run_id if isinstance(run_id, int) else None,
        started_ns=moment_of(line) or 0,
        is_fine=is_fine,
    )


def _newest_first(seen: Iterable[Seen]) -> list[Seen]:
    return sorted(seen, key=lambda one: -one.started_ns)
