"""A run is called off by Ctrl-C or from elsewhere while GitHub says nothing, and taken up again where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from apps.github_simulator.testing import simulator
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.integrations.tasks import start_pipeline
from apps.repositories.models import TrackedRepository
from telemetry.reading import Span, read_lines, read_spans
from tests.acceptance.worker import wait_until, worker
from tests.integrations.syncing import held, stored, tracked

NAME = "synthetic/repo-0"
CHECKOUT = Path(__file__).resolve().parents[2]
SILENT: dict[str, Any] = {"fault": "delay", "match": {"operation": "PullRequests"}, "nth": 4, "times": 1, "delay_ms": 70_000}
PATIENT = {"SYNC_REQUEST_SECONDS": "100", "SYNC_STALE_SECONDS": "200"}
pytestmark = pytest.mark.django_db(transaction=True)


def _manage(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # our own command
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _done(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    program = _manage(environment, *arguments)
    said, _ = program.communicate(timeout=60)
    return program.returncode, said


def _waits_for_its_answer(repository: TrackedRepository) -> bool:
    """Whether a page is stored, and the request for the next one is under way."""
    if not RepoSync.objects.filter(repository=repository, prs_done__gt=0).exists():
        return False
    time.sleep(0.5)
    return True


def _spans(home: Path, run: PipelineRun) -> list[Span]:
    return [span for span in read_spans(home / "traces.jsonl") if span.attributes.get("run_id") == run.pk]


@pytest.mark.slow
def test_a_run_is_cancelled_from_elsewhere_and_resumed_at_its_cursor(program_environment: dict[str, str]) -> None:
    """Within seconds its attempt is over, its lane free and another team's run at work; the new run reads the rest alone."""
    environment = {**program_environment, "SYNC_SWEEP_SECONDS": "1", "SYNC_LOG_LEVEL": "DEBUG", **PATIENT}
    home = Path(environment["SYNCTRACE_HOME"])
    with simulator(synthetic=120) as github, worker(environment, children=3):
        ours, others = tracked(github, NAME), tracked(github, NAME, slug="smiths", token="another-token")
        github.add_faults({**SILENT, "match": {**SILENT["match"], "account": github.account_of("ghp_" + "s" * 36)}})
        start_pipeline.delay(ours.team_id, [ours.pk], days=None)
        wait_until(lambda: _waits_for_its_answer(ours))
        start_pipeline.delay(others.team_id, [others.pk], days=None)
        run = PipelineRun.objects.get(team=ours.team_id)
        asked = len(github.requests())
        code, said = _done(environment, "cancel", str(run.pk))
        assert (code, f"Cancelled run {run.pk}" in said, f"resume {run.pk}" in said) == (0, True, True), said
        lane = ApiLane.objects.filter(account=ours.connection.account)
        wait_until(lambda: lane.filter(holder=None).exists(), seconds=10)
        wait_until(lambda: _has_span(home, run, "sync.repo"), seconds=10)
        row = run.repo_syncs.get()
        assert (row.state, row.standing, row.error_type) == ("cancelled", "cancelled", "cancelled")
        assert not Admission.objects.filter(repo_sync__run=run).exists()
        mine = [each for each in github.requests()[asked:] if each.account == github.account_of("ghp_" + "s" * 36)]
        assert mine == []
        for wrong, why in ((run.pk, "is cancelled"), (987654, "There is no run 987654")):
            code, said = _done(environment, "cancel", str(wrong))
            assert (code, why in said) == (1, True), said
        wait_until(lambda: PipelineRun.objects.filter(team=others.team_id, state="completed").exists())
        code, said = _done(environment, "resume", str(run.pk))
        assert code == 0, said
        code, said = _done(environment, "resume", str(run.pk))
        assert (code, "was resumed already, as run" in said) == (1, True), said
        again = PipelineRun.objects.get(follows=run)
        code, said = _done(environment, "resume", str(again.pk))
        assert (code, "is completed" in said) == (1, True), said
        there = held(github, NAME)
        wait_until(lambda: PipelineRun.objects.filter(pk=again.pk).exclude(exported_at=None).exists())
    assert stored(ours) == stored(others) == there
    run.refresh_from_db()
    assert (run.state, "@" in run.cancelled_by, again.state, "@" in again.resumed_by) == (
        "cancelled",
        True,
        "completed",
        True,
    )
    assert again.repo_syncs.get().requests < PipelineRun.objects.get(team=others.team_id).repo_syncs.get().requests
    old, new = _spans(home, run), _spans(home, again)
    ended = {span.name: span.outcome for span in old if span.name in ("sync.pipeline", "sync.repo")}
    assert ended == {"sync.pipeline": "cancelled", "sync.repo": "cancelled"}
    (abandoned,) = [span for span in old if span.name == "sync.api.graphql" and span.outcome != "completed"]
    assert run.ended_at is not None
    assert abandoned.outcome == "cancelled"
    assert abandoned.end_ns / 1e9 - run.ended_at.timestamp() < 3
    (first,) = [span for span in old if span.name == "sync.pipeline"]
    (root,) = [span for span in new if span.name == "sync.pipeline"]
    assert root.trace_id != first.trace_id
    linked = {link for span in new if span.name == "sync.run.link" for link in span.links}
    assert (first.trace_id, first.span_id) in linked
    lines = [line for line in read_lines(home / "logs.jsonl") if line["event"].startswith("sync.run.")]
    assert [(line["event"], line["run_id"], line["by"]) for line in lines] == [
        ("sync.run.cancelled", run.pk, run.cancelled_by),
        ("sync.run.resumed", again.pk, again.resumed_by),
    ]


def _has_span(home: Path, run: PipelineRun, name: str) -> bool:
    return any(span.name == name for span in _spans(home, run))


def _waited_for_processor(pid: int) -> float:
    """Return for how many seconds a process was ready and others had the processors, where that can be known."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:  # no Linux
        return 0.0


@pytest.mark.slow
def test_ctrl_c_gives_the_prompt_back_and_asks_for_nothing_more(program_environment: dict[str, str], tmp_path: Path) -> None:
    """On servers of its own, with a worker of its own, while GitHub does not answer; the next sync waits for nobody."""
    own = {name: value for name, value in program_environment.items() if name not in ("DATABASE_URL", "CELERY_BROKER_URL")}
    environment = {**own, "GITHUB_TOKEN": "ghp_" + "c" * 36, "SYNCTRACE_HOME": str(tmp_path / "home"), **PATIENT}
    with simulator(synthetic=120) as github:
        github.add_faults(SILENT)
        program = _manage(environment, "sync", NAME, "--all", "--api-url", github.url)
        wait_until(lambda: sum(each.operation == "PullRequests" for each in github.requests()) >= 3, seconds=100)
        time.sleep(1.0)  # it has stored that page, and waits for the next
        began, waited = time.monotonic(), _waited_for_processor(program.pid)
        program.send_signal(signal.SIGINT)
        end = os.WEXITED | os.WNOWAIT | os.WNOHANG
        wait_until(lambda: os.waitid(os.P_PID, program.pid, end) is not None, seconds=30)
        took = time.monotonic() - began - (_waited_for_processor(program.pid) - waited)
        said, _ = program.communicate()
        assert (program.returncode, "Cancelled run 1." in said, "resume 1" in said) == (130, True, True), said
        assert took < 3, said  # its request alone would take over a minute
        asked = len(github.requests())
        code, said = _done(environment, "resume", "1")
        assert code == 0, said
        assert len(github.requests()) > asked
        assert f"{len(github.repository(NAME).pull_requests)} pull requests" in said
