"""A person names a run, a repository, a task, a trace or a team, and gets its lines, its spans or a list of runs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.console.log_lines import Wanted, find_lines, of_all_runs, of_run
from apps.console.lookup import NotFoundError, asked_by, choose, one_to, trace_ids, trace_of_task
from apps.explain.known_runs import Asked, Register
from apps.explain.runs_in_lines import Lines
from apps.explain.runs_in_rows import Rows
from apps.integrations.models import PipelineRun, RepoSync
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from telemetry.reading import Files, Memory

TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER = "1bf7651916cd43dd8448eb211c80319d"
TASK = "98d7c37e-a1b9-41e0-b7ac-755d5189d370"
NOTHING = Memory()
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def run(
    team: Team,
    *names: str,
    state: str = "completed",
    task: str | None = None,
    trace: str = TRACE,
    follows: PipelineRun | None = None,
    failed: str = "",
    began: datetime = BEGAN,
) -> PipelineRun:
    """Make a run over these repositories that stands in the database; the one that `failed` is the only one not synced."""
    made = PipelineRun.objects.create(
        team=team,
        kind="recent" if follows is None else "backfill",
        state=state,
        phase="syncing",
        task_id=task,
        follows=follows,
        traceparent=f"00-{trace}-b7ad6b7169203331-01",
        started_ns=1,
        started_at=began,
        ended_at=None if state == "running" else began + timedelta(seconds=95.6),
    )
    connection, _ = GitHubConnection.objects.get_or_create(team=team, defaults={"account": f"api.github.com/{team.slug}"})
    for name in names:
        repository, _ = TrackedRepository.objects.get_or_create(
            team=team, full_name=name, defaults={"connection": connection}
        )
        is_failed = name == failed
        RepoSync.objects.create(
            run=made,
            repository=repository,
            connection=connection,
            is_backfill=follows is not None,
            state="failed" if is_failed else "running" if state == "running" else "completed",
            disposition="" if state == "running" else "forbidden" if is_failed else "synced",
            error_type="unauthorized" if is_failed else "",
            error_msg="GitHub: 401: Bad credentials" if is_failed else "",
            due_at=began,
        )
    return made


def line(second: int, event: str, level: str = "info", **fields: Any) -> bytes:
    """Return a line of a file of lines."""
    stamp = f"2026-01-01T00:00:{second:02}.000000Z"
    return orjson.dumps({"timestamp": stamp, "level": level, "event": event, **fields}) + b"\n"


def listed(*arguments: str) -> list[int]:
    """Return the numbers of the runs that `runs` lists."""
    out = StringIO()
    call_command("runs", *arguments, "--format", "json", stdout=out)
    return [json.loads(one)["run"] for one in out.getvalue().splitlines()]


@pytest.fixture
def team(db: None) -> Team:
    """Make a team to own the runs."""
    return Team.objects.create(slug="bakers", name="Bakers")


@pytest.fixture
def others(db: None) -> Team:
    """Make another team."""
    return Team.objects.create(slug="millers", name="Millers")


def chosen(name: str | None, register: Register | None = None) -> int:
    """Return the number of the run that a name leads to."""
    return choose(register or Rows(), name, source=NOTHING).run.number


def test_a_run_brings_the_runs_that_follow_it(team: Team) -> None:
    """The lines of a backfill are asked for by the number of the run it follows."""
    first = run(team)
    second = run(team, trace=OTHER, follows=first)
    known = choose(Rows(), str(first.pk), source=NOTHING).run
    assert of_run(Rows(), known, Asked()).fields == {"run_id": frozenset({str(first.pk), str(second.pk)})}
    assert trace_ids(first) == (TRACE, {OTHER: f"run {second.pk}, backfill, completed"})
    assert trace_ids(second) == (OTHER, {TRACE: f"run {first.pk}, which it follows"})


def test_a_run_is_found_by_number_task_and_trace(team: Team) -> None:
    """Backfills carry the id of the task that started all; the run that it started is meant."""
    first = run(team, task=TASK)
    second = run(team, trace=OTHER, follows=first, task=TASK)
    assert [chosen(name) for name in (str(second.pk), f"run_id={second.pk}", OTHER)] == [second.pk] * 3
    assert [chosen(name) for name in (TASK, f"task_id={TASK}", f"trace_id={TRACE}")] == [first.pk] * 3
    with pytest.raises(NotFoundError, match=f"There is no run {'f' * 32}. The latest: {second.pk} .completed., {first.pk}"):
        chosen("f" * 32)


def test_without_a_name_it_is_the_newest_that_is_not_simply_fine(team: Team, others: Team) -> None:
    """Whosever it is; if all are fine the newest recent one, which backfills follow."""
    fine = run(team, "a/fine")
    assert choose(Rows(), None, source=NOTHING).sentence == f"Run {fine.pk} (completed): the only one, and it is fine."
    run(others, "b/fine", follows=fine)
    assert choose(Rows(), None, source=NOTHING).sentence == f"Run {fine.pk} (completed): the newest, and all are fine."
    bad = run(others, "a/bad", "a/good", state="partial", failed="a/bad")
    run(team, "a/fine")
    choice = choose(Rows(), None, source=NOTHING)
    assert choice.sentence == f"Run {bad.pk} (partial): the newest that is not simply fine."
    hole = run(team, "a/fine")
    RepoSync.objects.filter(run=hole).update(gaps=[{"pull_request": 7, "list": "files", "stored": 1, "total": 2}])
    assert chosen(None) == hole.pk


def test_a_name_of_several_runs_chooses_one_and_lists_the_others(team: Team, others: Team) -> None:
    """A repository's run is one in which that repository is not fine; upper and lower case are the same."""
    old = run(team, "a/one", "a/two", state="partial", failed="a/two")
    mixed = run(team, "a/one", "a/two", state="partial", failed="a/one")
    theirs = run(others, "a/two")
    choice = choose(Rows(), "A/two", source=NOTHING)
    others_of_it = f"Others: run {theirs.pk} (completed), run {mixed.pk} (partial)."
    assert choice.sentence == f"Run {old.pk} (partial): the newest that is not simply fine. {others_of_it}"
    assert chosen("https://github.com/a/one/pulls") == mixed.pk
    assert [chosen(name) for name in ("team=millers", f"team_id={others.pk}", "repository=a/two")] == [
        theirs.pk,
        theirs.pk,
        old.pk,
    ]
    with pytest.raises(NotFoundError, match=r"There is no run of team=nobody. The latest: "):
        chosen("team=nobody")


def test_who_acts_on_a_run_is_asked_for_its_number_where_several_fit(team: Team, others: Team) -> None:
    """One that cannot be acted on does not count."""
    running = frozenset({"running", "waiting"})
    run(team, "a/one")
    first = run(team, "a/one", state="running")
    assert one_to("cancel", Rows(), "a/one", states=running, source=NOTHING).number == first.pk
    second = run(others, "a/one", state="running")
    there = rf"run {second.pk} \(running, a/one\), run {first.pk} \(running, a/one\)"
    with pytest.raises(NotFoundError, match=rf"a/one fits several runs. There are: {there}. Name the number of the one to"):
        one_to("cancel", Rows(), "a/one", states=running, source=NOTHING)
    assert one_to("cancel", Rows(), "team=millers", states=running, source=NOTHING).number == second.pk
    with pytest.raises(NotFoundError, match=r"There is no run of a/none to cancel. There is none at all."):
        one_to("cancel", Rows(), "a/none", states=running, source=NOTHING)


def test_what_is_no_name_is_said_to_be_none(team: Team) -> None:
    """A run that is not there is answered with those that are."""
    first = run(team)
    with pytest.raises(NotFoundError, match=f"no run 999999.*{first.pk}"):
        chosen("999999")
    with pytest.raises(NotFoundError, match="not a run number"):
        asked_by("color=red")
    with pytest.raises(NotFoundError, match="team_id=x is not a number: write it as team_id=7"):
        asked_by("team_id=x")
    with pytest.raises(NotFoundError, match="is not a repository's name"):
        asked_by("a/b/c d")
    for no_text in ("team=\udcff", "a/\ud800", "team=a\x00"):
        with pytest.raises(NotFoundError, match="names nothing: it holds a NUL or bytes"):
            asked_by(no_text)


@pytest.mark.parametrize("command", ["trace", "logs"])
def test_both_commands_say_what_is_no_name(command: str, team: Team) -> None:
    """In the same words, whatever the name is."""
    with pytest.raises(CommandError, match="There is no run yet"):
        call_command(command)
    first = run(team)
    with pytest.raises(CommandError, match=f"no run 999999.*{first.pk}"):
        call_command(command, "999999")
    with pytest.raises(CommandError, match="'nonsense' is not a run number"):
        call_command(command, "nonsense")


def test_runs_are_listed_newest_first_with_why_they_are_not_fine(team: Team, others: Team) -> None:
    """A run with a failed repository is partial; what is asked for narrows the list."""
    first = run(team, "a/one", "a/two", state="partial", failed="a/two")
    second = run(others, "b/three", began=BEGAN + timedelta(days=3))
    out = StringIO()
    call_command("runs", stdout=out)
    assert out.getvalue().splitlines() == [
        "run  state      began (UTC)         took  what",
        f"{second.pk:>3}  completed  2026-01-04 00:00  95.6 s  b/three  team millers",
        f"{first.pk:>3}  partial    2026-01-01 00:00  95.6 s  a/one, a/two  team bakers",
        "                                          a/two: GitHub: 401: Bad credentials",
    ]
    assert listed() == [second.pk, first.pk]
    assert (
        listed("--failed") == listed("--team", "bakers") == listed("--repository", "a/t*") == listed("a/one") == [first.pk]
    )
    assert listed("--since", "2026-01-02") == listed("--repository", "three") == listed("team=millers") == [second.pk]
    assert listed("--team", "nobody") == listed("--failed", "--team", "millers") == []
    assert listed("--limit", "1") == [second.pk]
    with pytest.raises(CommandError, match="--since '2x' is not a time: write 2d, 12h, 30m"):
        call_command("runs", "--since", "2x")
    for long_ago in ("999999w", "0001-13-01"):
        with pytest.raises(CommandError, match=f"--since '{long_ago}' is not a time"):
            call_command("runs", "--since", long_ago)
    for limit in ("0", "1000001", "9" * 30):
        with pytest.raises(CommandError, match="--limit must be 1 or more, up to 1000000"):
            call_command("runs", "--limit", limit)
    assert listed("--limit", "1000000") == listed()


def test_lines_alone_tell_of_runs(team: Team, tmp_path: Path) -> None:
    """Where no database answers: state, repositories and why, as far as it was written."""
    of_first: dict[str, Any] = {"run_id": 1, "team_id": 4, "trace_id": TRACE, "task_id": TASK}
    of_second: dict[str, Any] = {"run_id": 2, "team_id": 5, "trace_id": OTHER}
    (tmp_path / "lines").write_bytes(
        line(1, "sync.pipeline.started", **of_first, phase="syncing")
        + line(2, "sync.repo.started", **of_first, repo_id=7, full_name="a/one")
        + line(2, "sync.repo.started", **of_first, repo_id=8, full_name="a/two")
        + line(3, "sync.repo.failed", "error", **of_first, repo_id=7, error_msg="GitHub: 401")
        + line(4, "sync.repo.completed", **of_first, repo_id=8)
        + line(5, "sync.pipeline.started", **of_second, phase="syncing")
        + line(6, "sync.pipeline.completed", **of_first, duration_sec=5.5)
    )
    register = Lines(Files(lines=tmp_path / "lines"))
    second, first = register.runs(Asked())
    assert (first.number, first.state, first.names, first.cause) == (1, "partial", "a/one, a/two", "a/one: GitHub: 401")
    assert (first.duration_sec, first.task_id, first.trace_id) == (5.5, TASK, TRACE)
    assert (second.number, second.state, second.cause) == (2, "silent", "no line says how it ended")
    assert [chosen(name, register) for name in (None, "a/two", "team_id=4", TASK, "2")] == [2, 1, 1, 1, 2]
    with pytest.raises(NotFoundError, match="in the database, which does not answer: name the team as team_id=N"):
        chosen("team=bakers", register)


@pytest.mark.parametrize(("phase", "kind"), [("syncing", "recent"), ("background_syncing", "backfill")])
def test_lines_alone_tell_backfills_from_recent_runs(tmp_path: Path, phase: str, kind: str) -> None:
    """By the phase that they began in, since the line of their end names none."""
    of_run: dict[str, Any] = {"run_id": 1, "team_id": 4, "trace_id": TRACE}
    (tmp_path / "lines").write_bytes(
        line(1, "sync.pipeline.started", **of_run, phase=phase)
        + line(6, "sync.pipeline.completed", **of_run, duration_sec=5.5)
    )
    (found,) = Lines(Files(lines=tmp_path / "lines")).runs(Asked())
    assert (found.kind, found.state) == (kind, "completed")


@pytest.mark.parametrize("name", ["2", OTHER, TASK])
def test_of_lines_those_of_the_named_run_are_parsed_alone(tmp_path: Path, name: str) -> None:
    """Full files tell of many thousand runs."""
    named: dict[str, Any] = {"run_id": 2, "team_id": 5, "trace_id": OTHER}
    (tmp_path / "lines").write_bytes(
        b"".join(line(1, "sync.pipeline.started", run_id=20 + one, team_id=4, trace_id=TRACE) for one in range(100))
        + line(2, "sync.pipeline.started", **named, task_id=TASK)
        + line(3, "sync.pipeline.completed", **named, duration_sec=5.5)
    )
    register = Lines(Files(lines=tmp_path / "lines"))
    with patch.object(orjson, "loads", wraps=orjson.loads) as parsed:
        assert chosen(name, register) == 2
    assert parsed.call_count < 10


def test_logs_without_a_name_are_those_of_the_run_that_is_meant(
    team: Team, others: Team, tmp_path: Path, settings: Settings
) -> None:
    """Not of the latest, which is another's; with the runs that follow it, and a level as other programs write it."""
    settings.SYNCTRACE_LOG_FILE = tmp_path / "logs.jsonl"
    failed = run(team, "a/one", state="failed", failed="a/one")
    following = run(team, "a/one", trace=OTHER, follows=failed)
    latest = run(others, "b/two")
    repo_id = TrackedRepository.objects.get(full_name="a/one").pk
    written = [line(at, f"of {one.pk}", "warning", run_id=one.pk) for at, one in enumerate((failed, following, latest))]
    of_one = line(4, "of a/one", "error", run_id=failed.pk, repo_id=repo_id)
    (tmp_path / "logs.jsonl").write_bytes(b"".join(written) + line(3, "quiet", run_id=failed.pk) + of_one)

    def events(*arguments: str) -> list[str]:
        out, remark = StringIO(), StringIO()
        call_command("logs", *arguments, stdout=out, stderr=remark)
        assert ("that is not simply fine" in remark.getvalue()) is (not arguments or arguments[0] in ("--level", "a/one"))
        return [orjson.loads(told)["event"] for told in out.getvalue().splitlines()]

    assert events("--level", "WARNING") == [f"of {failed.pk}", f"of {following.pk}", "of a/one"]
    assert events("a/one") == ["of a/one"]
    assert events(str(latest.pk)) == [f"of {latest.pk}"]
    everything = [f"of {failed.pk}", f"of {following.pk}", f"of {latest.pk}", "quiet", "of a/one"]
    assert events("--run", "all") == everything
    with pytest.raises(CommandError, match=rf"No line of run {latest.pk} .* is of --level error. `--run all` looks through"):
        call_command("logs", str(latest.pk), "--level", "error")


def test_all_runs_of_a_repository_or_team_are_found_by_their_numbers(team: Team, others: Team) -> None:
    """Lines carry these, and no names."""
    run(team, "a/one", "a/two")
    run(others, "a/one")
    ids = {str(pk) for pk in TrackedRepository.objects.filter(full_name="a/one").values_list("pk", flat=True)}
    assert of_all_runs(Rows(), Asked(repository="a/one")).fields == {"repo_id": ids}
    assert of_all_runs(Rows(), Asked(team="millers")).fields == {"team_id": {str(others.pk)}}
    assert of_all_runs(Rows(), Asked(repo_id=7)).fields == {"repo_id": {"7"}}
    assert of_all_runs(Rows(), Asked()).fields == {}


def test_lines_come_in_time_order_with_those_set_aside(tmp_path: Path) -> None:
    """A rotated file's lines too, filtered by event and level."""
    (tmp_path / "logs.jsonl.1").write_bytes(
        line(1, "sync.repo.started", run_id=1) + line(3, "sync.db.write", "debug", run_id=1)
    )
    (tmp_path / "logs.jsonl").write_bytes(line(2, "sync.api.rate_wait", "warning", run_id=1) + line(4, "hello", run_id=2))
    wanted = Wanted({"run_id": frozenset({"1"})})

    def events(**chosen: str) -> list[str]:
        return [found["event"] for found in find_lines(Files(lines=tmp_path / "logs.jsonl"), wanted, **chosen)]

    assert events() == ["sync.repo.started", "sync.api.rate_wait", "sync.db.write"]
    assert events(level="info") == ["sync.repo.started", "sync.api.rate_wait"]
    assert events(event="sync.api.*") == ["sync.api.rate_wait"]


def test_a_fragment_of_an_id_finds_nothing(team: Team) -> None:
    """A trace is named whole, or it might be another's."""
    run(team)
    for name in (TRACE[:6], "9" * 30):
        with pytest.raises(NotFoundError):
            chosen(name)


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
