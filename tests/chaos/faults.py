"""What can be done to the stack: each fault strikes while a child of the worker is at a place, at a random moment there."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import psutil

from tests.chaos.places import Place, is_gone
from tests.chaos.stack import Stack, signal_all

_WITHIN_SECONDS = 4.0  # to wait for somebody to come to a place
_GONE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the plan: its kind, the place that it waits for, and how long it lasts if it is no kill."""

    kind: str
    place: Place
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of fault; `act` does it to the stack, given the child that has come to the place and the fault's duration."""

    what: str
    act: Callable[[Stack, int, float], None]
    is_kill: bool = False
    after: Callable[[Stack], None] = field(default=lambda _: None)
    """Makes good what was done, once it is known where the child was at the moment of the fault."""


def strike(stack: Stack, hand: Sequence[Fault], *, chance: random.Random) -> tuple[Fault, Place] | None:
    """Strike with the first fault of the `hand` whose place a child comes to, and make good.

    Return it with the place where it struck, or None if nobody came to any of the places in time.
    """

    def played(place: Place) -> Fault:
        return next(fault for fault in hand if fault.place == place)

    struck = stack.watch.strike(
        {fault.place for fault in hand},
        among=stack.children,
        act=lambda place, pid: KINDS[played(place).kind].act(stack, pid, played(place).seconds),
        chance=chance,
        within=_WITHIN_SECONDS,
    )
    if struck is None:
        return None
    KINDS[played(struck.awaited).kind].after(stack)
    if is_gone(struck.pid):
        stack.watch.forget(struck.pid)
    return played(struck.awaited), struck.place


def _kill_child(_stack: Stack, pid: int, _seconds: float) -> None:
    signal_all([pid], signal.SIGKILL)
    _until_gone(pid)


def _kill_worker(stack: Stack, pid: int, _seconds: float) -> None:
    os.killpg(stack.worker.pid, signal.SIGKILL)
    _until_gone(pid)


def _kill_parent(stack: Stack, _pid: int, _seconds: float) -> None:
    for pid in stack.children():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            stack.left.append(psutil.Process(pid))
    signal_all([stack.worker.pid], signal.SIGKILL)


def _after_parent(stack: Stack) -> None:
    """Start another worker beside the children that are left: they end when they find that nobody sends them tasks."""
    stack.worker.wait(_GONE_SECONDS)
    stack.worker.launch()


def _kill_beat(stack: Stack, _pid: int, _seconds: float) -> None:
    stack.beat.kill()


def _kill_valkey(stack: Stack, _pid: int, _seconds: float) -> None:
    stack.valkey.kill()


def _kill_backend(stack: Stack, _pid: int, _seconds: float) -> None:
    """Kill one of PostgreSQL's processes that serve clients: it ends all others, and recovers by itself."""
    clients = [pid for pid in stack.database_processes() if "synctrace" in _title(pid)]
    signal_all(clients[:1], signal.SIGKILL)


def _crash_database(stack: Stack, _pid: int, _seconds: float) -> None:
    stack.postgresql.send_signal(signal.SIGQUIT)  # immediate shutdown: nothing is written that was not
    stack.postgresql.wait(_GONE_SECONDS)
    stack.postgresql.kill()


def _restart_database(stack: Stack, _pid: int, _seconds: float) -> None:
    stack.postgresql.stop()


def _freeze(pids: Callable[[Stack, int], Sequence[int]]) -> Callable[[Stack, int, float], None]:
    def freeze(stack: Stack, pid: int, seconds: float) -> None:
        frozen = pids(stack, pid)
        signal_all(frozen, signal.SIGSTOP)
        time.sleep(seconds)
        signal_all(frozen, signal.SIGCONT)

    return freeze


def _tell(program: str, state: str, *, back: str = "up") -> Callable[[Stack, int, float], None]:
    def tell(stack: Stack, _pid: int, seconds: float) -> None:
        answering = stack.github if program == "github" else stack.collector
        answering.ask(do=state)
        time.sleep(seconds)
        if back:
            answering.ask(do=back)

    return tell


KINDS: Final[dict[str, Kind]] = {
    "child": Kind(what="SIGKILL of a child of the worker", is_kill=True, act=_kill_child),
    "worker": Kind(
        what="SIGKILL of the whole worker", is_kill=True, act=_kill_worker, after=lambda stack: stack.restart_worker()
    ),
    "parent": Kind(what="SIGKILL of the worker's first process alone", is_kill=True, act=_kill_parent, after=_after_parent),
    "beat": Kind(what="SIGKILL of beat", is_kill=True, act=_kill_beat, after=lambda stack: stack.beat.launch()),
    "valkey": Kind(
        what="SIGKILL of Valkey",
        is_kill=True,
        act=_kill_valkey,
        after=lambda stack: stack.valkey.start(),
    ),
    "backend": Kind(what="SIGKILL of a process of PostgreSQL, which then recovers", is_kill=True, act=_kill_backend),
    "database crash": Kind(
        what="Immediate shutdown of PostgreSQL", act=_crash_database, after=lambda stack: stack.postgresql.start()
    ),
    "database restart": Kind(
        what="Restart of PostgreSQL", act=_restart_database, after=lambda stack: stack.postgresql.start()
    ),
    "freeze child": Kind(what="A child frozen for 0.5 to 4 s", act=_freeze(lambda _, pid: [pid])),
    "freeze worker": Kind(
        what="The whole worker frozen for 0.5 to 4 s", act=_freeze(lambda stack, _: [stack.worker.pid, *stack.children()])
    ),
    "freeze database": Kind(
        what="PostgreSQL frozen for 0.5 to 4 s",
        act=_freeze(lambda stack, _: [stack.postgresql.pid, *stack.database_processes()]),
    ),
    "freeze valkey": Kind(what="Valkey frozen for 0.5 to 4 s", act=_freeze(lambda stack, _: [stack.valkey.pid])),
    "github down": Kind(what="GitHub refuses connections for 0.5 to 4 s", act=_tell("github", "down")),
    "github silent": Kind(what="GitHub answers nothing for 0.5 to 4 s", act=_tell("github", "silent")),
    "github cut": Kind(what="Every connection to GitHub reset", act=_tell("github", "cut", back="")),
    "collector down": Kind(what="The collector away for 0.5 to 4 s", act=_tell("collector", "down")),
    "collector silent": Kind(what="The collector silent for 0.5 to 4 s", act=_tell("collector", "silent")),
}
"""By the name that the plan uses."""


def _until_gone(pid: int) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.001)


def _title(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return ""
