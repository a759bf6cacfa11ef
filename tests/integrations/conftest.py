"""A broker that keeps what is sent to it, as telemetry addresses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery.signals import before_task_publish
from redis import Redis

from telemetry._celery import producing


@pytest.fixture
def broker(broker_url: str) -> Iterator[Redis]:
    """An empty broker that nobody takes messages from."""
    with Redis.from_url(broker_url.replace("redis+socket", "unix").replace("virtual_host", "db")) as empty:
        empty.flushdb()
        yield empty
        empty.flushdb()


@pytest.fixture
def addressed() -> Iterator[None]:
    """Let telemetry write into messages whose work they are, as in a process that is instrumented: this one is not."""
    before_task_publish.connect(producing.before_publish)
    yield
    before_task_publish.disconnect(producing.before_publish)
