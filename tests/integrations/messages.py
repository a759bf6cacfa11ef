"""What waits on the broker's queues, and no broker at all, for tests of what is sent."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from celery import current_app
from redis import Redis

from telemetry import trace_id_of


@dataclass(frozen=True)
class Sent:
    """A message on a queue: which task it asks for, in which trace, and what it carries beside."""

    queue: str
    task: str
    arguments: list[Any]
    headers: dict[str, Any]

    @property
    def trace_id(self) -> str:
        """The trace in which its task will run."""
        above: str = self.envelope["parent"] or self.headers["traceparent"]
        return trace_id_of(above)

    @property
    def envelope(self) -> dict[str, Any]:
        """What telemetry wrote into it."""
        return dict(self.headers["telemetry"])


def sent(broker: Redis, *queues: str) -> list[Sent]:
    """Return every message that waits, oldest first, queue by queue."""
    found = []
    for queue in queues or ("sync", "background"):
        for message in map(orjson.loads, reversed(list(broker.lrange(queue, 0, -1)))):
            headers, (arguments, _, _) = message["headers"], orjson.loads(b64decode(message["body"]))
            found.append(Sent(queue, headers["task"].rsplit(".", 1)[1], arguments, headers))
    return found


@contextmanager
def no_broker() -> Iterator[None]:
    """Nobody listens where the broker was."""
    url, policy = current_app.conf.broker_url, current_app.conf.task_publish_retry_policy
    current_app.conf.update(broker_url="redis://127.0.0.1:1/0", task_publish_retry_policy={"max_retries": 0})
    _forget_connections()
    try:
        yield
    finally:
        current_app.conf.update(broker_url=url, task_publish_retry_policy=policy)
        _forget_connections()


@contextmanager
def broken_channel() -> Iterator[None]:
    """Kombu has closed the channel on which messages are sent, as when it loses the connection at an unlucky moment."""
    with current_app.producer_pool.acquire(block=True) as producer:
        channel: Any = producer.channel
        channel.connection = channel._pool = None  # it looks for the connection when it makes its pool
    try:
        yield
    finally:
        _forget_connections()


def _forget_connections() -> None:
    app: Any = current_app  # there is no public way to have it connect anew
    app._pool = app.amqp._producer_pool = None
