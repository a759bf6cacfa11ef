"""A worker whose pool is threads traces as a prefork one does."""

from __future__ import annotations

import pytest

from telemetry.reading import orphans_of, read_lines, read_spans
from tests.telemetry.bakery import Bakery, Broker, wait_until

SEND = """
import bakery, telemetry
with telemetry.bind(team_id=7), telemetry.span("send"):
    bakery.sticky.delay()
bakery.bound.delay()
"""


@pytest.fixture(scope="module")
def bakery(embedded_servers: Broker, tmp_path_factory: pytest.TempPathFactory) -> Bakery:
    """A worker of one thread ran a task that binds something of its own, then another, and has stopped."""
    project = Bakery(tmp_path_factory.mktemp("threads"), embedded_servers)
    worker = ["-m", "celery", "-A", "bakery", "worker", "-P", "threads", "-c", "1", "--loglevel=WARNING"]
    with project.running(*worker, out="worker"):
        project.run(SEND)
        wait_until(lambda: _lines(project, "bakery.rang") == 1)
    return project


def _lines(project: Bakery, event: str) -> int:
    path = project.home / "logs.jsonl"
    return sum(line["event"] == event for line in read_lines(path)) if path.exists() else 0


def test_threads_trace(bakery: Bakery) -> None:
    """Both runs are there when the worker has ended, under the messages that sent them."""
    spans = read_spans(bakery.home / "traces.jsonl")
    assert sorted(span.name for span in spans if span.name.startswith("run/")) == ["run/bound", "run/sticky"]
    assert orphans_of(spans) == []


def test_nothing_that_a_task_binds_is_left_for_the_next(bakery: Bakery) -> None:
    """Neither what came with its message nor what it bound itself, though both ran in one thread."""
    lines = {line["event"]: line for line in read_lines(bakery.home / "logs.jsonl")}
    assert (lines["stuck"]["team_id"], lines["stuck"]["stuck"]) == (7, 1)
    assert "team_id" not in lines["bakery.rang"]
    assert "stuck" not in lines["bakery.rang"]


def test_the_workers_own_level_is_the_streams(bakery: Bakery) -> None:
    """With --loglevel=WARNING the stream has no INFO; the file has."""
    assert "bakery.rang" not in bakery.printed("worker")
    assert "Task bound[" not in bakery.printed("worker")
    assert _lines(bakery, "bakery.rang") == 1
