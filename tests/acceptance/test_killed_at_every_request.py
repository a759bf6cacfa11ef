"""A sync is killed at each of its requests in turn, and comes to the same end every time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps.github_simulator.testing import SeenRequest, SimulatedGitHub, simulator
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.tasks import start_pipeline
from apps.repositories.models import TrackedRepository
from telemetry.model import Outcome
from telemetry.reading import Span, orphans_of, read_lines, read_spans
from tests.acceptance.worker import wait_until, worker
from tests.integrations.syncing import held, stored, tracked

NAME = "synthetic/repo-0"
Request = tuple[str, Any]


@dataclass(frozen=True)
class Sync:
    """One team's sync of the repository; ``killed_at`` is the request at which its worker dies."""

    repository: TrackedRepository
    account: str
    killed_at: int
    is_answered: bool


def _sync(github: SimulatedGitHub, *, number: int, when: str) -> Sync:
    token = f"kill-{when}-{number}" if number else "undisturbed"
    repository = tracked(github, NAME, slug=token, token=token)
    return Sync(repository, github.account_of(token), number, when == "after")


def _start(repository: TrackedRepository) -> None:
    start_pipeline.delay(repository.team_id, [repository.pk], days=4, backfill_all=True)


def _asked(seen: list[SeenRequest], sync: Sync) -> list[Request]:
    """What its worker asked for, without how much at once: a new attempt starts small again."""
    about = ("id", "after")
    return [
        (each.operation or each.path, {key: value for key, value in each.variables.items() if key.startswith(about)})
        for each in seen
        if each.account == sync.account
    ]


def _expected(undisturbed: list[Request], sync: Sync) -> list[Request]:
    """Return the requests of a sync whose process died: its successor begins with the first page that was not stored.

    That is the page in hand, or the one before whose lists the request was to continue.
    """
    number = sync.killed_at
    before = undisturbed[: number if sync.is_answered else number - 1]
    page = number - 1
    while "id0" in undisturbed[page][1]:
        page -= 1
    looked_up = [] if undisturbed[page][0] == f"/repos/{NAME}" else [undisturbed[0]]
    return before + looked_up + undisturbed[page:]


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_sync_killed_at_any_request_comes_to_the_same_end(program_environment: dict[str, str]) -> None:
    """Rows as GitHub has them, no page asked for twice but those in hand, each run completed once, no span astray.

    Killed before each request and after each answer, in both phases; and behind the commit that ends a run.
    """
    environment = {
        **program_environment,
        "SYNC_SWEEP_SECONDS": "1",
        "SYNC_REQUEST_SECONDS": "2",
        "SYNC_STALE_SECONDS": "4",
        "SYNC_STEP_SECONDS": "30",
    }
    home = Path(environment["SYNCTRACE_HOME"])
    with simulator(synthetic=41) as github, worker(environment, children=3, app="tests.acceptance.fates"):
        undisturbed = _sync(github, number=0, when="never")
        connecting = len(github.requests())
        _start(undisturbed.repository)
        _until_all_have_ended(2)
        whole = _asked(github.requests()[connecting:], undisturbed)
        assert {operation for operation, _ in whole} == {f"/repos/{NAME}", "PullRequests", "PullRequestLists"}
        syncs = [_sync(github, number=n, when=when) for n in range(1, len(whole) + 1) for when in ("before", "after")]
        ends = [tracked(github, NAME, slug=slug, token=slug) for slug in ("end-untold", "end-unexported")]
        connecting = len(github.requests())
        for repository in [*ends, *(sync.repository for sync in syncs)]:
            _start(repository)
        _until_all_have_ended(2 * (1 + len(syncs) + len(ends)))
        wait_until(lambda: len(_died(home)) >= len(syncs), seconds=10)
        seen = github.requests()[connecting:]
        there = held(github, NAME)
        assert max(github.stats()["max_in_flight"].values()) == 1
    for sync in syncs:
        assert stored(sync.repository) == there, sync
        assert _asked(seen, sync) == _expected(whole, sync), sync
    assert not RepoSync.objects.exclude(state="completed").exists()
    assert RepoSync.objects.filter(attempt=2).count() == len(syncs)
    _check_telemetry(home)


def _check_telemetry(home: Path) -> None:
    """One root and one closing line a run; every attempt that died is in its trace, once, with what it was at; no orphan."""
    runs = sorted(PipelineRun.objects.values_list("pk", flat=True))
    lines, spans = read_lines(home / "logs.jsonl"), read_spans(home / "traces.jsonl")
    assert sorted(line["run_id"] for line in lines if line["event"] == "sync.pipeline.completed") == runs
    assert not [line for line in lines if line["event"] in ("sync.pipeline.failed", "sync.repo.failed")]
    died = [line for line in lines if line["event"] == "sync.task.retry"]
    assert {line["error"].removeprefix("attempt_died: Attempt 1 ") for line in died} <= {
        "was killed: signal 9 (SIGKILL)",
        "gave no sign of life for 4 s",  # where its parent had not said so by then
    }
    assert len(died) == RepoSync.objects.filter(attempt=2).count()
    assert len({span.span_id for span in spans if span.name == "sync.pipeline"}) == len(runs)
    assert len({span.span_id for span in spans if span.name != "sync.pipeline"}) == sum(
        span.name != "sync.pipeline" for span in spans
    )
    assert orphans_of(spans) == []
    dead = RepoSync.objects.filter(attempt=2).values_list("run_id", flat=True)
    repos = _died(home)
    assert sorted(span.attributes["run_id"] for span in repos) == sorted(dead)
    causes = {(span.attributes["died.cause"], span.attributes.get("died.signal")) for span in repos}
    assert ("signal", "SIGKILL") in causes
    assert causes <= {("signal", "SIGKILL"), ("unknown", None)}  # where its parent's word came too late
    runs_of = {span.span_id: span for span in spans if span.name.startswith("run/")}
    assert {runs_of[span.parent_id or ""].outcome for span in repos} == {Outcome.DIED}
    calls = {line["span_id"] for line in lines if line["event"] in ("sync.api.graphql", "sync.api.rest")}
    assert calls <= {span.span_id for span in spans}  # also those whose process died before they had left it


def _died(home: Path) -> list[Span]:
    """Return the spans of the attempts that died, which follow within ten seconds."""
    spans = read_spans(home / "traces.jsonl")
    return [span for span in spans if span.name == "sync.repo" and span.outcome == Outcome.DIED]


def _until_all_have_ended(count: int) -> None:
    wait_until(lambda: PipelineRun.objects.filter(exported_at__isnull=False).count() == count, seconds=100)
