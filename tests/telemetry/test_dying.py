"""What a worker's parent knows of its children's deaths: each is written down once, and as what it was."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from telemetry._celery import dying, running
from telemetry._celery.memory import MemoryKills
from telemetry._celery.messages import Envelope
from telemetry._celery.running import Run
from telemetry._deaths import Death, by_exit_code
from telemetry._outcomes import Died
from telemetry._spans import provider

Noted = list[tuple[int, Death]]
KILLED = -signal.SIGKILL


@pytest.fixture(autouse=True)
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """What was written down, of which process; nothing is known of any child at first."""
    deaths: Noted = []
    monkeypatch.setattr(provider, "note_death", lambda pid, death: deaths.append((pid, death)))
    monkeypatch.setattr(dying._Parent, "limited", {})
    monkeypatch.setattr(dying._Parent, "kills", MemoryKills(root=Path("/nowhere")))
    return deaths


def _at_limit(*arguments: Any, **options: Any) -> list[str]:
    """Let the hard limit of a job be over; return what was done about it, and what was noted before."""
    done: list[str] = []

    def kill(*_: Any, **__: Any) -> str:
        done.append("killed")
        return "result"

    assert dying.at_hard_limit(kill, None, arguments, options) == "result"
    return done


def _job(pid: int | None = 41, *, limit: float | None = 30, is_ready: bool = False) -> Any:
    return SimpleNamespace(_worker_pid=pid, _timeout=limit, ready=lambda: is_ready)


def _join(*children: tuple[int, int | None]) -> None:
    """Let a pool with these children, each with its exit code, join those that are gone."""
    pool = SimpleNamespace(_pool=[SimpleNamespace(pid=pid, exitcode=code, _popen=object()) for pid, code in children])
    pool._pool.append(SimpleNamespace(pid=99))  # one that was never started
    assert dying.joining(lambda *_: "joined", pool, (), {}) == "joined"


@pytest.mark.parametrize(("limit", "limit_sec"), [(30, 30.0), (0.5, 0.5), (None, None)])
def test_a_child_at_its_hard_limit_is_known_before_it_is_killed(limit: float, limit_sec: float | None, noted: Noted) -> None:
    """And still when it is joined, as a child that was killed; the next one under its number is another."""
    death = Death("time_limit", limit_sec=limit_sec)
    assert _at_limit(_job(limit=limit)) == ["killed"]
    assert noted == [(41, death)]
    _join((41, KILLED), (42, KILLED))
    assert noted[1:] == [(41, death), (42, Death("signal", signal="SIGKILL"))]
    _join((41, KILLED))
    assert noted[3:] == [(41, Death("signal", signal="SIGKILL"))]


@pytest.mark.parametrize("job", [None, _job(pid=None), _job(is_ready=True)], ids=["none", "of nobody", "done"])
def test_a_job_that_kills_nobody_is_not_noted(job: Any, noted: Noted) -> None:
    """Celery does what it does all the same."""
    assert _at_limit(job) == ["killed"]
    assert noted == []


def test_a_job_that_is_named_counts_too(noted: Noted) -> None:
    """As Celery may call it."""
    _at_limit(job=_job())
    assert noted == [(41, Death("time_limit", limit_sec=30.0))]


def test_children_that_live_are_not_noted(noted: Noted) -> None:
    """Those that are gone are, with how they ended."""
    _join((1, None), (2, 0), (3, 7), (4, -signal.SIGSEGV))
    assert noted == [
        (2, Death("exit", exit_code=0)),
        (3, Death("exit", exit_code=7)),
        (4, Death("signal", signal="SIGSEGV")),
    ]


@pytest.mark.parametrize(
    ("codes", "kills", "causes"),
    [
        ([KILLED, KILLED], 2, ["out_of_memory", "out_of_memory"]),
        ([KILLED, KILLED], 1, ["signal", "signal"]),
        ([KILLED, -signal.SIGTERM, 0], 1, ["out_of_memory", "signal", "exit"]),
    ],
)
def test_who_was_killed_for_memory_is_known_if_the_kernel_has_killed_that_many(
    codes: list[int], kills: int, causes: list[str], noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that were killed with SIGKILL alone; one at its time limit is none of them."""
    asked: list[int] = []

    def cover(killed: int) -> bool:
        asked.append(killed)
        return killed <= kills

    monkeypatch.setattr(dying._Parent, "kills", SimpleNamespace(cover=cover))
    _at_limit(_job(pid=50))
    noted.clear()
    _join((50, KILLED), *enumerate(codes, start=1))
    assert [death.cause for _, death in noted] == ["time_limit", *causes]
    assert asked == [codes.count(KILLED)]


def test_a_code_beyond_the_named_signals_is_its_number() -> None:
    """A real-time signal has no name; memory is no cause of any other."""
    assert by_exit_code(-40) == Death("signal", signal="40")
    assert by_exit_code(-signal.SIGTERM, is_out_of_memory=True) == Death("signal", signal="SIGTERM")
    assert by_exit_code(KILLED) == Death("signal", signal="SIGKILL")
    assert by_exit_code(KILLED, is_out_of_memory=True) == Death("out_of_memory", signal="SIGKILL")


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A task with a limit of 30 s of its own, which has been at work for as long as `began` is changed to say."""
    app = Celery("t", set_as_current=False)
    app.conf.task_time_limit = 60

    @app.task(name="bake", lazy=False)
    def task() -> None: ...

    task.time_limit = 30
    run = Run(span=None, token=None, parent=None, envelope=Envelope(), began=1000.0)  # type: ignore[arg-type]  # no span is asked for
    task.push_request(timelimit=(None, None))
    setattr(task.request, running._RUN, run)
    monkeypatch.setattr(dying, "current_task", task)
    yield task
    task.pop_request()


@pytest.mark.parametrize(
    ("own", "of_task", "limit"),
    [((20, None), 30, 20.0), ((None, None), 30, 30.0), ((None, 5), None, 60.0), (None, None, 60.0)],
)
def test_an_exit_at_the_hard_limit_is_a_death(
    own: tuple[int | None, int | None] | None,
    of_task: int | None,
    limit: float,
    at_work: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the message, the task or the app, in this order; an exit before it, or another error, is what it is."""
    at_work.request.timelimit, at_work.time_limit = own, of_task
    leaving = SystemExit(0)
    for seconds, is_death in ((limit - 0.6, False), (limit - 0.5, True), (limit + 5, True)):
        monkeypatch.setattr(time, "monotonic", lambda at=1000.0 + seconds: at)
        read = dying.read_exit(leaving)
        assert isinstance(read, Died) is is_death
        if isinstance(read, Died):
            assert read.death == Death("time_limit", limit_sec=limit)
        for other in (ValueError("no"), KeyboardInterrupt()):
            assert dying.read_exit(other) is other


def test_an_exit_outside_a_task_or_without_a_limit_is_none(at_work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However late."""
    leaving = SystemExit(0)
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)
    assert isinstance(dying.read_exit(leaving), Died)
    at_work.time_limit = at_work.app.conf.task_time_limit = None
    assert dying.read_exit(leaving) is leaving
    at_work.time_limit = 30
    setattr(at_work.request, running._RUN, None)
    assert dying.read_exit(leaving) is leaving
    monkeypatch.setattr(dying, "current_task", None)
    assert dying.read_exit(leaving) is leaving


@pytest.mark.parametrize(
    ("death", "sentence"),
    [
        (Death("signal", signal="SIGSEGV"), "the process was killed by SIGSEGV"),
        (Death("time_limit"), "the process was killed at its hard time limit"),
        (Death("time_limit", limit_sec=90.0), "the process was killed at its hard time limit of 90 s"),
        (Death("out_of_memory", signal="SIGKILL"), "the process was killed because memory ran out"),
        (Death("machine_gone"), "the process's machine is gone"),
        (Death("exit", exit_code=7), "the process exited with code 7 before the span ended"),
        (Death(), "the process ended before the span did"),
        (Death(is_certain=False), "nothing was heard of the process any more"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_death_says_what_it_was(death: Death, sentence: str) -> None:
    """As the status of its spans does, and what is raised while there is a moment left."""
    assert death.sentence == sentence
    assert str(Died(death)) == sentence
