"""`manage.py sync` prints a result for each repository, and says in a sentence what it cannot do."""

from __future__ import annotations

import json
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from pytest_django import Settings
from rich.console import Console

from apps.console.local_worker import LocalWorker
from apps.console.management.commands import sync
from apps.console.terminal.watching import watch
from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.processes import NotReadyError, Program
from apps.repositories.models import GitHubConnection, TrackedRepository
from telemetry.reading import roots_of
from telemetry.testing import Capture
from tests.acceptance.worker import worker

TOKEN = "ghp_" + "a" * 36


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    settings.SYNCTRACE_EMBEDDED = False


def test_without_a_token_it_says_where_to_put_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment, where no process list shows it."""
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(CommandError, match="environment as GITHUB_TOKEN"):
        call_command("sync", "a/b")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name what to sync"),
        (["libuv"], "OWNER/NAME"),
        (["https://gitlab.com/libuv/libuv"], "an address at gitlab.com, and the API is that of github.com"),
        (["a/b", "--days", "0"], "--days must be 1 or more"),
        (["a/b", "--days", "99999999999"], "up to 36500"),
        (["a/b", "--match", "a*"], "--org ORG"),
        (["a/b", "--api-url", "http://["], "not a URL"),
        (["a/b", "--team", "no such/name"], "not a team's name"),
    ],
)
@pytest.mark.django_db
def test_bad_arguments_are_named(arguments: list[str], said: str) -> None:
    """Before anything is asked of GitHub."""
    with pytest.raises(CommandError, match=said):
        call_command("sync", *arguments)


@pytest.mark.django_db(transaction=True)
def test_a_revoked_token_is_said_to_be_refused() -> None:
    """The sentence says so, does not show it, and nothing is kept."""
    with (
        simulator(synthetic=1, tokens={"another": {"account": "alice", "type": "User"}}) as github,
        pytest.raises(CommandError, match=r"(?i)token") as refused,
    ):
        call_command("sync", "synthetic/repo-0", "--api-url", github.url)
    assert TOKEN not in str(refused.value)
    assert not GitHubConnection.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("owner", "match", "chosen"),
    [("synthetic", "*-1", "synthetic/repo-1"), ("ada", "*", "ada/mine"), ("ADA", "m*", "ada/mine")],
)
@pytest.mark.slow
def test_an_owner_stands_for_its_repositories(
    owner: str, match: str, chosen: str, broker_url: str, monkeypatch: pytest.MonkeyPatch, captrace: Capture
) -> None:
    """An organization's, and a user's, which only a list of all that the token sees tells.

    What the command asks is one trace, in which nothing failed but the command.
    """
    monkeypatch.setattr(sync.Command, "answer_seconds", 0.1)
    with simulator(synthetic=1) as github:
        github.add_synthetic(1, seed=1)
        github.add_synthetic(1, seed=2)
        github.rename("synthetic/repo-2", "ada/mine", to_user=True)
        with pytest.raises(CommandError, match="No worker answers"):
            call_command("sync", "--org", owner, "--match", match, "--api-url", github.url)
    assert TrackedRepository.objects.get().full_name == chosen
    (top,) = roots_of(captrace.spans)
    assert (top.span.name, top.span.attributes["sync.command.name"], top.span.outcome) == ("sync.command", "sync", "failed")
    calls = [child.span for child in top.children]
    assert len(calls) >= 3
    assert {(call.name, call.outcome, call.status) for call in calls} == {("sync.api.rest", "completed", "OK")}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--org", "nobody"], "knows no repositories of 'nobody'"),
        (["--org", "synthetic", "--match", "x*"], r"None of the 1 repositories of synthetic .* is like 'x\*'"),
    ],
)
def test_an_owner_without_such_repositories_is_said(arguments: list[str], said: str) -> None:
    """What was looked for, and where."""
    with simulator(synthetic=1) as github, pytest.raises(CommandError, match=said):
        call_command("sync", *arguments, "--api-url", github.url)


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_no_worker_is_said_within_five_seconds(broker_url: str) -> None:
    """A sync that nobody would do is not sent."""
    with simulator(synthetic=1) as github:
        started = time.monotonic()
        with pytest.raises(CommandError, match="No worker answers"):
            call_command("sync", "synthetic/repo-0", "--api-url", github.url)
        assert time.monotonic() - started < 5


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_died_is_not_waited_for(tmp_path: Path) -> None:
    """There is no other: the one who watches is told."""
    program = Program([sys.executable, "-c", ""], log=tmp_path / "worker.out", ready=lambda: "never")
    with pytest.raises(NotReadyError):
        program.start()
    with pytest.raises(TimeoutError, match=r"worker has died.*worker\.out"):
        watch("nobody", console=Console(file=StringIO()), tend=LocalWorker(program).tend)


def test_the_command_sends_the_sweep_as_often_as_it_is_due(broker_url: str, settings: Settings, tmp_path: Path) -> None:
    """Its own worker has no beat."""
    with current_app.connection_for_read() as broker, broker.SimpleQueue("sweep") as queue:
        queue.clear()
        with Program([sys.executable, "-c", "import time; time.sleep(60)"], log=tmp_path / "worker.out") as program:
            for seconds in (3_600.0, 0.0):
                settings.SYNC_SWEEP_SECONDS = seconds
                own = LocalWorker(program)
                own.tend()
                own.tend()
        sent = [queue.get(timeout=1).headers["task"] for _ in range(queue.qsize())]
    assert sent == ["apps.integrations.tasks.sweep"] * (1 + 2)


@pytest.mark.slow
def test_each_repository_has_its_result(program_environment: dict[str, str], settings: Settings) -> None:
    """Those that are not there, not allowed or not whole fail the command, and the others are complete all the same."""
    settings.SYNCTRACE_TRACES_FILE = Path(program_environment["SYNCTRACE_HOME"]) / "traces.jsonl"
    out = StringIO()
    with simulator(synthetic=12, seed=4) as github, worker({**program_environment, "SYNC_SWEEP_SECONDS": "1"}) as process:
        _prepare(github)
        _until_ready()
        names = ["repo-4", "gone", "repo-5", "repo-6", "repo-7", "repo-8", "repo-9"]
        arguments = [*(f"synthetic/{name}" for name in names), "--all", "--api-url", github.url, "--format", "json"]
        before = github.stats()
        with pytest.raises(SystemExit) as ended:
            call_command("sync", *arguments, stdout=out)
        assert process.returncode is None
        after = github.stats()
        there = github.repository("synthetic/repo-4").pull_requests
    assert ended.value.code == 1
    results = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(each["repository"], each["outcome"], each.get("error_type")) for each in results] == [
        ("synthetic/repo-4", "synced", None),
        ("synthetic/gone", "gone", "not_found"),
        ("synthetic/new-name", "renamed", None),
        ("synthetic/repo-6", "archived", None),
        ("synthetic/repo-7", "forbidden", "sso_required"),
        ("synthetic/repo-8", "forbidden", "ip_not_allowed"),
        ("synthetic/repo-9", "synced", "incomplete_lists"),
    ]
    done, gone, *_, short = results
    assert done["pull_requests"] == len(there)
    assert done["reviews"] == sum(len(one.reviews) for one in there.values())
    assert done["commits"] == sum(len(one.commits) for one in there.values())
    assert done["files"] == sum(len(one.files) for one in there.values())
    assert short["error_msg"] == "GitHub does not list everything: of #1 3000 of 3001 files"
    sent = sum(after["requests"].values()) - sum(before["requests"].values())
    assert sum(each["requests"] for each in results) == sent - 2  # the command asks who it is and what is left
    assert sum(each["points"] for each in results) == after["points"] - before["points"]
    expected = ["repository", "outcome", "pull_requests", "pull_requests_read", "pull_requests_in_all"]
    expected += ["reviews", "commits", "files", "requests", "points"]
    assert list(done) == [*expected, "duration_sec", "trace_id", "time"]
    assert list(gone) == [*expected, "duration_sec", "trace_id", "error_type", "error_msg", "time"]
    (told,) = {json.dumps(each["time"]) for each in results}  # the run's, which is of them all
    assert sum(json.loads(told)["parts"].values()) == pytest.approx(json.loads(told)["wall_sec"])


def _prepare(github: SimulatedGitHub) -> None:
    """Have one repository renamed, one archived, one behind SSO, one behind an IP list, and one with too many files."""
    for seed in range(5, 10):
        github.add_synthetic(2, seed=seed)
    github.rename("synthetic/repo-5", "synthetic/new-name")
    github.archive("synthetic/repo-6")
    github.add_faults(
        {"fault": "sso", "match": {"repository": "synthetic/repo-7", "api": "rest"}, "times": None},
        {"fault": "ip_allow_list", "match": {"repository": "synthetic/repo-8", "api": "rest"}, "times": None},
    )
    github.set_files("synthetic/repo-9", 1, [f"src/{index:05}.py" for index in range(3_001)])


def _until_ready() -> None:
    """Wait until a worker answers: a busy machine takes longer to start one than the command waits for."""
    deadline = time.monotonic() + 40
    while not current_app.control.ping(timeout=0.5, limit=1):
        assert time.monotonic() < deadline, "no worker started"
