"""Choose the lines a person asks for: of a run and its followers, of one repository in it, or of all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from apps.explain.known_runs import Asked, KnownRun, Register, is_like
from telemetry.model import Level
from telemetry.reading import Files, Source
from telemetry.timestamps import unix_nanoseconds

_AFTERWARDS_NS = 600 * 10**9  # a run's last lines are written shortly after its end


@dataclass(frozen=True, slots=True)
class Wanted:
    """Lines with one of these values in each field, and the run that they belong to, if any."""

    fields: Mapping[str, frozenset[str]]
    run: KnownRun | None = None
    is_followed: bool = False


def of_run(register: Register, run: KnownRun, asked: Asked) -> Wanted:
    """Return the lines of a run and its followers, or of only one repository if asked for."""
    following = register.following(run)
    fields = {"run_id": frozenset(map(str, [run.number, *following]))} | _of_repository([run], asked)
    return Wanted(fields, run=run, is_followed=bool(following))


def of_all_runs(register: Register, asked: Asked) -> Wanted:
    """Return the lines asked for, from any run."""
    if asked.team_id is not None:
        return Wanted({"team_id": frozenset({str(asked.team_id)})})
    if asked.repo_id is not None:
        return Wanted({"repo_id": frozenset({str(asked.repo_id)})})
    runs = list(register.runs(asked)) if asked != Asked() else []
    if asked.team is not None:
        return Wanted({"team_id": frozenset(str(run.team_id) for run in runs)})
    return Wanted(_of_repository(runs, asked))


def find_lines(source: Source, wanted: Wanted, *, event: str = "*", level: str = "debug") -> list[dict[str, Any]]:
    """Return the lines asked for, in the order they were written; `level` is the lowest."""
    lowest = Level[level.upper()]
    if wanted.run is not None and isinstance(source, Files):
        source = _bounded(source, wanted.run, is_followed=wanted.is_followed)
    return [
        line
        for line in source.find_lines(**wanted.fields)
        if fnmatchcase(str(line.get("event")), event) and _level_of(line) >= lowest
    ]


def _bounded(source: Files, run: KnownRun, *, is_followed: bool) -> Files:
    ended = None if run.ended_at is None or is_followed else unix_nanoseconds(run.ended_at) + _AFTERWARDS_NS
    return source.within(unix_nanoseconds(run.started_at), ended)


def _of_repository(runs: Sequence[KnownRun], asked: Asked) -> dict[str, frozenset[str]]:
    if asked.repo_id is None and asked.repository is None:
        return {}
    named = [
        str(one.repo_id)
        for run in runs
        for one in run.repositories
        if asked.repo_id in (None, one.repo_id) and (asked.repository is None or is_like(one.full_name, asked.repository))
    ]
    return {"repo_id": frozenset(named)}


def _level_of(line: Mapping[str, Any]) -> int:
    return Level.named(str(line.get("level"))) or Level.DEBUG
