"""Celery and Django go on whatever is wrong with telemetry, or with somebody's part in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Context
from hypothesis import given
from hypothesis import strategies as some

from telemetry import _health
from telemetry._celery import producing, running
from telemetry._celery.messages import Envelope, destination
from tests.telemetry.bakery import Bakery, Broker

BROKEN = """
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

import bakery
from django.test import Client


class Broken(SpanProcessor):
    def on_start(self, span, parent_context=None):
        if moment == "start":
            raise RuntimeError("nobody may see this")

    def on_end(self, span):
        if moment == "end":
            raise RuntimeError("nor this")


trace.get_tracer_provider().add_span_processor(Broken())
for moment in ("start", "end"):
    before = bakery.telemetry.swallowed()
    assert Client().get("/order/rye", {"loaf": "rye"}).content == b"ordered"  # it sends a task
    bakery.app.conf.task_always_eager = True
    assert bakery.add.delay(1).get() == 1
    bakery.app.conf.task_always_eager = False
    assert bakery.telemetry.swallowed() >= before + 3, moment
"""


def test_a_processor_that_fails_reaches_neither_django_nor_celery(embedded_servers: Broker, tmp_path: Path) -> None:
    """Requests are answered, messages sent, tasks run; the errors are counted."""
    Bakery(tmp_path, embedded_servers).run(BROKEN)


json = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda values: some.lists(values) | some.dictionaries(some.text(), values),
    max_leaves=9,
)
fields = some.sampled_from(["attempt", "previous", "parent", "root", "sent_ns", "context"])


@given(json | some.dictionaries(fields, json))
def test_any_envelope_can_be_read(sent: Any) -> None:
    """Whoever sent it: what is not of its kind is as if it was not there."""
    envelope = Envelope.of(Context({"id": "1", "telemetry": sent, "retries": 0}))
    assert envelope.attempt >= 1
    assert all(isinstance(value, str | int | float | bool) for value in envelope.context.values())
    assert envelope.previous is None or isinstance(envelope.previous, str)


def test_what_is_put_into_a_message_is_read_from_its_request() -> None:
    """Unchanged."""
    spans = {
        name: f"00-{number * 32}-{number * 16}-01" for name, number in (("previous", "3"), ("parent", "4"), ("root", "5"))
    }
    sent = Envelope(attempt=3, **spans, sent_ns=9, context={"team_id": 7})
    headers: dict[str, Any] = {}
    sent.put(headers)
    assert Envelope.of(Context(headers)) == sent


@pytest.mark.parametrize(
    ("exchange", "routing_key", "named"),
    [("", "bread", "bread"), ("bread", "bread", "bread"), ("oven", "bread.rye", "oven:bread.rye"), (None, None, None)],
)
def test_a_destination_is_a_queue_or_what_leads_to_it(exchange: Any, routing_key: Any, named: str | None) -> None:
    """As OpenTelemetry writes RabbitMQ's."""
    assert destination(exchange, routing_key) == named


@pytest.mark.parametrize(
    "receiver",
    [producing.before_publish, running.before_run, running.after_run, running.retried, running.failed],
    ids=lambda receiver: str(receiver.__name__),
)
def test_a_receiver_of_celerys_signals_raises_nothing(receiver: Any) -> None:
    """Whatever it is given; what went wrong is counted."""
    before = _health.swallowed()
    nonsense = {"task": object(), "sender": object(), "request": object(), "headers": object(), "exception": object()}
    assert receiver(**nonsense) is None
    assert _health.swallowed() in (before, before + 1)
