"""The System page says which workers answer, what waits in the broker and which versions run, and what is wrong first."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import django
import pytest
from celery import Celery, current_app
from django.db import connection
from django.test import Client

from apps.console.web import system
from apps.console.web.machine import Asking, Machine, Queue, Worker, machine_now
from apps.integrations.tasks import sweep
from tests.acceptance.worker import wait_until, worker
from tests.console.web.conftest import text_of

_QUEUES = ("sweep", "sync", "background")


def _found(*, is_reached: bool = True, workers: tuple[Worker, ...] = ()) -> Machine:
    queues = [Queue(name="sync", waiting=1_234)] if is_reached else []
    broker = "Valkey 9.0.1" if is_reached else ""
    return Machine(asked_at=datetime.now(UTC), is_reached=is_reached, broker=broker, workers=workers, queues=queues)


def _asked(found: Machine) -> Asking:
    """Somebody who has asked already, and found this."""
    asking = Asking(lambda: found)
    assert asking.last(wait_seconds=10) == found
    return asking


def _one() -> Worker:
    return Worker(name="celery@one", processes=2, since=datetime.now(UTC) - timedelta(hours=3), tasks=5_678)


def test_what_waits_in_each_queue_is_counted(broker_url: str) -> None:
    """Those that are empty have none; and where no worker is, none is said to be."""
    with current_app.connection_for_read() as broker:
        for name in _QUEUES:
            broker.SimpleQueue(name).clear()
        for _ in range(2):
            sweep.apply_async(queue="sweep")
        found = machine_now(current_app, answer_seconds=0.05)
        broker.SimpleQueue("sweep").clear()
    assert (found.is_reached, found.workers) == (True, [])
    assert [(queue.name, queue.waiting) for queue in found.queues] == [("sweep", 2), ("sync", 0), ("background", 0)]
    assert found.broker.startswith(("Valkey ", "Redis "))


@pytest.mark.slow
def test_a_broker_that_is_away_is_said_to_be() -> None:
    """Nothing else is known then."""
    found = machine_now(Celery("away", broker="redis://127.0.0.1:1/0"))
    assert (found.is_reached, found.broker, found.workers, found.queues) == (False, "", (), ())


@pytest.mark.slow
def test_a_worker_that_runs_answers(program_environment: dict[str, str]) -> None:
    """With its name, how many processes it has, and since when."""
    before = datetime.now(UTC)
    with worker(program_environment, children=3):
        wait_until(lambda: bool(machine_now(current_app).workers))
        (found,) = machine_now(current_app).workers
    assert found.processes == 3
    assert before - timedelta(seconds=2) < found.since <= datetime.now(UTC)
    assert found.name.startswith("celery@")


def test_workers_queues_and_versions_are_on_the_page(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of the database and the broker; nothing is said to be wrong with them."""
    monkeypatch.setattr(system, "asking", _asked(_found(workers=(_one(),))))
    page = text_of(owner, "/system/")
    assert re.search(r"celery@one since \S+ \S+ 2 5,678", page)
    assert "sync 1,234" in page
    assert "Broker Valkey 9.0.1" in page
    assert f"Django {django.__version__}" in page
    assert "PostgreSQL {}.{}".format(*connection.get_database_version()) in page
    assert "answers" not in page
    assert "does not answer" not in page


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (_found(), "No worker answers All were asked at"),
        (_found(is_reached=False), "The broker does not answer It was asked at"),
    ],
)
def test_what_is_wrong_stands_first(owner: Client, monkeypatch: pytest.MonkeyPatch, found: Machine, said: str) -> None:
    """With what to do."""
    monkeypatch.setattr(system, "asking", _asked(found))
    page = text_of(owner, "/system/")
    assert said in page
    assert page.index(said) < page.index("Queues")
    assert "celery -A apps.config worker" in page or "CELERY_BROKER_URL" in page


def test_a_page_waits_for_no_worker(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that they are being asked; whoever looks on has the answer once it is there, and it is asked for once.

    A browser without scripts loads the page again until then.
    """
    again = '<noscript><meta http-equiv="refresh" content="2"></noscript>'
    answered, times = threading.Event(), []

    def ask() -> Machine:
        times.append(1)
        answered.wait(20)
        return _found(workers=(_one(),))

    asking = Asking(ask)
    monkeypatch.setattr(system, "asking", asking)
    assert "They are being asked." in text_of(owner, "/system/")
    assert again in owner.get("/system/").content.decode()
    assert asking.last(wait_seconds=0.01) is None
    answered.set()
    first = asking.last(wait_seconds=20)
    assert first is not None
    assert "celery@one" in text_of(owner, "/system/")
    assert again not in owner.get("/system/").content.decode()
    assert asking.last() == first
    assert len(times) == 1


def test_a_failure_that_nobody_foresaw_is_not_the_answer_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks next asks again."""
    monkeypatch.setattr("apps.console.web.machine._EVERY", 0.0)
    answers: Iterator[Machine | Exception] = iter([KeyError("pool"), _found()])

    def ask() -> Machine:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    asking = Asking(ask)
    with pytest.raises(KeyError, match="pool"):
        asking.last(wait_seconds=10)
    found = asking.last(wait_seconds=10)
    assert found is not None
    assert found.is_reached
