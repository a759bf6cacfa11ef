"""Whoever starts a run, dispatches its work or ends an attempt is killed at each SQL statement; then the sweep goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from queue import Empty
from typing import Any

import pytest
from celery import current_app
from django.db import connection

from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import ServerError
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.runs import attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.steps import RunPhase
from apps.integrations.tasks import run_phase, send, start_pipeline, sync_repository
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from tests.integrations.histories import repo_sync, repository

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker_url")]

_MOST_STATEMENTS = 100


def _killed(work: Callable[[], object], statement: int) -> bool:
    """Do `work` in a process that dies before it executes its `statement`-th statement; return whether it got so far."""
    connection.close()  # a child that has it would end it
    child = os.fork()
    if child == 0:
        try:
            with connection.execute_wrapper(_Fate(statement)):
                work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


class _Fate:
    """Kills the process before its n-th statement."""

    def __init__(self, statement: int) -> None:
        self._left = statement

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*arguments)


def _statements() -> Iterator[int]:
    for number in range(1, _MOST_STATEMENTS):
        PipelineRun.objects.all().delete()
        _messages()
        yield number
    pytest.fail(f"the work has more than {_MOST_STATEMENTS} statements")


def _sweep(*, after: float = 3.0) -> None:
    """Let the sweep of that many seconds later send what is due."""
    with clock.using(clock.SteppedClock(clock.now() + timedelta(seconds=after))):
        send(pipeline.sweep())


def _messages() -> list[tuple[str, Any]]:
    """Take all messages from the queues: the tasks' names and arguments."""
    found = []
    with current_app.connection_for_read() as broker:
        for name in ("sync", "background"):
            with broker.SimpleQueue(name) as queue, suppress(Empty):
                while True:
                    message = queue.get_nowait()
                    found.append((message.headers["task"], message.decode()[0]))
                    message.ack()
    return found


def _begins(row: RepoSync) -> None:
    """The next attempt was sent, and begins once however often."""
    own = Attempt(row.pk, row.attempt + 1)
    assert (sync_repository.name, [row.pk, own.number]) in _messages()
    assert Admission.objects.get(repo_sync=row).sent_at is not None
    assert attempts.claim(own, traceparent=None) is not None
    assert attempts.claim(own, traceparent=None) is None


@pytest.mark.slow
def test_a_run_is_started_whole_or_not_at_all_and_then_begins() -> None:
    """By whoever sends the task that starts it; with its first line, and its rows, once."""
    ours, others = repository("o/a"), repository("p/b", team="smiths")
    fates = []
    for number in _statements():
        other = pipeline.start_run(team=others.team, repositories=[others], since=None, task_id="other")
        is_killed = _killed(lambda: start_pipeline.delay(ours.team_id, [ours.pk], days=3), number)
        runs = list(PipelineRun.objects.exclude(pk=other.pk))
        fates.append(bool(runs))
        _sweep()
        assert [run.pk for run in PipelineRun.objects.exclude(pk=other.pk)] == [run.pk for run in runs]
        for run in PipelineRun.objects.filter(pk__in=[run.pk for run in runs]):
            assert (run.state, run.announced_at is not None, run.repo_syncs.count()) == ("running", True, 1)
            Admission.objects.exclude(repo_sync__run=run).delete()  # both teams have one account
            _sweep()
            _begins(run.repo_syncs.get())
        if not is_killed:
            break
    assert fates == sorted(fates), "it is there from one statement on"
    assert (fates[0], fates[-1]) == (False, True)


def test_a_start_that_is_delivered_after_a_kill_starts_nothing_twice() -> None:
    """The worker that takes the message is killed at each statement, before and after it admits."""
    ours = repository("o/a")
    for number in _statements():
        task_id = f"t{number}"
        run = pipeline.start_run(team=ours.team, repositories=[ours], since=None, task_id=task_id)

        def deliver(task_id: str = task_id) -> None:
            start_pipeline.apply(args=(ours.team_id, [ours.pk]), kwargs={"days": None}, task_id=task_id)

        is_killed = _killed(deliver, number)
        _sweep()
        assert PipelineRun.objects.get() == run
        _begins(run.repo_syncs.get())
        if not is_killed:
            return


def _syncing(tracked: TrackedRepository) -> PipelineRun:
    """A run with backfills of which one repository is synced, and one failed."""
    run = pipeline.start_run(
        team=tracked.team, repositories=[tracked], since=clock.now() - timedelta(days=30), backfill=pipeline.Backfill(None)
    )
    run.repo_syncs.update(state="completed", disposition="synced")
    lost, _ = TrackedRepository.objects.get_or_create(
        team=tracked.team, connection=tracked.connection, full_name="o/lost", defaults={}
    )
    repo_sync(run, lost, state="failed", disposition="gone")
    return run


@pytest.mark.slow
def test_a_phase_s_step_is_sent_whoever_died_before_sending_it() -> None:
    """It is sent by the sweep within seconds, and started once."""
    ours = repository("o/a")
    for number in _statements():
        run = _syncing(ours)
        is_killed = _killed(lambda run=run: send(pipeline.advance(run.pk)), number)  # type: ignore[misc]  # bound now
        _sweep()
        run.refresh_from_db()
        if run.step_sent_at is None:  # the sweep moved it on itself, and was stopped before it sent
            _sweep(after=6.0)
        assert (run_phase.name, [run.pk, "llm_processing", 1]) in _messages()
        steps = [pipeline.claim_step(RunPhase(run.pk, "llm_processing", 1)) for _ in range(2)]
        assert [step is not None for step in steps] == [True, False]
        if not is_killed:
            return


@pytest.mark.slow
def test_backfills_are_dispatched_once_whoever_died() -> None:
    """With the end of the run that they follow: none, or each of them, and each begins."""
    ours = repository("o/a")
    for number in _statements():
        run = _syncing(ours)
        PipelineRun.objects.update(phase="computing_metrics", phase_at=clock.now())

        def dispatch(run_id: int = run.pk) -> None:
            send([*pipeline.complete_phase(run_id, "computing_metrics"), *pipeline.admit()])

        is_killed = _killed(dispatch, number)
        run.refresh_from_db()
        backfills = PipelineRun.objects.filter(kind="backfill")
        assert (run.state, backfills.count()) in [("running", 0), ("partial", 1)]
        if run.state == "running":  # its step is started again, and ends
            send(pipeline.complete_phase(run.pk, "computing_metrics"))
        _sweep()
        _sweep(after=6.0)
        backfill = backfills.get()
        assert backfill.announced_at is not None
        _begins(backfill.repo_syncs.get())
        if not is_killed:
            return


@pytest.mark.slow
def test_a_retry_follows_whoever_died() -> None:
    """An attempt that failed and was killed while it said so is followed by the next, once."""
    ours = repository("o/a")
    for number in _statements():
        run = pipeline.start_run(team=ours.team, repositories=[ours], since=None)
        pipeline.admit()
        row = run.repo_syncs.get()
        own = Attempt(row.pk, 1)
        assert attempts.claim(own, traceparent=None) is not None

        def fail(own: Attempt = own) -> None:
            attempts.release_for_retry(own, ServerError("502"), failures=1, countdown=0.0)
            send(pipeline.admit())

        is_killed = _killed(fail, number)
        for after in (200.0, 200.0, 206.0):  # it is found by its silence
            _sweep(after=after)
        row.refresh_from_db()
        with clock.using(clock.SteppedClock(clock.now() + timedelta(seconds=210))):
            _begins(row)
        if not is_killed:
            return
