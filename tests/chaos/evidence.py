"""What syncs leave behind, as far as the oracles look at it; nothing here needs a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telemetry.ledger import Count
from telemetry.reading import Span
from tests.chaos.rows import Rows


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository in a run, as its row tells."""

    name: str
    state: str
    disposition: str
    attempts: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as its row tells."""

    id: int
    team: str
    kind: str
    state: str
    phase: str
    error: str
    trace_id: str
    root_id: str
    exported: bool
    repositories: tuple[Repository, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What so many teams' syncs of so many repositories have left, and what GitHub saw of them."""

    teams: int
    repositories: int
    runs: Sequence[Run]
    rows: Mapping[str, Rows]
    """By team."""
    expected: Rows
    """Of any team."""
    most_in_flight: Mapping[str, int]
    """By account."""
    admitted: Sequence[str] = ()
    """Accounts with an attempt in flight."""
    held: Sequence[str] = ()
    """Accounts whose lane somebody holds."""
    left: Sequence[int] = ()
    """Processes of a worker that was killed, which still run."""
    spans: Sequence[Span] = ()
    lines: Sequence[Mapping[str, Any]] = ()
    ledger: Mapping[str, Count] = field(default_factory=dict)
    """By exporter, of all processes of the worker's home."""
    overlaps: Sequence[str] = ()
    """Which requests of an account were in flight at once, as the simulator tells it."""
    again: Sequence[str] = ()
    """Spans that the collector received more than once."""
    arrived: Mapping[str, int] | None = None
    """By exporter, how many different spans have arrived; None while some are still on their way."""
