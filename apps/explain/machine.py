"""Find when broker, database and workers were away, from the machine's own lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.explain import event_names
from apps.explain.story import Line, moment_of
from apps.machine_catalog import BROKER_AWAY

EVENTS: tuple[str, ...] = (
    event_names.WORKER_STARTED,
    event_names.WORKER_DRAINED,
    event_names.BROKER_LOST,
    event_names.BROKER_BACK,
    event_names.DATABASE_LOST,
    event_names.DATABASE_BACK,
    event_names.BEAT_LATE,
)
"""The lines that belong to no run and concern all runs of their time."""
_LOST_BACK = {
    "broker": (event_names.BROKER_LOST, event_names.BROKER_BACK),
    "database": (event_names.DATABASE_LOST, event_names.DATABASE_BACK),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A time in which something was away, with the line that shows it best."""

    start_ns: int
    end_ns: int
    line: Line

    def covers(self, start_ns: int, end_ns: int) -> bool:
        """Return whether it makes up at least half of the time between two moments."""
        shared = min(self.end_ns, end_ns) - max(self.start_ns, start_ns)
        return shared >= 0 and 2 * shared >= end_ns - start_ns


def absences(lines: Sequence[Line], what: str, *, now_ns: int) -> list[Absence]:
    """Return the times in which the `broker` or the `database` was away, as any process saw it.

    A process that reports its return also says how long it was away; one that never does is still without it.
    """
    lost_event, back_event = _LOST_BACK[what]
    found: list[Absence] = []
    open_since: tuple[int, Line] | None = None
    for line in lines:
        event, at = line.get("event"), moment_of(line)
        if at is None:
            continue
        if event == lost_event or (what == "broker" and event == BROKER_AWAY):
            open_since = open_since or (at, line)
        elif event == event_names.WORKER_STARTED and what == "broker" and open_since is not None:  # which takes a broker
            found.append(Absence(start_ns=open_since[0], end_ns=at, line=open_since[1]))
            open_since = None
        elif event == back_event:
            away = line.get("away_sec")
            began = at - int(away * 1e9) if isinstance(away, int | float) else at
            shown = line if open_since is None else open_since[1]
            found.append(Absence(start_ns=min(began, at if open_since is None else open_since[0]), end_ns=at, line=shown))
            open_since = None
    if open_since is not None:
        found.append(Absence(start_ns=open_since[0], end_ns=now_ns, line=open_since[1]))
    return found


def worker_absences(lines: Sequence[Line], *, start_ns: int, now_ns: int) -> list[Absence]:
    """Return the times from `start_ns` on without any worker, each with the line of the worker that came or left.

    Lack of knowledge is not absence: without a worker's line nothing is returned.
    """
    found: list[Absence] = []
    there: set[str] = set()
    since: tuple[int, Line | None] = (start_ns, None)
    is_known = False
    for line in lines:
        event, at, name = line.get("event"), moment_of(line), str(line.get("worker", ""))
        if at is None:
            continue
        if event == event_names.WORKER_STARTED:
            if not there and at > start_ns:
                found.append(Absence(start_ns=max(since[0], start_ns), end_ns=at, line=line))
            elif name in there and (late := _lateness(lines, at)) is not None:  # the previous one left without a line
                found.append(Absence(start_ns=max(late, start_ns), end_ns=at, line=line))
            there.add(name)
            is_known = True
        elif event == event_names.WORKER_DRAINED:
            there.discard(name)
            is_known, since = True, (at, line) if not there else since
    if is_known and not there and since[1] is not None:
        found.append(Absence(start_ns=max(since[0], start_ns), end_ns=now_ns, line=since[1]))
    return found


def _lateness(lines: Sequence[Line], at: int) -> int | None:
    """Return since when nobody had looked for work when a worker came, if a sweep after that says so."""
    for line in lines:
        if line.get("event") == event_names.BEAT_LATE and (said := moment_of(line)) is not None and said >= at:
            late = line.get("late_sec")
            since = said - int(late * 1e9) if isinstance(late, int | float) else said
            return since if since < at else None
    return None


def first_covering(found: Iterable[Absence], start_ns: int, end_ns: int) -> Absence | None:
    """Return the first of the absences that makes up at least half of a time."""
    return next((each for each in found if each.covers(start_ns, end_ns)), None)
