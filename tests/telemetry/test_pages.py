"""Files that several processes change in turn: one at a time, a page as a whole, and nothing for everybody to read."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from telemetry._export import pages
from telemetry._export.accounts import Account
from telemetry._export.journal import Journal
from telemetry._export.line_files import LineFile


def test_a_lock_is_one_holders_and_the_next_waits_or_does_not(tmp_path: Path) -> None:
    """As it asks for; the folder is made for it, with those above."""
    path = tmp_path / "home" / "ledger" / "lock"
    is_in, order = threading.Event(), list[str]()

    def next_one() -> None:
        is_in.set()
        with pages.locked(path) as is_ours:
            order.append(f"next: {is_ours}")

    with pages.locked(path) as is_ours:
        assert is_ours
        with pages.locked(path, wait=False) as too_early:
            assert not too_early
        waiting = threading.Thread(target=next_one)
        waiting.start()
        assert is_in.wait(10)
        waiting.join(0.2)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "next: True"]
    with pages.locked(path, wait=False) as is_free:
        assert is_free


def test_a_page_is_what_was_written_last_and_fills_pages_of_memory(tmp_path: Path) -> None:
    """Shorter or longer than before; a write of whole pages is never torn."""
    path = tmp_path / "page"
    assert pages.read(path) == {}
    for content in ({"sent": 1, "dropped": {"refused": 2}}, {"sent": 10**18, "last": "x" * 200}, {}):
        pages.write(path, content)
        assert pages.read(path) == content
        assert path.stat().st_size == 4096 == path.read_bytes().index(b"\n") + 1
    for spoilt in (b"", b"[]", b"{", b"\xff"):
        path.write_bytes(spoilt)
        assert pages.read(path) == {}


@pytest.fixture
def _open_to_all() -> Iterator[None]:
    """Nothing is taken from the permissions that a file is made with."""
    before = os.umask(0)
    yield
    os.umask(before)


def _lock(folder: Path) -> None:
    with pages.locked(folder / "lock"):
        pass


def _account(folder: Path) -> None:
    account = Account(folder, ["file"])
    account.file()
    account.forget()


def _journal(folder: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Journal(folder, most_waiting=9))
    provider.get_tracer("t").start_span("open")


def _lines(folder: Path) -> None:
    file = LineFile(folder / "lines", rotate_bytes=1)
    for _ in range(2):
        file.write(b"a line\n")
        file.close()
    file._follow()
    file._rotate()
    file.close()


@pytest.mark.usefixtures("_open_to_all")
@pytest.mark.parametrize("make", [_lock, lambda folder: pages.write(folder / "page", {}), _account, _journal, _lines])
def test_what_a_home_holds_is_for_its_owner_and_group(make: Callable[[Path], None], tmp_path: Path) -> None:
    """Whoever is neither reads none of it; the group, as somebody who watches, may read and does not write."""
    make(tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes
    assert set(modes.values()) == {stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP}, modes
