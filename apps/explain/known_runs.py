"""Runs as people list and choose them: what they cover, how they stand, and which one a person means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Protocol

from apps.integrations.runs.removed import Removed
from telemetry.timestamps import iso_microseconds

RUNNING, WAITING, SILENT = "running", "waiting", "silent"
COMPLETED, PARTIAL, FAILED, CANCELLED = "completed", "partial", "failed", "cancelled"
RECENT = "recent"
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRepository:
    """One repository in a run; `state` is the one word used for it everywhere."""

    repo_id: int
    full_name: str
    state: str
    is_fine: bool
    """Whether everything asked for is stored."""
    why: str = ""
    """What it failed with, waits for, or lacks, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """One run, known from rows or from lines."""

    number: int
    kind: str
    state: str
    phase: str
    team_id: int
    team: str
    """The team's slug; empty if the run is known only from lines."""
    started_at: datetime
    ended_at: datetime | None
    seen_at: datetime
    """When this was known; an unfinished run lasts until then."""
    trace_id: str
    task_id: str
    follows: int | None
    repositories: tuple[KnownRepository, ...]
    error_msg: str = ""
    removed: Removed | None = None
    """Its repositories that have since been removed, which have no rows any more."""

    @property
    def is_fine(self) -> bool:
        """Whether it has stored everything asked for."""
        return self.state == COMPLETED and all(one.is_fine for one in self.repositories)

    @property
    def duration_sec(self) -> float:
        """How long it took, or has taken so far."""
        return ((self.ended_at or self.seen_at) - self.started_at).total_seconds()

    @property
    def names(self) -> str:
        """What it covers, in words."""
        names = [one.full_name for one in self.repositories]
        if self.removed is not None:
            names.append(f"{self.removed.counted} removed since")
        if len(names) <= _MOST_NAMES:
            return ", ".join(names) or "no repository"
        return f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1} more"

    @property
    def cause(self) -> str:
        """Why it is not simply fine, in one short sentence from rows or lines alone; empty if it is."""
        if self.is_fine:
            return ""
        short = [one for one in self.repositories if not one.is_fine and one.why]
        if not short or (self.error_msg and self.state in (FAILED, CANCELLED)):
            return self.error_msg
        more = f", and {len(short) - 1} more" if len(short) > 1 else ""
        return f"{short[0].full_name}: {short[0].why}{more}"

    def as_json(self) -> Mapping[str, Any]:
        """Return it for programs; what is not known is null."""
        return {
            "run": self.number,
            "kind": self.kind,
            "state": self.state,
            "phase": self.phase,
            "team_id": self.team_id,
            "team": self.team or None,
            "repositories": [{"full_name": one.full_name, "state": one.state} for one in self.repositories],
            "repositories_removed": 0 if self.removed is None else self.removed.number,
            "started_at": iso_microseconds(self.started_at),
            "ended_at": None if self.ended_at is None else iso_microseconds(self.ended_at),
            "duration_sec": round(self.duration_sec, 3),
            "cause": self.cause or None,
            "trace_id": self.trace_id,
            "task_id": self.task_id or None,
            "follows": self.follows,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which runs somebody asks for; None and False do not restrict."""

    number: int | None = None
    trace_id: str | None = None
    task_id: str | None = None
    team_id: int | None = None
    team: str | None = None
    repo_id: int | None = None
    repository: str | None = None
    """A name or pattern of names, such as `acme/api-*`, ignoring case."""
    since: datetime | None = None
    not_fine: bool = False
    """Only runs that are not simply fine or, with a repository, in which that is not."""
    in_states: frozenset[str] = frozenset()

    def is_met_by(self, run: KnownRun) -> bool:
        """Return whether the run is one of those."""
        own = {
            "number": run.number,
            "trace_id": run.trace_id,
            "task_id": run.task_id,
            "team_id": run.team_id,
            "team": run.team,
        }
        if any(getattr(self, name) not in (None, value) for name, value in own.items()):
            return False
        if (self.since is not None and run.started_at < self.since) or (self.in_states and run.state not in self.in_states):
            return False
        if self.repository is None and self.repo_id is None:
            return not (self.not_fine and run.is_fine)
        return any(
            self.repo_id in (None, one.repo_id)
            and (self.repository is None or is_like(one.full_name, self.repository))
            and not (self.not_fine and one.is_fine and run.state != RUNNING)
            for one in run.repositories
        )


class Register(Protocol):
    """A record of runs."""

    def runs(self, asked: Asked) -> Iterator[KnownRun]:
        """Yield the runs that are asked for, newest first."""
        ...

    def following(self, run: KnownRun) -> Sequence[int]:
        """Return the numbers of the runs that follow a run: its backfills, and the run that resumes it."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """The run that a person means, and how it was chosen, in words."""

    run: KnownRun
    how: str


def meant(register: Register, asked: Asked | None = None) -> Choice | None:
    """Return the run meant by a person who names none, or several by `asked`: the newest that is not simply fine.

    If all are fine it is the newest recent one. None if there is none at all.
    """
    asked = asked or Asked()
    troubled = first(register.runs(replace(asked, not_fine=True)))
    if troubled is not None:
        return Choice(troubled, "the newest that is not simply fine")
    newest = [*_some(register.runs(asked), 20)]
    if not newest:
        return None
    recent = first(run for run in newest if run.kind == RECENT) or newest[0]
    return Choice(recent, "the newest, and all are fine" if len(newest) > 1 else "the only one, and it is fine")


def first(runs: Iterable[KnownRun]) -> KnownRun | None:
    """Return the first of the runs, if there is one."""
    return next(iter(runs), None)


def is_like(full_name: str, pattern: str) -> bool:
    """Return whether a repository's name matches a pattern, which without an owner covers only the name."""
    name = full_name if "/" in pattern else full_name.rpartition("/")[2]
    return fnmatchcase(name.lower(), pattern.lower())


def _some(runs: Iterable[KnownRun], most: int) -> Iterator[KnownRun]:
    return (run for _, run in zip(range(most), runs, strict=False))
