"""List the runs in files or Jaeger, newest first, for when there is no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.explain.activities import ROOT
from apps.explain.known_runs import COMPLETED, Asked, KnownRun
from apps.explain.runs_in_lines import Lines
from apps.explain.story import SYNC
from telemetry.model import Outcome
from telemetry.reading import Source
from telemetry.timestamps import unix_nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A run known from lines or spans; it is fine if it completed and none of its repositories failed."""

    trace_id: str
    run_id: int | None
    started_ns: int
    is_fine: bool


def runs_seen(source: Source) -> list[Seen]:
    """Return the runs in a source: from its lines, which are quickly found, else from root spans."""
    return [_seen(run) for run in Lines(source).runs(Asked()) if run.trace_id] or _by_roots(source)


def traces_of(source: Source, **wanted: Any) -> set[str]:
    """Return the traces that have a line or, without lines, a span with these fields."""
    found = {str(line["trace_id"]) for line in source.find_lines(**wanted) if line.get("trace_id")}
    return found or {span.trace_id for span in source.find_spans(**wanted)}


def _by_roots(source: Source) -> list[Seen]:
    """Return the runs from their root spans or, if there are none yet, from their repositories' spans."""
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
    return sorted(seen.values(), key=lambda one: -one.started_ns)


def _seen(run: KnownRun) -> Seen:
    return Seen(
        trace_id=run.trace_id,
        run_id=run.number,
        started_ns=unix_nanoseconds(run.started_at),
        is_fine=run.state == COMPLETED,
    )
