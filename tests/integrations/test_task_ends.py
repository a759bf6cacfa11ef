"""What a task makes of each way in which its work ends: the span, the lines, Celery's state, and what is sent next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from billiard.exceptions import WorkerLostError
from celery.exceptions import TimeLimitExceeded
from celery.signals import task_failure
from django.conf import settings
from django.db import OperationalError, transaction
from redis import Redis

from apps import catalog
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations import tasks
from apps.integrations.errors import AttemptDied, NotFound, ServerError, Superseded
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.runs import attempts, phases
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.steps import RunPhase, Step
from apps.integrations.services.sync_attempt import Completed, End, Failed, Retrying, Unmarked, Waiting
from apps.integrations.tasks import admit, run_phase, send, start_pipeline, sweep, sync_repository
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from apps.utils.pace import Pace
from telemetry import trace_id_of
from telemetry.testing import Capture
from telemetry.wills import Will
from tests.integrations.histories import repository
from tests.integrations.messages import broken_channel, no_broker, sent

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.fromisoformat("2026-01-05T12:00:00Z")


@pytest.fixture(autouse=True)
def time() -> Iterator[clock.SteppedClock]:
    """Time stands still until somebody sleeps."""
    stepped = clock.SteppedClock(NOW)
    with clock.using(stepped):
        yield stepped


@pytest.fixture
def others(rows: list[RepoSync]) -> RepoSync:
    """A row of another team with an account of its own, which nobody has admitted yet."""
    other = repository("smiths/a", team="smiths")
    GitHubConnection.objects.filter(team=other.team).update(account="github.test/bob")
    other.refresh_from_db()
    return pipeline.start_run(team=other.team, repositories=[other], since=None, task_id="t-other").repo_syncs.get()


@pytest.fixture
def rows(broker: Redis) -> list[RepoSync]:
    """The rows of a run over two repositories; the first attempt at the first is admitted."""
    first, second = repository("bakers/a", team="bakers"), repository("bakers/b", team="bakers")
    run = pipeline.start_run(team=first.team, repositories=[first, second], since=None, task_id="t-run")
    found = list(run.repo_syncs.select_related("run").order_by("pk"))
    pipeline.admit()
    return found


ENDS: list[tuple[End, str, str, str, float | None]] = [
    (Completed(catalog.RepoSynced(prs_synced=7)), "completed", "SUCCESS", "sync.repo.completed", None),
    (Waiting(NOW + timedelta(minutes=9)), "waiting", "SUCCESS", "", None),
    (Retrying(ServerError("no"), 2, 7.5), "retrying", "RETRY", "sync.task.retry", 7.5),
    (Unmarked(OperationalError("gone")), "retrying", "FAILURE", "", None),
    (Failed(NotFound("no")), "failed", "FAILURE", "sync.repo.failed", None),
]


@pytest.mark.parametrize(
    ("end", "outcome", "state", "event", "asks_in"), ENDS, ids=[type(each[0]).__name__ for each in ENDS]
)
def test_an_attempt_s_span_and_task_end_as_it_did(
    end: End,
    outcome: str,
    state: str,
    event: str,
    asks_in: float | None,
    rows: list[RepoSync],
    broker: Redis,
    captrace: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is to look again is asked to when the countdown is over, and not before."""
    monkeypatch.setattr(tasks, "attempt_sync", lambda *_, **__: end)
    captrace.clear()
    before = datetime.now(NOW.tzinfo)
    result = sync_repository.apply(args=(rows[0].pk, 1))
    repo = captrace.span("sync.repo")
    assert (repo.outcome, result.state) == (outcome, state)
    assert repo.attributes["repo_id"] == rows[0].repository_id
    events = [name for name in captrace.events() if name not in {"sync.repo.started", "sync.lane.wait"}]
    assert [name for name in events if name.startswith("sync.")] == ([event] if event else [])
    asked = [each.headers["eta"] for each in sent(broker, "sweep") if each.task == "admit"]
    assert len(asked) == (asks_in is not None)
    if asks_in is not None:
        seconds = (datetime.fromisoformat(asked[0]) - before).total_seconds()
        assert asks_in <= seconds < asks_in + 5
    if isinstance(end, Retrying):
        retry = captrace.line("sync.task.retry")
        said = (retry["task_name"], retry["retry_count"], retry["countdown"], retry["error"])
        assert said == (sync_repository.name, 2, 7.5, "server_error: no")
        assert repo.attributes["retry.countdown"] == 7.5
    if isinstance(end, Unmarked):  # the sweep finds it when it is stale
        assert repo.attributes["retry.countdown"] == settings.SYNC_STALE_SECONDS


@pytest.mark.parametrize(
    ("trouble", "why"),
    [(no_broker, "Connection refused"), (broken_channel, "The connection to the broker is gone: 'NoneType' object has")],
)
def test_without_a_broker_a_failed_attempt_ends_as_it_did(
    trouble: Callable[[], AbstractContextManager[None]],
    why: str,
    rows: list[RepoSync],
    captrace: Capture,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That nobody can be asked to look when its countdown is over is said once, with the reason: the sweep will."""
    monkeypatch.setattr(tasks, "attempt_sync", lambda *_, **__: Retrying(ServerError("no"), 2, 7.5))
    with trouble(), caplog.at_level(logging.ERROR):
        result = sync_repository.apply(args=(rows[0].pk, 1))
    assert (captrace.span("sync.repo").outcome, result.state) == ("retrying", "RETRY")
    assert caplog.messages == ["The broker cannot be reached: the sweep will send what is due."]
    assert why in caplog.text


def test_one_who_was_overtaken_ends_without_a_line(
    rows: list[RepoSync], captrace: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its successor says how the repository ended."""

    def overtaken(*_: Any, **__: Any) -> End:
        raise Superseded("attempt 1 no longer owns it")

    monkeypatch.setattr(tasks, "attempt_sync", overtaken)
    assert sync_repository.apply(args=(rows[0].pk, 1)).state == "SUCCESS"
    assert captrace.span("sync.repo").outcome == "cancelled"
    assert "sync.repo.failed" not in captrace.events()


def test_a_second_delivery_and_a_deleted_run_do_nothing(
    rows: list[RepoSync], captrace: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a span of the repository's."""
    monkeypatch.setattr(tasks, "attempt_sync", lambda *_, **__: pytest.fail("it was attempted"))
    assert attempts.claim(Attempt(rows[0].pk, 1), traceparent=None)
    for key in (rows[0].pk, rows[1].pk + 1000):
        assert sync_repository.apply(args=(key, 1)).state == "SUCCESS"
    assert "sync.repo" not in [span.name for span in captrace.spans]
    assert "sync.repo.started" not in captrace.events()


@pytest.mark.parametrize(("failures", "retries"), [(5, [5]), (6, [])])
def test_who_takes_over_from_a_dead_attempt_says_so_if_it_may_try(
    failures: int, retries: list[int], rows: list[RepoSync], captrace: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of the dead one, which could not; of the last failure allowed, no retry follows."""
    monkeypatch.setattr(tasks, "attempt_sync", lambda *_, **__: Waiting(NOW))
    RepoSync.objects.filter(pk=rows[0].pk).update(
        failures=failures, error_type=AttemptDied.error_type, error_msg="it was killed", state="retrying"
    )
    sync_repository.apply(args=(rows[0].pk, 1))
    lines = [line for line in captrace.lines if line["event"] == "sync.task.retry"]
    assert [(line["retry_count"], line["countdown"]) for line in lines] == [(number, 0.0) for number in retries]
    assert all(line["error"] == "attempt_died: it was killed" for line in lines)


def test_who_ends_an_attempt_sends_what_follows(
    rows: list[RepoSync], others: RepoSync, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next in the queue, also of another run; and the next phase once the last repository has ended."""

    def complete(_row: RepoSync, own: Attempt, **_: Any) -> End:
        attempts.complete(own, disposition=RepoSync.Disposition.SYNCED)
        return Completed(catalog.RepoSynced(prs_synced=0))

    monkeypatch.setattr(tasks, "attempt_sync", complete)
    sync_repository.apply(args=(rows[0].pk, 1))
    assert sorted((each.task, each.arguments) for each in sent(broker)) == [
        ("sync_repository", [rows[1].pk, 1]),
        ("sync_repository", [others.pk, 1]),
    ]
    broker.flushdb()
    sync_repository.apply(args=(rows[1].pk, 1))
    assert [(each.task, each.arguments) for each in sent(broker)] == [("run_phase", [rows[0].run_id, "llm_processing", 1])]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 3."), "signal 9 (SIGKILL)"),
        (TimeLimitExceeded(30), "its hard time limit of 30 s"),
        (ValueError("no"), None),
    ],
)
def test_an_attempt_whose_process_was_killed_is_buried_at_once(
    error: Exception, why: str | None, rows: list[RepoSync], others: RepoSync, broker: Redis
) -> None:
    """By the process that outlives it, which asks for the next; of any other failure the attempt itself has said so."""
    assert attempts.claim(Attempt(rows[0].pk, 1), traceparent=None)
    task_failure.send(sender=sync_repository, exception=error, args=(rows[0].pk, 1), task_id="t")
    rows[0].refresh_from_db()
    asked = [each for each in sent(broker, "sweep") if each.task == "admit"]
    if why is None:
        assert (rows[0].state, rows[0].failures, asked) == ("running", 0, [])
        return
    assert (rows[0].state, rows[0].failures) == ("retrying", 1)
    assert rows[0].error_msg == f"Attempt 1 was killed: {why}"
    assert not Admission.objects.filter(repo_sync=rows[0]).exists()
    assert len(asked) == 1
    others.refresh_from_db()
    assert (others.state, others.failures) == ("queued", 0)


@pytest.mark.usefixtures("addressed")
def test_what_an_attempt_waited_for_goes_with_its_message(
    rows: list[RepoSync], others: RepoSync, broker: Redis, captrace: Capture, time: clock.SteppedClock
) -> None:
    """Into its run's trace; the message links to the attempt before, and that it was sent is on its admission alone."""
    previous = f"00-{'a' * 32}-{'b' * 16}-01"
    RepoSync.objects.filter(pk=others.pk).update(attempt_traceparent=previous)
    time.sleep(3)
    steps = pipeline.admit()
    captrace.clear()
    send(steps)
    wait = captrace.span("sync.queue.wait")
    assert (wait.trace_id, wait.duration_ms) == (trace_id_of(others.run.traceparent), 3000.0)
    assert wait.attributes["repo_id"] == others.repository_id
    (message,) = sent(broker)
    assert (message.arguments, message.envelope["previous"]) == ([others.pk, 1], previous)
    assert dict(Admission.objects.values_list("repo_sync", "sent_at")) == {
        rows[0].pk: None,
        others.pk: NOW + timedelta(seconds=3),
    }


def _in_phase(run: PipelineRun, phase: str) -> None:
    run.repo_syncs.update(state="completed", disposition="synced")
    Admission.objects.filter(repo_sync__run=run).delete()
    PipelineRun.objects.filter(pk=run.pk).update(phase=phase)


def test_that_a_phase_s_step_was_sent_is_on_its_run_alone(rows: list[RepoSync], others: RepoSync) -> None:
    """So that the sweep does not send it at once."""
    for row in (rows[0], others):
        _in_phase(row.run, "llm_processing")
    send([RunPhase(rows[0].run_id, "llm_processing", 1)])
    sent_at = dict(PipelineRun.objects.values_list("pk", "step_sent_at"))
    assert sent_at == {rows[0].run_id: NOW, others.run_id: None}


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], list[dict[str, Any]]]:
    """Let phases' work do nothing, or raise; what it was called with is returned."""

    def let(error: Exception | None) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def do_work(name: str, **of: Any) -> None:
            asked.append({"phase": name, **of})
            if error is not None:
                raise error

        monkeypatch.setattr(phases, "do_work", do_work)
        return asked

    return let


Work = Callable[[Exception | None], list[dict[str, Any]]]


def test_a_phase_s_step_works_on_its_own_run_and_sends_the_next(
    rows: list[RepoSync], others: RepoSync, broker: Redis, work: Work
) -> None:
    """And what may begin beside; a second delivery does nothing."""
    _in_phase(rows[0].run, "llm_processing")
    asked = work(None)
    run_phase.apply(args=(rows[0].run_id, "llm_processing", 1))
    of_run = {"team_id": rows[0].run.team_id, "repository_ids": [row.repository_id for row in rows]}
    asked[0]["repository_ids"].sort()
    assert asked == [{"phase": "llm_processing", **of_run}]
    assert [(each.task, each.arguments) for each in sent(broker)] == [
        ("run_phase", [rows[0].run_id, "computing_metrics", 1]),
        ("sync_repository", [others.pk, 1]),
    ]
    run_phase.apply(args=(rows[0].run_id, "llm_processing", 1))
    assert len(asked) == 1
    assert len(sent(broker)) == 2


@pytest.mark.parametrize(
    ("started", "error", "state", "retries"),
    [
        (1, OperationalError("gone"), "running", [1]),
        (2, OperationalError("gone"), "running", [2]),
        (3, OperationalError("gone"), "failed", []),
        (1, ValueError("no"), "failed", []),
    ],
)
def test_a_phase_s_step_that_fails_is_tried_again_where_that_may_help(
    started: int,
    error: Exception,
    state: str,
    retries: list[int],
    rows: list[RepoSync],
    others: RepoSync,
    broker: Redis,
    captrace: Capture,
    work: Work,
) -> None:
    """Three times in all; else its run fails, and no other."""
    for row in (rows[0], others):
        _in_phase(row.run, "llm_processing")
        PipelineRun.objects.filter(pk=row.run_id).update(step_attempt=started - 1)
    work(error)
    result = run_phase.apply(args=(rows[0].run_id, "llm_processing", started))
    assert (result.state, str(result.result)) == ("FAILURE", str(error))
    assert {run.pk: run.state for run in PipelineRun.objects.all()} == {rows[0].run_id: state, others.run_id: "running"}
    lines = [line for line in captrace.lines if line["event"] == "sync.task.retry"]
    assert [(line["task_name"], line["retry_count"], line["run_id"]) for line in lines] == [
        (run_phase.name, number, rows[0].run_id) for number in retries
    ]
    assert sent(broker) == []


@pytest.mark.parametrize("error", [None, ValueError("no")])
def test_a_phase_s_step_asks_who_has_ended_its_spans(
    error: Exception | None, rows: list[RepoSync], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it ends: it may have been taken for dead. One that never began keeps them, for nobody else knows of them."""
    settled: list[str] = []
    monkeypatch.setattr(Will, "settle", lambda _: settled.append("asked"))
    monkeypatch.setattr(Will, "keep", lambda _: settled.append("kept"))
    _in_phase(rows[0].run, "llm_processing")
    work(error)
    for _ in range(2):
        run_phase.apply(args=(rows[0].run_id, "llm_processing", 1))
    assert settled == ["asked", "kept"]


@pytest.mark.parametrize(("end", "settled"), [(Waiting(NOW), ["kept"]), (Unmarked(OperationalError("gone")), [])])
def test_an_attempt_s_spans_are_its_own_once_its_row_says_how_it_ended(
    end: End, settled: list[str], rows: list[RepoSync], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the row does not, the sweep may end them."""
    kept: list[str] = []
    monkeypatch.setattr(Will, "keep", lambda _: kept.append("kept"))
    monkeypatch.setattr(tasks, "attempt_sync", lambda *_, **__: end)
    sync_repository.apply(args=(rows[0].pk, 1))
    assert kept == settled


def _started(team: Team, repositories: list[TrackedRepository], **more: Any) -> PipelineRun:
    """The run that the task starts when a worker has its message; inside a transaction nobody has written it before."""
    keys = [each.pk for each in repositories]
    start_pipeline.apply(args=(team.pk, keys), kwargs={"days": None, **more}, task_id="t-start")
    return PipelineRun.objects.get(task_id="t-start")


@pytest.mark.parametrize(
    ("asked", "since", "backfill", "backfill_since"),
    [
        ({"days": 30}, NOW - timedelta(days=30), False, None),
        ({}, None, False, None),
        ({"since": "2025-12-24T18:00:00+01:00"}, datetime.fromisoformat("2025-12-24T17:00:00Z"), False, None),
        ({"days": 30, "backfill_days": 90}, NOW - timedelta(days=30), True, NOW - timedelta(days=90)),
        ({"days": 30, "backfill_days": 0}, NOW - timedelta(days=30), True, NOW),
        ({"days": 30, "backfill_all": True}, NOW - timedelta(days=30), True, None),
        ({"days": 30, "backfill_all": True, "backfill_days": 90}, NOW - timedelta(days=30), True, None),
    ],
)
def test_the_task_starts_the_run_that_was_asked_for(
    asked: dict[str, Any],
    since: datetime | None,
    backfill: bool,
    backfill_since: datetime | None,
    broker: Redis,
    captrace: Capture,
) -> None:
    """Over the team's own repositories alone; its first line is written, and its first attempt is sent."""
    first, second, foreign = repository("b/1", "bakers"), repository("b/2", "bakers"), repository("s/1", "smiths")
    repository("b/3", "bakers")
    run = _started(first.team, [first, second, foreign], **asked)
    assert (run.since, run.backfill, run.backfill_since) == (since, backfill, backfill_since)
    assert run.team == first.team
    assert list(run.repo_syncs.order_by("pk").values_list("repository", flat=True)) == [first.pk, second.pk]
    assert captrace.line("sync.pipeline.started")["run_id"] == run.pk
    row = run.repo_syncs.order_by("pk")[0]
    assert [(each.task, each.arguments) for each in sent(broker)] == [("sync_repository", [row.pk, 1])]


@pytest.mark.usefixtures("addressed")
def test_a_start_or_a_phase_whose_message_cannot_be_sent_is_left_to_the_sweep(
    rows: list[RepoSync], caplog: pytest.LogCaptureFixture
) -> None:
    """Also where Kombu itself fails; whoever sends goes on."""
    tracked, step = repository("b/1", "bakers"), RunPhase(rows[0].run_id, "llm_processing", 1)
    with caplog.at_level(logging.ERROR):
        with broken_channel():
            started = start_pipeline.delay(tracked.team_id, [tracked.pk], days=5)
        with broken_channel():
            send([step])
    assert PipelineRun.objects.latest("pk").task_id == started.id
    assert caplog.messages == ["The broker cannot be reached: the sweep will send what is due."] * 2


@pytest.mark.usefixtures("addressed")
def test_a_start_is_written_before_its_message_unless_nobody_would_see_it(broker: Redis, captrace: Capture) -> None:
    """Inside a transaction the message alone starts the run, once somebody takes it; whoever takes it says so."""
    tracked = repository("b/1", "bakers")
    with transaction.atomic():
        start_pipeline.delay(tracked.team_id, [tracked.pk], days=3)
        assert not PipelineRun.objects.exists()
    start_pipeline.delay(tracked.team_id, [tracked.pk], days=5)
    run = PipelineRun.objects.get()
    assert (run.since, run.backfill) == (NOW - timedelta(days=5), False)
    inside, outside = sent(broker, "sync", "celery")
    assert {each.task for each in (inside, outside)} == {"start_pipeline"}
    assert run.task_id == outside.headers["id"]
    assert [each.envelope["root"] for each in (inside, outside)] == [None, run.traceparent]
    assert "sync.pipeline.started" not in {line["event"] for line in captrace.lines}


def test_who_is_asked_to_admit_sends_what_may_begin(others: RepoSync, broker: Redis) -> None:
    """Whosever it is, and nothing twice."""
    for _ in range(2):
        admit.apply()
    assert [(each.task, each.arguments) for each in sent(broker)].count(("sync_repository", [others.pk, 1])) == 1


def test_of_sweeps_that_piled_up_one_is_done_in_half_of_their_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beat's own next one, which comes a little early or late, is done in any case."""
    swept: list[float] = []
    seconds = 100.0

    def note() -> list[Step]:
        swept.append(seconds)
        return []

    monkeypatch.setattr(settings, "SYNC_SWEEP_SECONDS", 10)
    monkeypatch.setattr(tasks, "_sweeping", Pace(clock=lambda: seconds))
    monkeypatch.setattr(pipeline, "sweep", note)
    for seconds in (100.0, 104.9, 105.0, 105.1, 110.0):  # noqa: B007  # the clock reads it
        sweep.apply()
    assert swept == [100.0, 105.0, 110.0]
