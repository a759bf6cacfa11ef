"""What a message says of its wait and of its root is true to the unit, also where times and roots come one after another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from telemetry import _health
from telemetry._celery import messages, producing, running
from telemetry._celery.messages import Envelope, asked_for, destination, sending
from telemetry._spans import library_span
from telemetry._spans.library_span import LibrarySpan
from telemetry.roots import bind_root, bound_root
from telemetry.testing import Capture

ROOT = f"00-{'1' * 32}-{'2' * 16}-01"
_SECOND_NS = 10**9
_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
_NOW_NS = int(_NOW.timestamp()) * _SECOND_NS


def _waited(*, sent_ago: float, planned_in: float | None = None) -> float | None:
    """Return the wait of a message that was sent so many seconds ago, for so many seconds from now."""
    eta = None if planned_in is None else (_NOW + timedelta(seconds=planned_in)).isoformat()
    sent_ns = _NOW_NS - int(sent_ago * _SECOND_NS)
    return Envelope(sent_ns=sent_ns).wait_ms(SimpleNamespace(eta=eta), until_ns=_NOW_NS)


def test_a_wait_is_in_milliseconds() -> None:
    """From when the message was sent, to the microsecond."""
    assert (_waited(sent_ago=300), _waited(sent_ago=0.001_234)) == (300_000, 1.234)


@pytest.mark.parametrize(("planned_in", "waited_ms"), [(-300.0, 300_000.0), (0.0, 0.0), (600.0, 0.0)])
def test_a_planned_delay_is_no_wait(planned_in: float, waited_ms: float) -> None:
    """Of a message that was sent an hour ago counts what it is late; one that is early has not waited."""
    assert _waited(sent_ago=3600, planned_in=planned_in) == waited_ms


def test_a_time_that_was_over_when_the_message_was_sent_is_no_wait() -> None:
    """A task that is sent late has not been on its queue before it was sent."""
    assert _waited(sent_ago=300, planned_in=-3600) == 300_000


def test_a_wait_that_nobody_knows_is_none() -> None:
    """As of a message that was sent without telemetry; a clock behind the sender's makes no wait of less than nothing."""
    assert Envelope.of({"retries": 2}) == Envelope(attempt=3)
    assert Envelope().wait_ms(SimpleNamespace(eta=None), until_ns=_NOW_NS) is None
    assert _waited(sent_ago=-3600) == 0


def test_an_envelope_arrives_as_it_was_put() -> None:
    """In a message's headers, or among those that Celery keeps apart."""
    spans = {
        name: f"00-{number * 32}-{number * 16}-01" for name, number in (("previous", "3"), ("parent", "4"), ("root", "5"))
    }
    sent = Envelope(attempt=3, **spans, sent_ns=7, context={"team_id": 1})
    headers: dict[str, Any] = {}
    sent.put(headers)
    assert Envelope.of(headers) == Envelope.of({"headers": headers}) == sent


@pytest.mark.parametrize(
    "spoilt",
    [
        {"attempt": "x"},
        {"attempt": -1},
        {"attempt": True},
        {"root": 5},
        {"root": "garbage"},
        {"parent": "garbage"},
        {"parent": f"00-{'0' * 32}-{'0' * 16}-01"},
        {"previous": "garbage"},
        {"sent_ns": "now"},
        {"context": [1]},
        {"context": {5: "x", None: 1}},
    ],
)
def test_what_is_spoilt_in_an_envelope_is_left_out_alone(spoilt: dict[str, Any]) -> None:
    """A message comes from anybody who reaches the broker."""
    whole = {"attempt": 2, "previous": ROOT, "parent": ROOT, "root": ROOT, "sent_ns": 7, "context": {"team_id": 1}}
    found = Envelope.of({"telemetry": whole | spoilt})
    defaults: dict[str, Any] = {"attempt": 1, "root": None, "parent": None, "previous": None, "sent_ns": 0, "context": {}}
    (name,) = spoilt
    assert {each: getattr(found, each) for each in whole} == whole | {name: defaults[name]}


@pytest.mark.parametrize(
    ("exchange", "routing_key", "where"),
    [
        ("", "sync", "sync"),
        ("sync", "sync", "sync"),
        ("topic", "a.b", "topic:a.b"),
        (None, None, None),
        (SimpleNamespace(name="sync"), "sync", "sync"),
    ],
)
def test_a_destination_is_the_queue_s_name_or_the_way_to_it(exchange: Any, routing_key: Any, where: str | None) -> None:
    """As OpenTelemetry's conventions have it."""
    assert destination(exchange, routing_key) == where


_app = Celery("of messages", broker="memory://", set_as_current=False)


@_app.task(name="of messages")
def _work() -> None:
    raise NotImplementedError


def _task(root: str | None) -> Any:
    """A task with the request of a message that came with `root`."""
    headers: dict[str, Any] = {}
    Envelope(root=root).put(headers)
    _work.push_request(id="1", is_eager=False, **headers)
    return _work


@pytest.fixture
def unbound() -> Iterator[None]:
    """No root is bound, before and after."""
    bind_root(None)
    yield
    bind_root(None)
    while _work.request_stack:
        _work.pop_request()


@pytest.mark.usefixtures("unbound", "captrace")
def test_a_task_leaves_no_root_to_the_next_one() -> None:
    """One that came with a root belongs to it while it runs; the next in that process came with none."""
    for root in (ROOT, None):
        task = _task(root)
        running.before_run(task=task)
        assert bound_root() == root
        running.after_run(task=task, state="SUCCESS")
        assert bound_root() is None


@pytest.mark.usefixtures("unbound", "captrace")
def test_a_root_that_was_left_is_not_a_task_s_own() -> None:
    """As by a child that was stopped in the middle of a task, or a program that works between its tasks."""
    bind_root(ROOT)
    task = _task(None)
    running.before_run(task=task)
    assert bound_root() is None
    running.after_run(task=task, state="SUCCESS")


@pytest.mark.parametrize(
    ("url", "system"),
    [("redis://h", "redis"), ("amqp://h", "rabbitmq"), ("memory://", "memory"), ("pyamqp://h", "rabbitmq")],
)
def test_a_broker_has_the_name_that_the_conventions_give_it(url: str, system: str) -> None:
    """Whatever kombu calls it; and each app its own."""
    app = Celery("of a broker", broker=url, set_as_current=False)
    for _ in range(2):
        assert messages.described(app, name="run", kind="process") == {
            "messaging.system": system,
            "messaging.operation.name": "run",
            "messaging.operation.type": "process",
        }


def test_a_message_that_could_not_be_sent_has_failed(captrace: Capture) -> None:
    """Its span says why, and its sender gets the error."""

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no broker")

    with pytest.raises(ConnectionError):
        producing.send_task(away, _app, ("of messages",), {})
    span = captrace.span("apply_async/of messages")
    assert (span.status, span.status_message, span.attributes["error.type"]) == ("ERROR", "no broker", "ConnectionError")
    captrace.clear()
    assert producing.send_task(lambda *_, **__: "sent", _app, (), {"name": "of messages"}) == "sent"
    span = captrace.span("apply_async/of messages")
    assert (span.status, span.attributes["celery.task_name"]) == ("UNSET", "of messages")


def test_a_message_of_which_nothing_is_known_is_sent_in_its_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where nobody can tell what broker it is: that is an error of ours, and counted."""

    def unknown(*_: Any, **__: Any) -> None:
        raise LookupError("no such transport")

    started: list[Any] = []
    start = library_span.start
    monkeypatch.setattr(messages, "described", unknown)

    def note(name: str, **how: Any) -> LibrarySpan:
        started.append(how["attributes"])
        return start(name, **how)

    monkeypatch.setattr(library_span, "start", note)
    before = _health.swallowed()
    assert producing.send_task(lambda *_, **__: "sent", _app, ("of messages",), {}) == "sent"
    assert (started, _health.swallowed()) == ([{}], before + 1)


@pytest.mark.usefixtures("unbound", "captrace")
def test_a_task_that_sends_itself_again_is_an_attempt_after_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless its sender says which one; another task that it sends is a first attempt, linked to nothing."""
    task = _task(ROOT)
    running.before_run(task=task)
    monkeypatch.setattr(producing, "current_task", task)
    run = running.run_of(task.request)
    assert run is not None

    def sent(message_id: str) -> Envelope:
        headers: dict[str, Any] = {"id": message_id}
        producing.before_publish(headers=headers)
        assert headers["telemetry"]["attempt"] >= 1
        return Envelope.of(headers)

    again, other = sent("1"), sent("2")
    with messages.sending(attempt=7, previous=ROOT):
        said = sent("1")
    running.after_run(task=task, state="RETRY")
    assert [(each.attempt, each.previous, each.root) for each in (again, said, other)] == [
        (2, run.traceparent, ROOT),
        (7, ROOT, ROOT),
        (1, None, ROOT),
    ]


def test_what_is_asked_for_holds_for_its_message_alone() -> None:
    """One that is sent inside has its own, and what follows has none."""
    assert asked_for() == (None, None)
    with sending(attempt=3, previous=ROOT):
        with sending(attempt=1, previous=None):
            assert asked_for() == (1, None)
        assert asked_for() == (3, ROOT)
    assert asked_for() == (None, None)
