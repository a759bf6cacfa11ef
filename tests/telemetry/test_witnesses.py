"""Whoever held on to another process of the home while it lived knows how it ended."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from telemetry._export.journal import this_process
from telemetry._export.steps import line_of
from telemetry._export.witnesses import Witness

IS_TOLD = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2]) >= (6, 15)


class Other:
    """A child of another process than this one, which lives until it is let go."""

    def __init__(self, end: str) -> None:
        code = f"exec 3<&0; sh -c 'read line; {end}' <&3 & echo $!; wait $!"  # what is behind `&` has no input of its own
        self._parent = subprocess.Popen(["/bin/sh", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._parent.stdout is not None
        self.process = {**this_process(None), "pid": int(self._parent.stdout.readline()), "ppid": self._parent.pid}

    def end(self) -> None:
        """Let it go, and wait until its parent has seen how it ended."""
        self._parent.communicate("\n")


@pytest.fixture
def other() -> Iterator[Other]:
    """A process that ends with code 7."""
    process = Other("exit 7")
    yield process
    process.end()


@contextmanager
def _journals(folder: Path, *processes: Mapping[str, Any]) -> Iterator[list[Path]]:
    """Yield the journals of processes that live: somebody holds the locks."""
    paths = [folder / f"{number}.jsonl" for number, _ in enumerate(processes)]
    with ExitStack() as locks:
        for path, process in zip(paths, processes, strict=True):
            path.write_bytes(line_of(process))
            fcntl.flock(locks.enter_context(path.open("rb")), fcntl.LOCK_EX)
        yield paths


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not IS_TOLD, reason="Linux tells it from 6.15 on")
@pytest.mark.parametrize(("end", "code"), [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", -9)])
def test_how_a_process_ended_is_known_to_whoever_held_it(end: str, code: int, tmp_path: Path) -> None:
    """Not before it has, and of no other."""
    ends, lives = Other(end), Other("exit 5")
    witness = Witness()
    with _journals(tmp_path, ends.process, lives.process) as (path, living):
        witness.see(path)
        witness.see(living)
        assert witness.exit_code(path) is None
        ends.end()
        assert (witness.exit_code(path), witness.exit_code(living)) == (code, None)
        assert Witness().exit_code(path) is None
    witness.keep(())
    assert witness.exit_code(path) is None
    lives.end()


def test_a_process_is_held_once_and_let_go_with_its_journal(other: Other, tmp_path: Path) -> None:
    """However often it is seen."""
    witness = Witness()
    with _journals(tmp_path, other.process, other.process) as paths:
        before = _open_files()
        for path in (*paths, *paths):
            witness.see(path)
        assert _open_files() == before + 2
        witness.keep(paths)
        assert _open_files() == before + 2
        witness.keep(paths[1:])
        assert _open_files() == before + 1
        witness.keep(())
        assert _open_files() == before


def test_not_all_that_there_are_are_held(other: Other, tmp_path: Path) -> None:
    """A process has only so many descriptors, and work to do with them; who is let go makes room."""
    witness = Witness(most=2)
    with _journals(tmp_path, *[other.process] * 4) as paths:
        before = _open_files()
        for path in paths:
            witness.see(path)
        assert _open_files() == before + 2
        witness.keep(paths[1:])
        witness.see(paths[3])
        assert _open_files() == before + 2
        witness.keep(())


@pytest.mark.parametrize(
    "process",
    [
        {"pid": os.getpid()},
        {"pid": os.getppid()},
        {"ppid": os.getpid()},
        {"ppid": os.getppid()},
        {"host": "another"},
        {"boot": "another"},
        {"pidns": 1},
        {"pid": 2**22 + 1},
        {"pid": "1"},
        {"ppid": []},
    ],
    ids=["ourselves", "our parent", "a child", "a sibling", "host", "boot", "namespace", "dead", "odd", "odder"],
)
def test_who_is_seen_by_somebody_else_or_cannot_be_is_not_held(
    process: dict[str, Any], other: Other, tmp_path: Path
) -> None:
    """Its parent sees it, or its id is another process's here."""
    witness = Witness()
    with _journals(tmp_path, {**other.process, **process}) as (path,):
        before = _open_files()
        witness.see(path)
        assert _open_files() == before


def test_whose_journal_nobody_holds_is_dead_and_its_id_another_processs(other: Other, tmp_path: Path) -> None:
    """As one that cannot be read, or has gone meanwhile."""
    witness = Witness()
    path = tmp_path / "0.jsonl"
    before = _open_files()
    for content in (line_of(other.process), line_of({}), b"[]\n", b"\xff", b""):
        path.write_bytes(content)
        witness.see(path)
    path.unlink()
    witness.see(path)
    assert _open_files() == before


def test_where_the_system_has_no_such_descriptors_nobody_is_held(
    other: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing breaks: macOS has processes to look after, too."""
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    witness = Witness()
    with _journals(tmp_path, other.process) as (path,):
        before = _open_files()
        witness.see(path)
        assert _open_files() == before
        assert witness.exit_code(path) is None
