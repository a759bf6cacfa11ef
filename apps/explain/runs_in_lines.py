"""Reconstruct runs from a home's lines, for when there is no database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps import catalog, machine_catalog
from apps.explain.known_runs import CANCELLED, COMPLETED, FAILED, PARTIAL, SILENT, Asked, KnownRepository, KnownRun
from telemetry.reading import Source

_RUN, _REPOSITORY = catalog.Pipeline.__operation__, catalog.RepoSync.__operation__
_CANCELLED, _RESUMED = machine_catalog.RunCancelled.__event__.name, machine_catalog.RunResumed.__event__.name
_ENDS: Mapping[str, str] = {f"{_RUN}.completed": COMPLETED, f"{_RUN}.failed": FAILED, _CANCELLED: CANCELLED}
_REPOSITORY_ENDS: Mapping[str, str] = {f"{_REPOSITORY}.completed": "synced", f"{_REPOSITORY}.failed": FAILED}
_EVENTS = (f"{_RUN}.started", *_ENDS, f"{_REPOSITORY}.started", *_REPOSITORY_ENDS, _RESUMED)
_LAST_OF_BACKFILL: catalog.Phase = "complete"

Line = Mapping[str, Any]


class TeamsUnknownError(Exception):
    """Lines contain a team's number but not its name."""


class Lines:
    """The runs in the lines of `source`; how they ended is known as far as it was written."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def runs(self, asked: Asked) -> Iterator[KnownRun]:
        """Yield the runs asked for, newest first; raise `TeamsUnknownError` if a team's name is given."""
        if asked.team is not None:
            raise TeamsUnknownError
        by_trace: dict[str, list[Line]] = {}  # numbers start over if the database was removed but the files stayed
        for line in self._lines(asked):
            if isinstance(line.get("run_id"), int):
                by_trace.setdefault(str(line.get("trace_id")), []).append(line)
        runs = [run for lines in by_trace.values() if (run := _run(lines)) is not None and asked.is_met_by(run)]
        yield from sorted(runs, key=lambda run: (run.started_at, run.number), reverse=True)

    def _lines(self, asked: Asked) -> Sequence[Line]:
        """Return the lines that may be relevant; for a run that is named itself, only its own."""
        if asked.number is not None:  # if a number was given twice, the newer run has it
            newest = self._source.newest_line(run_id=asked.number, event=_EVENTS)
            traces = [] if newest is None else [str(newest.get("trace_id"))]
        elif asked.trace_id is not None:
            traces = [asked.trace_id]
        elif asked.task_id is not None:
            of_task = self._source.find_lines(task_id=asked.task_id, event=_EVENTS)
            traces = sorted({str(line.get("trace_id")) for line in of_task})
        else:
            return self._source.find_lines(event=_EVENTS)
        return self._source.find_lines(trace_id=traces, event=_EVENTS) if traces else []

    def following(self, run: KnownRun) -> list[int]:
        """Return the numbers of the runs that follow a run: backfills have the id of the task that started it."""
        started = self.runs(Asked(task_id=run.task_id)) if run.task_id else ()
        return [one.number for one in started if one.number > run.number]


def _run(lines: Sequence[Line]) -> KnownRun | None:
    """Return what lines say about a run; None if they lack even its start."""
    started, ended = _last(lines, [f"{_RUN}.started"]), _last(lines, _ENDS)
    first = started or lines[0]
    began, team_id = _began(first, ended), first.get("team_id")
    if began is None or not isinstance(team_id, int):
        return None
    repositories = tuple(_repositories(lines))
    state = SILENT if ended is None else _ENDS[str(ended["event"])]
    is_short = any(one.state == FAILED for one in repositories)
    phase = str((ended or first).get("phase") or "")
    began_in = str(first.get("phase") or phase)  # the line at the end names no phase unless the run failed
    resumed = _last(lines, [_RESUMED])
    return KnownRun(
        number=first["run_id"],
        kind="backfill" if began_in.startswith("background") or began_in == _LAST_OF_BACKFILL else "recent",
        state=PARTIAL if state == COMPLETED and is_short else state,
        phase=phase,
        team_id=team_id,
        team="",
        started_at=began,
        ended_at=None if ended is None else _moment(ended),
        seen_at=_moment(lines[-1]) or began,
        trace_id=str(first.get("trace_id") or ""),
        task_id=str(first.get("task_id") or ""),
        follows=None if resumed is None else resumed.get("resumed_run_id"),
        repositories=repositories,
        error_msg=_why(ended, state),
    )


def _repositories(lines: Sequence[Line]) -> Iterator[KnownRepository]:
    names: dict[int, str] = {}
    ends: dict[int, Line] = {}
    for line in lines:
        repo_id = line.get("repo_id")
        if not isinstance(repo_id, int):
            continue
        names.setdefault(repo_id, f"repository {repo_id}")
        if "full_name" in line:
            names[repo_id] = str(line["full_name"])
        if line["event"] in _REPOSITORY_ENDS:
            ends[repo_id] = line
    for repo_id, name in names.items():
        end = ends.get(repo_id)
        state = SILENT if end is None else _REPOSITORY_ENDS[str(end["event"])]
        why = "" if end is None else str(end.get("error_msg") or "")
        yield KnownRepository(repo_id=repo_id, full_name=name, state=state, is_fine=state == "synced", why=why)


def _why(ended: Line | None, state: str) -> str:
    if ended is None:
        return "no line says how it ended"
    return f"{ended.get('by')} cancelled it" if state == CANCELLED else str(ended.get("error_msg") or "")


def _last(lines: Sequence[Line], events: Sequence[str] | Mapping[str, str]) -> Line | None:
    return next((line for line in reversed(lines) if line["event"] in events), None)


def _began(first: Line, ended: Line | None) -> datetime | None:
    """Return when a run began: a worker writes its first line later, but its last line says how long it took."""
    end, took = None if ended is None else _moment(ended), (ended or {}).get("duration_sec")
    if end is not None and isinstance(took, int | float):
        return end - timedelta(seconds=took)
    return _moment(first)


def _moment(line: Line) -> datetime | None:
    try:
        return datetime.fromisoformat(str(line.get("timestamp"))).astimezone(UTC)
    except ValueError:
        return None
