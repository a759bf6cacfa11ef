"""A process's place is known at every moment, also at that of its death."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.places import Place, Struck, Teller, Watch, is_gone

CHECKOUT = Path(__file__).parents[2]
_WRITES_FOR_EVER = """
import sys, time
from pathlib import Path
from tests.chaos.places import Teller
teller = Teller(Path(sys.argv[1]))
teller.begin_as_child()
teller.leave()
with teller.within("task"), teller.within("write"):
    time.sleep(60)
"""


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """Watch a pipe that this process and others tell through."""
    made = Watch(tmp_path / "places")
    yield made
    with suppress(OSError):  # a test has closed it
        made.close()


@pytest.fixture
def writer(watch: Watch, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that stays at `write`."""
    command = [sys.executable, "-c", _WRITES_FOR_EVER, str(tmp_path / "places")]
    with subprocess.Popen(command, cwd=CHECKOUT) as process:
        yield process
        process.kill()


def _struck(watch: Watch, place: Place, *, pid: int, act: Callable[[Place, int], None], within: float) -> Struck | None:
    chance = random.Random(1)  # noqa: S311  # a moment, no secret
    return watch.strike({place}, among=lambda: [pid], act=act, chance=chance, within=within)


def test_the_innermost_place_counts(watch: Watch, tmp_path: Path) -> None:
    """What is left returns to what was before, and nothing to leave is idle."""
    teller = Teller(tmp_path / "places")
    seen = []

    def look() -> None:
        watch.listen()
        seen.append(watch.at(os.getpid()))

    look()
    with teller.within("task"):
        look()
        with teller.within("request"):
            look()
        look()
    look()
    teller.leave()
    look()
    assert seen == ["idle", "task", "request", "task", "idle", "idle"]
    assert watch.usual_seconds("request") > 0
    assert watch.usual_seconds("write") == 0


def test_a_process_is_struck_where_it_was_waited_for(watch: Watch, writer: subprocess.Popen[bytes]) -> None:
    """Its last words tell where it died, and they outlive it."""

    def kill(place: Place, pid: int) -> None:
        assert place == "write"
        os.kill(pid, signal.SIGKILL)
        writer.wait()

    assert _struck(watch, "write", pid=writer.pid, act=kill, within=20) == Struck(writer.pid, "write", "write")
    assert is_gone(writer.pid)


def test_nobody_is_struck_who_is_elsewhere_or_not_meant(watch: Watch, writer: subprocess.Popen[bytes]) -> None:
    """A place that nobody comes to in time strikes nobody."""

    def never(_place: Place, _pid: int) -> None:
        raise AssertionError("nobody is there")

    while watch.at(writer.pid) != "write":
        watch.listen(1)
    assert _struck(watch, "flush", pid=writer.pid, act=never, within=0.2) is None
    assert _struck(watch, "write", pid=writer.pid + 1, act=never, within=0.2) is None
    watch.forget(writer.pid)
    assert _struck(watch, "write", pid=writer.pid, act=never, within=0.2) is None


def test_one_that_survives_was_where_it_was_struck(watch: Watch, writer: subprocess.Popen[bytes]) -> None:
    """What it does afterwards is not what was disturbed."""

    def only_move(_place: Place, _pid: int) -> None:
        os.write(os.open(watch.pipe, os.O_WRONLY), f"{writer.pid} flush\n".encode())

    assert _struck(watch, "write", pid=writer.pid, act=only_move, within=20) == Struck(writer.pid, "write", "write")
    assert watch.at(writer.pid) == "flush"


def test_a_process_that_nobody_hears_goes_on(watch: Watch, tmp_path: Path) -> None:
    """A full pipe, or a listener that has gone, is nothing to the worker."""
    teller = Teller(tmp_path / "places")
    full = os.open(watch.pipe, os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while os.write(full, b"1 write\n" * 512):
            pass
    teller.enter("task")
    watch.listen()
    assert watch.at(1) == "write"
    assert watch.at(os.getpid()) == "idle"
    teller.enter("request")
    watch.close()
    teller.leave()
