"""What is known of a run, from its rows or from spans alone. Times are Unix nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.integrations.runs.removed import Removed


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFacts:
    """One repository in a run; the states, dispositions and reasons are those of `RepoSync`."""

    repo_id: int
    full_name: str
    state: str
    disposition: str = ""
    row: int | None = None
    error_type: str = ""
    error_msg: str = ""
    attempt: int = 0
    prs_done: int | None = None
    prs_total: int | None = None
    wait_reason: str = ""
    due_ns: int | None = None
    alive_ns: int | None = None
    silent_sec: float = 0.0
    """For how long a running attempt has given no sign of life, unless work alone explains it."""
    started_ns: int | None = None
    ended_ns: int | None = None
    sent_ns: int | None = None
    """When the message of an attempt not yet begun was sent; None if there is none."""
    account: str = ""
    gaps: Sequence[Mapping[str, Any]] = ()
    points: int | None = None
    requests: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is done for it."""
        return self.state in ("completed", "failed", "cancelled")

    @property
    def progress(self) -> str:
        """How far it came, in words."""
        if not self.prs_done and not self.prs_total:
            return "before the first pull request"
        done = f"{self.prs_done or 0:,}"
        return (
            f"after {done} of {max(self.prs_total, self.prs_done or 0):,} pull requests"
            if self.prs_total
            else (f"after {done} pull requests")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """A run; the states and phases are those of `PipelineRun`."""

    run_id: int | None
    trace_id: str
    root_id: str = ""
    kind: str = ""
    state: str
    phase: str = ""
    team: str = ""
    started_ns: int
    ended_ns: int | None
    now_ns: int
    error_type: str = ""
    error_msg: str = ""
    cancelled_by: str = ""
    has_row: bool = False
    is_resumed: bool = False
    """Whether it resumed another, so that its repositories began where that had stopped."""
    step_attempt: int = 0
    step_sent_ns: int | None = None
    repositories: tuple[RepositoryFacts, ...] = ()
    removed: Removed | None = None
    """Its repositories that have since been removed, known only from spans and lines."""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.ended_ns is None

    @property
    def end_ns(self) -> int:
        """When it ended; now, if it has not."""
        return self.now_ns if self.ended_ns is None else self.ended_ns

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return max(0, self.end_ns - self.started_ns) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Another run's repository that was at work for a time."""

    team: str
    full_name: str
    repo_id: int
    run_id: int
    account: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """Another repository that an error struck at about the same time."""

    team: str
    full_name: str
    repo_id: int
    run_id: int
    error_type: str
    error_msg: str
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a run's spans say about its calls: median seconds and number by query, pull requests per page, errors."""

    call_seconds: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    pull_requests_a_page: float | None = None
    errors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier run of the same repositories and window; without its spans its profile is empty."""

    run_id: int
    wall_sec: float
    requests: int
    points: int
    attempts: int
    profile: Profile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What is left of an account's points, and when they are full again."""

    limit: int
    remaining: int
    resets_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What went on around a run, as far as the database knows; None or empty otherwise."""

    swept_ns: int | None = None
    """When a worker last looked for stalled work."""
    sweep_seconds: float = 10.0
    blocks: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """By account, which limit forbids sending anything now, and until when."""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """By account, what is left of its points, as GitHub last said."""
    busy: Sequence[Busy] = ()
    affected: Sequence[Affected] = ()
    earlier: Sequence[Earlier] = ()
    is_known: bool = False
    """Whether there was a database to ask."""
