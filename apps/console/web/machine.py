"""Which workers answer, and what waits in the broker: asked in the background, so that no page waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

from celery import Celery
from django.conf import settings
from kombu import Connection
from kombu.exceptions import KombuError

from apps.console.web.background import background_thread

_EVERY = 5.0
"""Seconds after which workers are asked again while somebody looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """An answering worker: how many processes it has, since when, and how many tasks it has begun."""

    name: str
    processes: int | None
    since: datetime
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A broker's queue, and how many messages no worker has taken yet."""

    name: str
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found when the broker was asked; without `is_reached` it did not answer."""

    asked_at: datetime
    is_reached: bool
    broker: str = ""
    workers: Sequence[Worker] = ()
    queues: Sequence[Queue] = ()


class Asking:
    """Asks in a thread of its own, once for all viewers, and keeps the last answer."""

    def __init__(self, ask: Callable[[], Machine]) -> None:
        self._ask = ask
        self._thread = background_thread("console-asks")
        self._under_way: Future[Machine] | None = None
        self._last: Machine | None = None
        self._next = -inf
        self._lock = threading.Lock()

    def last(self, *, wait_seconds: float = 0.0) -> Machine | None:
        """Return the last answer, and ask again if it is old; without one, wait briefly for the first."""
        with self._lock:
            if self._under_way is None and time.monotonic() >= self._next:
                self._under_way = self._thread.submit(self._ask)
                self._next = time.monotonic() + _EVERY
            asked, last = self._under_way, self._last
        if asked is None or not (asked.done() or (last is None and wait_seconds)):
            return last
        try:
            answer = asked.result(wait_seconds)
        except TimeoutError:
            return None
        finally:
            if asked.done():  # even after an unforeseen failure, so that the next look asks again
                with self._lock:
                    self._under_way = None
        with self._lock:
            self._last = answer
        return answer


def machine_now(app: Celery, *, answer_seconds: float = 1.0) -> Machine:
    """Ask the broker and, through it, all workers, with a time limit."""
    now = datetime.now(UTC)  # the database's clock would need a connection in this thread
    with app.connection_for_read() as connection:
        failures: tuple[type[BaseException], ...] = (KombuError, OSError, *connection.connection_errors)
        try:
            connection.ensure_connection(max_retries=1)
            broker = _broker(connection)
            queues = [
                Queue(name=queue.name, waiting=_waiting(connection, queue.name)) for queue in settings.CELERY_TASK_QUEUES
            ]
            said = app.control.inspect(timeout=answer_seconds, connection=connection).stats() or {}
        except failures:
            return Machine(asked_at=now, is_reached=False)
    workers = [_worker(name, stats, now=now) for name, stats in sorted(said.items())]
    return Machine(asked_at=now, is_reached=True, broker=broker, workers=workers, queues=queues)


def _worker(name: str, stats: Mapping[str, Any], *, now: datetime) -> Worker:
    return Worker(
        name=name,
        processes=stats["pool"].get("max-concurrency"),
        since=now - timedelta(seconds=stats["uptime"]),
        tasks=sum(stats["total"].values()),
    )


def _waiting(connection: Connection, name: str) -> int:
    """Return how many messages a queue has; Redis does not keep empty queues."""
    channel: Any = connection.default_channel  # its type stubs lack methods
    try:
        return int(channel.queue_declare(queue=name, passive=True).message_count)
    except connection.channel_errors:
        return 0


def _broker(connection: Connection) -> str:
    """Return the broker's name and version, if it reports them as Redis and Valkey do."""
    if connection.transport.driver_type != "redis":
        return str(connection.transport.driver_type)
    channel: Any = connection.default_channel
    said = channel.client.info("server")
    if version := said.get("valkey_version"):
        return f"Valkey {version}"
    return f"Redis {said['redis_version']}"
