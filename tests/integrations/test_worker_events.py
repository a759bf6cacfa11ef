"""A real worker says of itself what happened to it: each event by the real thing, with exactly its fields."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from redis import Redis

from apps.github_simulator.testing import simulator
from apps.integrations.models import ApiLane, PipelineRun, RepoSync
from apps.integrations.tasks import start_pipeline
from telemetry.reading import read_lines
from tests.acceptance.worker import wait_until, worker
from tests.integrations.syncing import tracked

NAME = "synthetic/repo-0"
SETTINGS = {"SYNC_SWEEP_SECONDS": "0.5", "SYNC_REQUEST_SECONDS": "1.5", "SYNC_STALE_SECONDS": "6"}
pytestmark = pytest.mark.django_db(transaction=True)


def _lines(environment: dict[str, str], event: str) -> list[dict[str, Any]]:
    file = Path(environment["SYNCTRACE_HOME"]) / "logs.jsonl"
    return [line for line in read_lines(file) if line["event"] == event] if file.exists() else []


def _fields(line: dict[str, Any]) -> set[str]:
    """Return a line's own fields, without those that every line may have."""
    return line.keys() - {"timestamp", "level", "event", "trace_id", "span_id", "trace_flags"}


def _held_lanes() -> QuerySet[ApiLane]:
    """Return the lanes of accounts that somebody holds to ask for a repository, rather than to connect."""
    return ApiLane.objects.exclude(holder=None).exclude(account__endswith="/(connecting)")


def _cut_broker(url: str) -> None:
    """Cut each connection to this test's own database of the broker."""
    with Redis.from_url(url.replace("redis+socket", "unix").replace("virtual_host", "db")) as broker:
        own = url.partition("virtual_host=")[2].partition("&")[0]
        for client in broker.client_list():
            if client["db"] == own and client["id"] != str(broker.client_id()):
                broker.client_kill_filter(_id=client["id"])


def _cut_database() -> None:
    """Cut each other connection to this test's database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.slow
def test_a_worker_says_that_it_started_lost_its_servers_and_drained(
    program_environment: dict[str, str], broker_url: str
) -> None:
    """Each event once, in this order, by the same worker's name."""
    environment = {**program_environment, **SETTINGS}
    with simulator(synthetic=12) as github, worker(environment, children=1) as program:
        wait_until(lambda: _lines(environment, "sync.worker.started") != [])
        _cut_broker(broker_url)
        wait_until(lambda: _lines(environment, "sync.broker.back") != [])
        repository = tracked(github, NAME)
        github.add_faults({"fault": "delay", "match": {"operation": "PullRequests"}, "delay_ms": 1_000})
        start_pipeline.delay(repository.team_id, [repository.pk], days=None)
        wait_until(lambda: _held_lanes().exists())
        _cut_database()
        wait_until(lambda: _lines(environment, "sync.database.back") != [])
        wait_until(lambda: PipelineRun.objects.filter(state="completed").exists())
        os.kill(program.pid, signal.SIGTERM)
        wait_until(lambda: program.returncode is not None)
    (started,) = _lines(environment, "sync.worker.started")
    assert (started["level"], started["processes"], started["queues"]) == ("info", 1, "background,sweep,sync")
    (lost,), (back,) = _lines(environment, "sync.broker.lost"), _lines(environment, "sync.broker.back")
    assert (lost["level"], lost["worker"], back["worker"]) == ("warning", started["worker"], started["worker"])
    assert 0 < back["away_sec"] < 30
    (gone, *_) = _lines(environment, "sync.database.lost")
    assert any(said in gone["error"] for said in ("terminating connection", "connection is closed"))
    assert (gone["level"], _fields(gone)) == ("warning", {"error", "team_id", "repo_id", "run_id", "task_id"})
    (drained,) = _lines(environment, "sync.worker.drained")
    assert (drained["worker"], _fields(drained)) == (started["worker"], {"worker", "drain_sec"})
    assert _lines(environment, "sync.worker.killed") == []


@pytest.mark.slow
def test_what_a_killed_process_held_is_said_in_its_runs_trace(program_environment: dict[str, str]) -> None:
    """By the process that started it, with the ids of the repository; its lane is found without its holder."""
    environment = {**program_environment, **SETTINGS}
    with simulator(synthetic=12) as github, worker(environment, children=1):
        repository = tracked(github, NAME)
        github.add_faults({"fault": "delay", "delay_ms": 1_500})
        start_pipeline.delay(repository.team_id, [repository.pk], days=None)
        wait_until(lambda: _held_lanes().exists())
        lane = _held_lanes().get()
        holder = lane.holder or ""
        os.kill(int(holder.rpartition(":")[2]), signal.SIGKILL)
        wait_until(lambda: PipelineRun.objects.filter(state="completed").exists())
    run, row = PipelineRun.objects.get(), RepoSync.objects.get()
    (killed,) = _lines(environment, "sync.worker.killed")
    assert (killed["level"], killed["task_name"]) == ("warning", "apps.integrations.tasks.sync_repository")
    assert killed["cause"] == "signal 9 (SIGKILL)"
    assert (killed["team_id"], killed["repo_id"], killed["run_id"]) == (row.run.team_id, repository.pk, run.pk)
    assert killed["trace_id"] == run.traceparent.split("-")[1]
    assert _fields(killed) == {"worker", "task_name", "task_id", "cause", "team_id", "repo_id", "run_id"}
    (taken,) = _lines(environment, "sync.lane.taken_over")
    assert (taken["level"], taken["account"], taken["holder"]) == ("warning", lane.account, holder)
    assert 0 < taken["overdue_sec"] < 60
