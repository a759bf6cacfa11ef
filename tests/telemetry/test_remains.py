"""What the system says of a process that is dead, and of whose child it was."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry._deaths import Death
from telemetry._export.journal import this_process
from telemetry._export.remains import death_of, parent_lives


def _dead(program: Path | str, code: str) -> Iterator[dict[str, Any]]:
    """Yield what the journal says of a child of this process that is dead and was not waited for."""
    child = subprocess.Popen([program, "-c", code], start_new_session=True)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    yield {**this_process(None), "pid": child.pid, "ppid": os.getpid()}
    child.wait()


@pytest.fixture(params=["sh", "a) Z 1 (b"])
def dead(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """One that ended with code 7, by whatever name."""
    (tmp_path / request.param).symlink_to("/bin/sh")
    yield from _dead(tmp_path / request.param, "exit 7")


@pytest.fixture
def killed() -> Iterator[dict[str, Any]]:
    """One that was killed."""
    yield from _dead("/bin/sh", "kill -9 $$")


def test_a_child_that_nobody_has_waited_for_says_how_it_ended(dead: dict[str, Any], killed: dict[str, Any]) -> None:
    """Each by itself; one that lives, and one that is none's of that parent, say nothing."""
    assert death_of(dead) == Death("exit", exit_code=7)
    assert death_of(killed) == Death("signal", signal="SIGKILL")
    assert death_of({**dead, "ppid": os.getppid()}) == Death()
    assert death_of(this_process(None)) == Death()


def test_whoever_saw_it_is_believed(dead: dict[str, Any]) -> None:
    """Before what the system says of the process that has its id now."""
    assert death_of(dead, seen=3) == Death("exit", exit_code=3)
    assert death_of(dead, seen=0) == Death("exit", exit_code=0)
    assert death_of(dead, seen=-15) == Death("signal", signal="SIGTERM")


@pytest.mark.parametrize("elsewhere", [{"pidns": 1}, {"host": "another"}, {"host": "another", "boot": "another"}], ids=str)
def test_of_a_process_elsewhere_only_who_saw_it_knows(dead: dict[str, Any], elsewhere: dict[str, Any]) -> None:
    """Its id is another process's here."""
    assert death_of({**dead, **elsewhere}) == Death()
    assert death_of({**dead, **elsewhere}, seen=3) == Death("exit", exit_code=3)


def test_a_machine_that_has_started_since_was_gone(dead: dict[str, Any]) -> None:
    """Whatever has its id now; where nobody says which start it was, nothing is known."""
    assert death_of({**dead, "boot": "another"}) == death_of({**dead, "boot": "another"}, seen=3) == Death("machine_gone")
    assert death_of({**dead, "boot": ""}) == Death()
    assert death_of({"host": socket.gethostname()}) == Death()


def test_only_a_child_has_a_parent_to_wait_for(dead: dict[str, Any]) -> None:
    """Which lives, here."""
    child = {**dead, "is_child": True}
    assert parent_lives(child)
    assert parent_lives({**child, "ppid": 1})  # somebody else's, as a rule
    assert not parent_lives(dead)
    assert not parent_lives({**child, "is_child": False})
    assert not parent_lives({**child, "pidns": 1})
    assert not parent_lives({**child, "ppid": 2**22 + 1})  # more than there can be
