"""A person names a run, a task, a trace or context, and gets its lines and spans."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.console.lookup import (
    NotFoundError,
    Query,
    find_lines,
    find_run,
    latest_run,
    one_trace,
    parse,
    trace_ids,
    trace_of_task,
)
from apps.integrations.models import PipelineRun
from apps.teams.models import Team
from telemetry.reading import Files

TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER = "1bf7651916cd43dd8448eb211c80319d"
TASK = "98d7c37e-a1b9-41e0-b7ac-755d5189d370"


def run(team: Team, *, task: str = TASK, trace: str = TRACE, follows: PipelineRun | None = None) -> PipelineRun:
    """Make a run that stands in the database."""
    return PipelineRun.objects.create(
        team=team,
        kind="recent" if follows is None else "backfill",
        phase="syncing",
        task_id=task,
        follows=follows,
        traceparent=f"00-{trace}-b7ad6b7169203331-01",
        started_ns=1,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def line(second: int, event: str, level: str = "info", **fields: Any) -> bytes:
    """Return a line of a file of lines."""
    stamp = f"2026-01-01T00:00:{second:02}.000000Z"
    return orjson.dumps({"timestamp": stamp, "level": level, "event": event, **fields}) + b"\n"


@pytest.fixture
def team(db: None) -> Team:
    """Make a team to own the runs."""
    return Team.objects.create(slug="bakers", name="Bakers")


def test_a_run_brings_the_runs_that_follow_it(team: Team) -> None:
    """The lines of a backfill are asked for by the number of the run it follows."""
    first = run(team)
    second = run(team, trace=OTHER, follows=first)
    assert parse(str(first.pk)) == Query("run_id", frozenset({str(first.pk), str(second.pk)}))
    assert trace_ids(first) == (TRACE, {OTHER: f"run {second.pk}, backfill, running"})
    assert trace_ids(second) == (OTHER, {TRACE: f"run {first.pk}, which it follows"})


def test_a_run_is_found_by_number_task_and_trace(team: Team) -> None:
    """And the latest recent run when nothing is named."""
    first = run(team)
    second = run(team, trace=OTHER, follows=first)
    assert find_run(str(second.pk)) == second
    assert find_run(OTHER) == second
    assert latest_run() == first
    assert find_run("f" * 32) is None


def test_a_task_that_started_a_run_finds_phase_1(team: Team) -> None:
    """Backfills carry the same task's id; the one it started is meant."""
    first = run(team)
    run(team, trace=OTHER, follows=first)
    assert find_run(TASK) == first


def test_ids_and_context_are_told_apart() -> None:
    """By their shape alone."""
    assert parse(TRACE) == Query("trace_id", frozenset({TRACE}))
    assert parse(TASK) == Query("task_id", frozenset({TASK}))
    assert parse("repo_id=7") == Query("repo_id", frozenset({"7"}))


def test_context_that_means_one_trace_is_taken_for_it() -> None:
    """Other context has many, and the lines tell them apart."""
    assert [one_trace(name) for name in ("7", "run_id=7", f"task_id={TASK}")] == ["7", "7", TASK]
    with pytest.raises(NotFoundError, match="`logs team_id=7` prints its lines"):
        one_trace("team_id=7")


def test_what_is_no_name_is_said_to_be_none(team: Team) -> None:
    """A run that is not there is answered with those that are."""
    first = run(team)
    with pytest.raises(NotFoundError, match=f"no run 999999.*{first.pk}"):
        parse("999999")
    with pytest.raises(NotFoundError, match="no run number"):
        parse("color=red")


@pytest.mark.parametrize("command", ["trace", "logs"])
def test_both_commands_say_what_is_no_name(command: str, team: Team) -> None:
    """In the same words, whatever the name is."""
    with pytest.raises(CommandError, match="There is no run yet"):
        call_command(command)
    first = run(team)
    with pytest.raises(CommandError, match=f"no run 999999.*{first.pk}"):
        call_command(command, "999999")
    with pytest.raises(CommandError, match="'nonsense' is no run number"):
        call_command(command, "nonsense")


def test_logs_without_a_name_are_those_of_the_latest_run(team: Team, tmp_path: Path, settings: Settings) -> None:
    """With the runs that follow it; a level may be written as lines of other programs have it."""
    settings.SYNCTRACE_LOG_FILE = tmp_path / "logs.jsonl"
    first, second = run(team, task="before"), run(team)
    following = run(team, trace=OTHER, follows=second)
    written = [line(at, f"of {one.pk}", "warning", run_id=one.pk) for at, one in enumerate((first, second, following))]
    (tmp_path / "logs.jsonl").write_bytes(b"".join(written) + line(3, "quiet", run_id=second.pk))
    out = StringIO()
    call_command("logs", "--level", "WARNING", stdout=out)
    found = [orjson.loads(told)["event"] for told in out.getvalue().splitlines()]
    assert found == [f"of {second.pk}", f"of {following.pk}"]


def test_lines_come_in_time_order_with_those_set_aside(tmp_path: Path) -> None:
    """A rotated file's lines too, filtered by event and level."""
    (tmp_path / "logs.jsonl.1").write_bytes(
        line(1, "sync.repo.started", run_id=1) + line(3, "sync.db.write", "debug", run_id=1)
    )
    (tmp_path / "logs.jsonl").write_bytes(line(2, "sync.api.rate_wait", "warning", run_id=1) + line(4, "hello", run_id=2))
    query = Query("run_id", frozenset({"1"}))

    def events(**chosen: str) -> list[str]:
        return [found["event"] for found in find_lines(Files(lines=tmp_path / "logs.jsonl"), query, **chosen)]

    assert events() == ["sync.repo.started", "sync.api.rate_wait", "sync.db.write"]
    assert events(level="info") == ["sync.repo.started", "sync.api.rate_wait"]
    assert events(event="sync.api.*") == ["sync.api.rate_wait"]


def test_a_fragment_of_an_id_finds_nothing(team: Team) -> None:
    """A trace is named whole, or it might be another's."""
    run(team)
    assert find_run(TRACE[:6]) is None
    assert find_run("9" * 30) is None


def test_a_task_inside_a_run_leads_to_its_trace(tmp_path: Path) -> None:
    """Its spans say so: the run's row knows only the task that started it."""
    attributes = [{"key": "task_id", "value": {"stringValue": TASK}}]
    span = {"name": "run/x", "traceId": TRACE, "spanId": "b" * 16, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [{**span, "attributes": attributes}]}]}]}
    (tmp_path / "traces.jsonl").write_bytes(orjson.dumps(request) + b"\n")
    assert trace_of_task(Files(traces=tmp_path / "traces.jsonl"), TASK) == TRACE
    assert trace_of_task(Files(traces=tmp_path / "traces.jsonl"), "another") is None


def test_the_files_that_the_settings_name_are_read(team: Team, tmp_path: Path, settings: Settings) -> None:
    """Wherever they are."""
    one = run(team)
    lines, traces = tmp_path / "my lines", tmp_path / "my spans"
    settings.SYNCTRACE_LOG_FILE, settings.SYNCTRACE_TRACES_FILE = lines, traces
    lines.write_bytes(line(1, "sync.pipeline.started", run_id=one.pk))
    span = {"name": "sync.pipeline", "traceId": TRACE, "spanId": "b" * 16, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    traces.write_bytes(orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}) + b"\n")
    logs, trace = StringIO(), StringIO()
    call_command("logs", str(one.pk), stdout=logs)
    call_command("trace", str(one.pk), stdout=trace)
    assert orjson.loads(logs.getvalue())["event"] == "sync.pipeline.started"
    assert "sync.pipeline" in trace.getvalue()
    settings.SYNCTRACE_TRACES_FILE = None
    with pytest.raises(CommandError, match="the environment names no file of spans"):
        call_command("trace", str(one.pk))
    settings.SYNCTRACE_LOG_FILE = None
    with pytest.raises(CommandError, match="the environment names no file of lines"):
        call_command("logs", str(one.pk))


def test_the_environment_names_the_files(program_environment: dict[str, str], tmp_path: Path) -> None:
    """By the application's own prefix, or in its home."""
    show = "from django.conf import settings as s; print(s.SYNCTRACE_LOG_FILE, s.SYNCTRACE_TRACES_FILE)"
    environment = {**program_environment, "SYNC_TRACES_FILE": str(tmp_path / "my spans")}
    command = [sys.executable, "-c", show]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert printed == f"{program_environment['SYNCTRACE_HOME']}/logs.jsonl {tmp_path / 'my spans'}\n"
