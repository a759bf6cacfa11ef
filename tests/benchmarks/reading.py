"""How long commands take that only read: from a cold start, with and without servers, over full files and a large trace."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.figures import Figure
from tests.benchmarks.programs import CHECKOUT, NotMeasured

_COMMANDS = ("logs", "trace", "runs", "explain")
_FULL_FILES = 6
_TRACE, _OTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
RUN, _OTHER_RUN, _TEAM = 900_000_001, 900_000_022, 900_000_001  # no other benchmark of this database has these
_PER_PAGE = 5  # spans: a call, its request, and three writes
_KNOWN = f"""
from datetime import datetime, timedelta, UTC
from apps.teams.models import Team
from apps.integrations.models import PipelineRun
began = datetime.fromisoformat("{{began}}")
team, _ = Team.objects.get_or_create(pk={_TEAM}, defaults=dict(slug="reading", name="Reading"))
PipelineRun.objects.get_or_create(pk={RUN}, defaults=dict(
    team=team, kind="recent", state="completed", phase="phase1_complete",
    started_at=began, ended_at=began + timedelta(seconds=60),
    started_ns=int(began.timestamp() * 1e9), traceparent="00-{_TRACE}-{{root}}-01"))
"""


def cold_starts(*, home: Path, turns: int, spans: int, file_bytes: int) -> Iterator[Figure]:
    """Yield how long each command takes over the files of a run, with servers and without, then over full files."""
    began = datetime.now(UTC) - timedelta(minutes=5)
    small, full = home / "reading", home / "full"
    for folder in (small, full):
        folder.mkdir(parents=True)
        write_run(folder, began, spans=20 * _PER_PAGE)
    _fill(full, file_bytes, began)
    made = [sys.executable, "manage.py", "shell", "-v0", "-c", known_run(began)]
    subprocess.run(made, cwd=CHECKOUT, check=True, env={**os.environ, "SYNCTRACE_HOME": str(small)}, capture_output=True)
    for command in _COMMANDS:
        yield _figure(
            f"{command}.down", f"`{command}`, no server runs", command, small, turns=turns, aim=1.0, has_servers=False
        )
        yield _figure(f"{command}.up", f"`{command}`, the database answers", command, small, turns=turns)
    for command in ("logs", "trace", "explain"):
        what = f"`{command} 1`, {_FULL_FILES} full files of each kind"
        yield _figure(f"{command}.full", what, command, full, turns=turns, has_servers=False)
    large = home / "large"
    large.mkdir()
    write_run(large, began, spans=spans)
    for command in ("trace", "explain"):
        what = f"`{command} 1` of a trace of {spans:,} spans"
        aim = 1.5 if command == "explain" else 2.0
        yield _figure(f"{command}.large", what, command, large, turns=turns, aim=aim, has_servers=False)


def _figure(
    name: str, what: str, command: str, home: Path, *, turns: int, aim: float | None = None, has_servers: bool = True
) -> Figure:
    arguments = [command, str(RUN)]
    seconds = [_seconds(arguments, home, has_servers=has_servers) for _ in range(turns + 1)][1:]  # the first one compiles
    usual = 0.6 if has_servers else 1.0
    return Figure(name=f"reading.{name}", what=what, value=statistics.median(seconds), unit="s", aim=aim or usual)


def _seconds(arguments: Sequence[str], home: Path, *, has_servers: bool) -> float:
    of_servers = () if has_servers else ("DATABASE_URL", "CELERY_BROKER_URL")
    environment = {name: value for name, value in os.environ.items() if name not in of_servers}
    started = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env={**environment, "SYNCTRACE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode or not ran.stdout:
        raise NotMeasured(f"`{' '.join(arguments)}` ended with {ran.returncode}. It printed last:\n{ran.stderr[-500:]}")
    return time.perf_counter() - started


def known_run(began: datetime) -> str:
    """Return the program that stores the row of the run."""
    return _KNOWN.format(began=began.isoformat(), root=_id(0))


def write_run(home: Path, began: datetime, *, spans: int) -> None:
    """Write the lines and spans of a run over one repository: a call and three writes a page, one after the other."""
    pages = spans // _PER_PAGE
    context = {"team_id": _TEAM, "repo_id": 1, "run_id": RUN}
    ids = {"trace_id": _TRACE, "span_id": _id(2), "trace_flags": 1}
    events: list[tuple[str, dict[str, Any]]] = [
        ("sync.pipeline.started", {"repos_count": 1, "phase": "syncing"}),
        ("sync.repo.started", {"full_name": "a/b"}),
        *(("sync.api.graphql", {"query_name": "PullRequests", "status": "ok"}) for _ in range(min(pages, 1_000))),
        ("sync.repo.completed", {"prs_synced": 25 * pages, "duration_sec": 60.0}),
        ("sync.pipeline.completed", {"repos_synced": 1, "total_prs": 25 * pages, "duration_sec": 60.0}),
    ]
    with (home / "logs.jsonl").open("wb") as lines:
        for number, (event, fields) in enumerate(events):
            moment = f"{began + timedelta(seconds=60 * number / len(events)):%Y-%m-%dT%H:%M:%S.%fZ}"
            lines.write(
                orjson.dumps({"timestamp": moment, "level": "info", "event": event, **fields, **context, **ids}) + b"\n"
            )
    with (home / "traces.jsonl").open("wb") as file:
        for request in _requests(list(_spans(int(began.timestamp() * 1e9), pages, context))):
            file.write(request)


def _spans(began: int, pages: int, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    minute = 60 * 10**9
    of_run = {**context, "sync.outcome": "completed"}
    yield _span(0, None, "sync.pipeline", began, began + minute, {**of_run, "duration_sec": 60.0})
    task = "run/apps.integrations.tasks.sync_repository"
    yield _span(1, 0, task, began + 10**7, began + minute - 10**7, {**context, "celery.attempt": 1})
    yield _span(2, 1, "sync.repo", began + 10**7, began + minute - 10**7, {**of_run, "full_name": "a/b", "sync.attempt": 1})
    page_ns = (minute - 3 * 10**7) // max(1, pages)
    for page in range(pages):
        at, number = began + 10**7 + page * page_ns, 3 + page * _PER_PAGE
        asked = at + page_ns // 2
        call = {**of_run, "query_name": "PullRequests", "status": "ok", "points_cost": 1, "sync.lane.wait_ms": 0.1}
        yield _span(number, 2, "sync.api.graphql", at, asked, call)
        yield _span(number + 1, number, "POST", at, asked, {"http.response.status_code": 200})
        for place, entity in enumerate(("pull_request", "review", "commit")):
            start = asked + place * page_ns // 6
            written = {**of_run, "entity_type": entity, "created": 25, "updated": 0}
            yield _span(number + 2 + place, 2, "sync.db.write", start, start + page_ns // 6, written)


def _span(number: int, parent: int | None, name: str, start: int, end: int, has: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "traceId": _TRACE,
        "spanId": _id(number),
        "parentSpanId": "" if parent is None else _id(parent),
        "name": name,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": [{"key": key, "value": _value(value)} for key, value in has.items()],
        "status": {"code": 1},
    }


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def _id(number: int) -> str:
    return f"{number + 1:016x}"


def _requests(spans: Sequence[dict[str, Any]], size: int = 500) -> Iterable[bytes]:
    for at in range(0, len(spans), size):
        yield orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans[at : at + size]}]}]}) + b"\n"


def _fill(home: Path, file_bytes: int, began: datetime) -> None:
    """Put files of other runs' lines and spans behind the run's, all of its time, so that each has to be looked through."""
    for name in ("logs.jsonl", "traces.jsonl"):
        own = (home / name).read_bytes()
        other = (
            own.replace(_TRACE.encode(), _OTHER.encode())
            .replace(f'"run_id":{RUN},'.encode(), f'"run_id":{_OTHER_RUN},'.encode())
            .replace(b"a/b", b"c/d")
        )
        repeated = other * max(1, file_bytes // len(other))
        for number in range(1, _FULL_FILES - 1):
            (home / f"{name}.{number}").write_bytes(repeated)
        (home / f"{name}.{_FULL_FILES - 1}").write_bytes(own + repeated)  # the last that is looked through
        (home / name).write_bytes(repeated)
