"""What a task's attempt says of itself, from Celery's signals alone; `test_celery` has a real worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import click
import pytest
from celery import Celery, Task
from click.core import ParameterSource
from opentelemetry.trace import SpanKind

from telemetry import bind, current_traceparent, roots, span
from telemetry._celery import dying, quiet_tasks, running, worker
from telemetry._celery.messages import Envelope
from telemetry._celery.quiet_tasks import QuietTask
from telemetry._deaths import Death
from telemetry._lines import context, writing
from telemetry._outcomes import Died
from telemetry._spans import provider
from telemetry.testing import Capture

ROOT = f"00-{'1' * 32}-{'2' * 16}-01"
ABOVE = f"00-{'3' * 32}-{'4' * 16}-01"
PREVIOUS = f"00-{'5' * 32}-{'6' * 16}-01"
app = Celery("of attempts", broker="memory://", set_as_current=False)


@app.task(name="bake", lazy=False, throws=(KeyError,))
def bake() -> None:
    """Do nothing: who calls it is Celery."""


@app.task(name="look", base=QuietTask, lazy=False)
def look() -> None:
    """Find nothing."""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    roots.bind_root(None)
    context.clear()
    for task in (bake, look):
        while task.request_stack:
            task.pop_request()


def _begun(task: Any = bake, *, is_eager: bool = False, **envelope: Any) -> Any:
    """The task with an attempt that has begun, as its message's envelope says."""
    headers: dict[str, Any] = {}
    Envelope(**envelope).put(headers)
    where = {"exchange": "", "routing_key": "sync"}
    task.push_request(id="7", is_eager=is_eager, hostname="celery@h", delivery_info=where, **headers)
    running.before_run(task=task)
    return task


def test_an_attempt_is_a_consumer_below_what_its_message_names(captrace: Capture) -> None:
    """Linked to the attempt before, with the context that was bound where it was sent, and nothing of the task before."""
    with bind(team_id=9, shop="old"):
        task = _begun(attempt=3, previous=PREVIOUS, parent=ABOVE, root=ROOT, sent_ns=1, context={"team_id": 1})
        run = running.run_of(task.request)
        assert run is not None
        assert (run.parent, run.traceparent, roots.bound_root()) == (ABOVE, current_traceparent(), ROOT)
        assert context.bound() == {"team_id": 1, "task_id": "7"}
        running.after_run(task=task, state="SUCCESS")
    found = captrace.span("run/bake")
    assert (found.trace_id, found.parent_id, found.links) == ("3" * 32, "4" * 16, (("5" * 32, "6" * 16),))
    assert (found.status, found.attributes["celery.state"], found.attributes["celery.attempt"]) == ("OK", "SUCCESS", 3)
    assert found.attributes["messaging.destination.name"] == "sync"
    assert found.attributes["celery.worker"] == "celery@h"
    assert [each.kind for each in captrace.exporter.get_finished_spans()] == [SpanKind.CONSUMER]


def test_an_attempt_without_a_parent_is_the_root_of_its_trace(captrace: Capture) -> None:
    """As of a message that was sent without telemetry."""
    task = _begun()
    run = running.run_of(task.request)
    assert run is not None
    assert run.parent is None
    running.after_run(task=task, state="SUCCESS")
    assert captrace.span("run/bake").parent_id is None


@pytest.mark.parametrize(
    "sent",
    [
        {"telemetry": {"parent": "garbage", "previous": "garbage", "root": "garbage"}},
        {"telemetry": {"parent": ABOVE[:-1], "attempt": 10**40, "sent_ns": 10**40, "context": {"event": 1, "": 2, 5: 6}}},
        {"telemetry": [1], "headers": "text"},
        {"headers": ["telemetry"]},
        {"headers": {"telemetry": 5}},
        {"traceparent": 5, "tracestate": ["a=b"], "baggage": {"a": 1}},
        {"traceparent": "garbage", "tracestate": "=,,=", "baggage": "a=%FF;;,=," + "k=v," * 500},
        {"eta": "soon", "telemetry": {"sent_ns": 1}},
        {"eta": 5, "telemetry": {"sent_ns": 1}},
        {"eta": "9999-12-31T23:59:59", "telemetry": {"sent_ns": 1}},
        {"retries": "many"},
    ],
    ids=str,
)
def test_whatever_a_message_carries_its_attempt_has_a_span(sent: dict[str, Any], captrace: Capture) -> None:
    """A message comes from anybody who reaches the broker: what is no telemetry of ours had no span at all."""
    bake.push_request(id="7", hostname="celery@h", **sent)
    running.before_run(task=bake)
    running.after_run(task=bake, state="SUCCESS")
    found = captrace.span("run/bake")
    assert (found.parent_id, found.links, found.attributes["messaging.message.id"]) == (None, (), "7")


def test_an_eager_task_is_inside_what_calls_it(captrace: Capture) -> None:
    """What is bound there stays, and its message's queue is none."""
    with bind(team_id=9), span("send"):
        task = _begun(is_eager=True)
        running.after_run(task=task, state="SUCCESS")
        assert context.bound() == {"team_id": 9}
    assert captrace.tree() == "send completed\n  run/bake"
    inner, _ = captrace.exporter.get_finished_spans()
    assert inner.kind is SpanKind.INTERNAL
    assert "celery.queue.wait_ms" not in captrace.span("run/bake").attributes


@pytest.mark.parametrize("is_eager", [False, True])
@pytest.mark.parametrize(
    ("state", "status"),
    [("SUCCESS", "OK"), ("RETRY", "UNSET"), ("FAILURE", "UNSET"), ("IGNORED", "UNSET")],
)
def test_a_state_of_celery_s_own_decides_over_an_error_at_hand(
    state: str, status: str, is_eager: bool, captrace: Capture
) -> None:
    """What else is being handled as an attempt ends is not its error: that is told by other signals."""
    task = _begun(is_eager=is_eager)
    try:
        raise ValueError("somebody else's")
    except ValueError:
        running.after_run(task=task, state=state)
    assert (captrace.span("run/bake").status, captrace.span("run/bake").attributes["celery.state"]) == (status, state)


def test_an_eager_task_s_error_that_goes_to_its_caller_is_its_own(captrace: Capture) -> None:
    """Celery names no state then."""
    task = _begun(is_eager=True)
    try:
        raise ValueError("no flour")
    except ValueError:
        running.after_run(task=task, state=None)
    found = captrace.span("run/bake")
    assert (found.status, found.status_message, found.attributes["error.type"]) == ("ERROR", "no flour", "ValueError")


def test_an_attempt_that_is_being_killed_says_so(captrace: Capture) -> None:
    """With what kills it."""
    task = _begun()
    try:
        raise Died(Death("time_limit", limit_sec=30.0))
    except SystemExit:
        running.after_run(task=task, state="FAILURE")
    found = captrace.span("run/bake")
    assert (found.attributes["died.cause"], found.attributes["died.limit_sec"]) == ("time_limit", 30.0)


def _raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001  # to give it a traceback
        return caught


def test_what_failed_is_the_error_at_hand_rather_than_its_copy(captrace: Capture) -> None:
    """Celery hands on what it can pickle."""
    task = _begun()
    try:
        raise LookupError("no flour")
    except LookupError:
        running.failed(sender=task, exception=_raised(RuntimeError("LookupError('no flour')")))
    running.after_run(task=task, state="FAILURE")
    assert captrace.span("run/bake").attributes["error.type"] == "LookupError"
    captrace.clear()
    task = _begun()
    running.failed(sender=task, exception=_raised(RuntimeError("copy")))
    running.after_run(task=task, state="FAILURE")
    found = captrace.span("run/bake")
    assert (found.status, found.status_message) == ("ERROR", "copy")


def test_an_error_that_a_task_declares_is_only_named(captrace: Capture) -> None:
    """It is an answer."""
    task = _begun()
    running.failed(sender=task, exception=KeyError("rye"))
    running.after_run(task=task, state="FAILURE")
    found = captrace.span("run/bake")
    assert (found.status, found.attributes["error.type"]) == ("UNSET", "KeyError")


def test_a_retry_has_the_error_that_it_is_for(captrace: Capture) -> None:
    """Or itself, where a task asks for it without one."""
    reasons = ((SimpleNamespace(exc=None), None), (_retry(LookupError("no")), "LookupError"), (_retry(None), "Retry"))
    for reason, kind in reasons:
        captrace.clear()
        task = _begun()
        running.retried(request=task.request, reason=reason)
        running.after_run(task=task, state="RETRY")
        assert captrace.span("run/bake").attributes.get("error.type") == kind


def _retry(error: Exception | None) -> Exception:
    class Retry(Exception):  # noqa: N818  # as Celery's is called
        exc = error

    return Retry("again")


@pytest.mark.parametrize("signal", [running.failed, running.retried, running.after_run, running.before_run])
def test_a_signal_that_is_of_no_attempt_changes_nothing(signal: Callable[..., None], captrace: Capture) -> None:
    """As of a task that was not begun here, or of nothing at all."""
    bake.push_request(id="7", is_eager=False)
    signal()
    if signal is not running.before_run:
        signal(task=bake, sender=bake, request=bake.request, exception=ValueError("no"), reason=ValueError("no"))
    assert (running.run_of(bake.request), captrace.spans) == (None, [])


def test_a_failure_without_an_error_or_a_sender_is_nobody_s(captrace: Capture) -> None:
    """Whatever is at work meanwhile."""
    task = _begun()
    running.failed(sender=task)
    running.failed(exception=ValueError("no"))
    running.after_run(task=task, state="SUCCESS")
    assert captrace.span("run/bake").status == "OK"


def test_what_follows_an_attempt_finds_what_was_bound_and_when_it_ended(
    captrace: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, each whatever the one before did; outside a task, and in one without a span, it follows at once."""
    seen: list[Any] = []
    task = _begun(context={"team_id": 1}, root=ROOT)
    monkeypatch.setattr(running, "current_task", task)
    running.after_attempt(lambda ended: seen.append((ended, context.bound()["team_id"], roots.bound_root())))
    running.after_attempt(lambda ended: seen.append(ended))
    assert seen == []
    running.after_run(task=task, state="SUCCESS")
    ended = captrace.span("run/bake").end_ns
    assert seen == [(ended, 1, ROOT), ended]
    quiet = _begun(look)
    for nobody in (quiet, None):
        monkeypatch.setattr(running, "current_task", nobody)
        running.after_attempt(lambda ended: seen.append("at once"))
    assert seen[2:] == ["at once", "at once"]


def test_a_quiet_task_may_have_another_base_beside() -> None:
    """Which hears of its app as it would alone."""
    heard: list[Any] = []

    class Bound(Task):  # type: ignore[type-arg]  # celery's class takes no parameters when it runs
        @classmethod
        def on_bound(cls, app: Any) -> None:
            heard.append((cls.name, app))

    class Both(QuietTask, Bound):
        """Quiet, and of theirs."""

    @app.task(name="glance", base=Both, lazy=False)
    def glance() -> None:
        """Find nothing."""

    assert heard == [("glance", app)]
    assert quiet_tasks.is_quiet("glance")


def test_a_quiet_task_has_no_span_of_its_own(captrace: Capture) -> None:
    """What it does has; it is known by its name as soon as its app has it."""
    assert (quiet_tasks.is_quiet("look"), quiet_tasks.is_quiet("bake"), look.app) == (True, False, app)
    task = _begun(look, context={"team_id": 1})
    with span("found"):
        pass
    running.after_run(task=task, state="SUCCESS")
    eager = _begun(look, is_eager=True)
    running.after_run(task=eager, state="SUCCESS")
    assert captrace.tree() == "found completed"
    assert context.bound() == {}


@pytest.mark.parametrize(
    ("arguments", "level", "becomes"),
    [
        (({"name": "look"},), logging.INFO, logging.DEBUG),
        (({"name": "bake"},), logging.INFO, logging.INFO),
        (({"name": "look"},), logging.WARNING, logging.WARNING),
        (({"id": "look"},), logging.INFO, logging.INFO),
        (({"name": ["look"]},), logging.INFO, logging.INFO),
        (("every second", "look"), logging.INFO, logging.DEBUG),
        (("look", "bake"), logging.INFO, logging.INFO),
        (("look",), logging.INFO, logging.INFO),
        ((), logging.INFO, logging.INFO),
    ],
)
@pytest.mark.parametrize("name", ["celery.worker.strategy", "celery.app.trace", "celery.beat"])
def test_a_line_about_a_quiet_task_is_for_the_files(name: str, arguments: tuple[Any, ...], level: int, becomes: int) -> None:
    """The worker's and beat's alike; it is never dropped."""
    quiet_tasks.hush()
    logger = logging.getLogger(name)
    record = logger.makeRecord(name, level, "f", 1, "about %s", arguments, None)
    try:
        assert logger.filter(record)
    finally:
        logger.removeFilter(quiet_tasks._demote)
    assert (record.levelno, record.levelname) == (becomes, logging.getLevelName(becomes))


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a worker has telemetry do, in order."""
    calls: list[Any] = []
    monkeypatch.setattr(writing, "set_stream_level", lambda level: calls.append(("level", level)))
    monkeypatch.setattr(provider, "rest", lambda: calls.append("rest"))
    monkeypatch.setattr(provider, "leave", lambda: calls.append("leave"))
    monkeypatch.setattr(provider, "watch", lambda *, is_child: calls.append(("watch", is_child)))
    monkeypatch.setattr(dying, "read_memory_kills", lambda: calls.append("memory"))
    return calls


def _command(level: str, source: ParameterSource) -> click.Context:
    command = click.Context(click.Command("worker"))
    command.params["loglevel"] = level
    command.set_parameter_source("loglevel", source)
    return command


def test_the_level_on_a_command_line_is_the_stream_s(done: list[Any]) -> None:
    """If somebody has given one; over the one that a program gives its worker."""
    worker.keep_logging()
    with _command("WARNING", ParameterSource.DEFAULT):
        worker.keep_logging()
        worker.before_init(options={"loglevel": "ERROR"})
    with click.Context(click.Command("worker")):
        worker.keep_logging()
    assert done == []
    with _command("ERROR", ParameterSource.COMMANDLINE):
        worker.keep_logging()
    worker.before_init(options={"loglevel": "WARNING"})
    assert done == [("level", logging.ERROR), ("level", logging.WARNING)]
    for options in (None, {}, {"loglevel": None}):
        worker.before_init(options=options)
    assert len(done) == 2


def test_a_worker_rests_before_it_forks_and_leaves_at_its_end(done: list[Any]) -> None:
    """Nothing may run while it forks."""
    worker.before_children()
    worker.leave()
    assert done == ["rest", "memory", "leave"]


@pytest.mark.parametrize(("name", "is_child"), [("ForkPoolWorker-1", True), ("MainProcess", False)])
def test_who_looks_after_dead_processes_knows_whether_it_is_a_child(
    name: str, is_child: bool, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beat is none, nor a solo worker."""
    monkeypatch.setattr(worker, "current_process", lambda: SimpleNamespace(name=name))
    worker.child_begins()
    worker.beat_begins()
    assert done == [("watch", is_child), ("watch", False)]


@pytest.mark.parametrize(("pool", "looks"), [("prefork", False), ("solo", False), ("thread", True), ("gevent", True)])
def test_a_worker_whose_pool_has_no_children_looks_after_dead_processes_itself(
    pool: str, looks: bool, done: list[Any]
) -> None:
    """The children of a pool do so, and a solo worker as its own child."""
    made = type("TaskPool", (), {"__module__": f"celery.concurrency.{pool}"})()
    worker.ready(sender=SimpleNamespace(pool=made))
    assert done == ([("watch", False)] if looks else [])
