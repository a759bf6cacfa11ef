"""Two machines whose clocks are five minutes apart work at the same runs, by the database's clock alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from apps.github_simulator.testing import simulator
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.tasks import start_pipeline
from apps.processes import Program
from telemetry.reading import read_lines
from tests.acceptance.worker import wait_until, worker
from tests.integrations.syncing import tracked

NAME = "synthetic/repo-0"
COMPILER = shutil.which("cc")
TEAMS = [f"team-{number}" for number in range(6)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(COMPILER is None or sys.platform != "linux", reason="a wrong clock needs a C compiler, and Linux")
@pytest.mark.slow
def test_nothing_is_dead_early_or_waited_for_too_long(unexplained_environment: dict[str, str], tmp_path: Path) -> None:
    """One waits for GitHub's limit, one is tried again, nobody is found dead, and each run lasts as long as it did.

    Spans go by their machine's own clock, so those of a run do not add up to its time.
    """
    assert COMPILER is not None
    library = tmp_path / "skewed_clock.so"
    source = Path(__file__).with_name("skewed_clock.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)  # ours
    environment = {
        **unexplained_environment,
        "SYNC_SWEEP_SECONDS": "1",
        "SYNC_REQUEST_SECONDS": "10",
        "SYNC_STALE_SECONDS": "20",
        "SYNC_LOG_LEVEL": "DEBUG",
    }
    home = Path(environment["SYNCTRACE_HOME"])
    ahead = {**environment, "LD_PRELOAD": str(library), "SKEW_SECONDS": "300", "SYNCTRACE_HOME": str(home / "ahead")}
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "apps.config",
        "worker",
        "-c",
        "1",
        "-n",
        "ahead@%h",
        "--without-mingle",
    ]
    with simulator(synthetic=30) as github:
        of = {slug: tracked(github, NAME, slug=slug, token=f"token-of-{slug}") for slug in TEAMS}
        account = {slug: github.account_of(f"token-of-{slug}") for slug in TEAMS}
        page = {"operation": "PullRequests"}
        github.add_faults(
            {"fault": "primary_limit", "match": {**page, "account": account[TEAMS[0]]}, "reset_in": 3},
            {"fault": "server_error", "match": {**page, "account": account[TEAMS[1]]}},
        )
        with (
            Program(command, name="ahead", log=home / "ahead.out", environment=ahead),
            worker(environment, children=1),
        ):
            for repository in of.values():
                start_pipeline.delay(repository.team_id, [repository.pk], days=None)
            wait_until(lambda: PipelineRun.objects.filter(state="completed").count() == len(TEAMS), seconds=90)
            wait_until(lambda: PipelineRun.objects.exclude(exported_at=None).count() == len(TEAMS))
    attempts = dict(RepoSync.objects.values_list("run__team__slug", "attempt"))
    assert attempts == {slug: 2 if slug == TEAMS[1] else 1 for slug in TEAMS}
    lines = [line for folder in (home, home / "ahead") for line in read_lines(folder / "logs.jsonl")]
    assert read_lines(home / "ahead" / "logs.jsonl"), "the machine that is ahead has worked too"
    ended = [line for line in lines if line["event"] == "sync.pipeline.completed"]
    assert len(ended) == len(TEAMS)
    assert all(0 < line["duration_sec"] < 120 for line in ended)
    for run in PipelineRun.objects.all():
        assert run.ended_at is not None
        assert 0 < (run.ended_at - run.started_at).total_seconds() < 120
