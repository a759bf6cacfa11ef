"""The thread that keeps a process's journal alive and looks for those of the dead."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from telemetry._export import watching
from telemetry._export.watching import Watch
from telemetry._spans import provider

BEAT_SECONDS = 0.02


class Watched:
    """What a watch has called, and when; its thread ends with the last call that it may make."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, most: int) -> None:
        monkeypatch.setattr(watching, "BEAT_SECONDS", BEAT_SECONDS)
        monkeypatch.setattr(threading, "excepthook", lambda _: None)
        self._most = most
        self._is_over = threading.Event()
        self.calls: list[tuple[str, float]] = []
        self.watch = Watch(beat=lambda: self._called("beat"), look=lambda: self._called("look"))

    def _called(self, name: str) -> None:
        self.calls.append((name, time.monotonic()))
        if len(self.calls) == self._most:
            self._is_over.set()
            raise SystemExit

    def wait(self) -> bool:
        """Return whether all calls have been made, once the thread has ended."""
        if not self._is_over.wait(10.0) or self.watch._thread is None:
            return False
        self.watch._thread.join(10.0)
        return not self.watch._thread.is_alive()

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


def test_it_looks_at_once_and_after_every_second_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, with time in between; the second time that it begins it has begun."""
    watched = Watched(monkeypatch, most=7)
    assert watched.calls == []
    began = time.monotonic()
    watched.watch.begin()
    watched.watch.begin()
    assert watched.wait()
    assert watched.names == ["look", "beat", "beat", "look", "beat", "beat", "look"]
    assert watched.calls[-1][1] - began >= 4 * BEAT_SECONDS


def test_whoever_ends_looks_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not it has begun."""
    watched = Watched(monkeypatch, most=9)
    assert watched.watch.force_flush(5)
    assert watched.names == ["look"]


def test_whoever_ends_waits_for_a_look_that_goes_on() -> None:
    """It has taken what is held, and not yet exported it."""
    told: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def look() -> None:
        told.append("begins")
        begun.set()
        assert may_end.wait(10.0)
        told.append("ends")

    watch = Watch(beat=lambda: None, look=look)
    first, last = (threading.Thread(target=watch.force_flush, args=(1,), daemon=True) for _ in range(2))
    first.start()
    assert begun.wait(10.0)
    last.start()
    last.join(0.2)
    assert told == ["begins"]
    may_end.set()
    last.join(10.0)
    assert told == ["begins", "ends"] * 2


def test_a_child_that_is_forked_meanwhile_does_not_wait_for_its_parents_look() -> None:
    """The thread that looks is not in the child, and would never let go."""
    begun, may_end, parent = threading.Event(), threading.Event(), os.getpid()

    def look() -> None:
        if os.getpid() == parent:
            begun.set()
            may_end.wait(10.0)

    watch = Watch(beat=lambda: None, look=look)
    looking = threading.Thread(target=watch.force_flush, args=(1,), daemon=True)
    looking.start()
    assert begun.wait(10.0)
    child = os.fork()
    if child == 0:
        signal.alarm(5)  # kills it where it waits
        watch.force_flush(1)
        os._exit(0)
    may_end.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    looking.join(10.0)


def test_a_child_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parent's thread is not its own."""
    watched = Watched(monkeypatch, most=1)
    watched.watch.begin()
    assert watched.wait()
    watched.calls.clear()
    watched._is_over.clear()
    child = os.fork()
    if not child:
        watched.watch.begin()
        os._exit(7 if watched.wait() and watched.names == ["look"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_watch_that_is_gone_is_no_error_in_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is registered for a fork stays registered."""
    errors: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", errors.append)
    watch = Watch(beat=lambda: None, look=lambda: None)
    del watch
    gc.collect()
    child = os.fork()
    if not child:
        os._exit(len(errors))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_thread_that_could_not_start_is_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a process has no more threads, or is about to end; and none keeps it from ending."""
    watched = Watched(monkeypatch, most=1)
    with monkeypatch.context() as patched:

        def cannot(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patched.setattr(threading.Thread, "start", cannot)
        watched.watch.begin()
    watched.watch.begin()
    assert watched.wait()
    assert watched.watch._thread is not None
    assert watched.watch._thread.daemon


def test_a_worker_looks_after_the_dead_where_it_has_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one there are no dead to look after; that it is a child is known either way."""
    begun: list[bool] = []
    monkeypatch.setattr(provider._process, "watch", SimpleNamespace(begin=lambda: begun.append(True)))
    for folder, times, is_child in ((None, 0, True), (tmp_path, 1, False)):
        monkeypatch.setattr(provider._process, "journal_folder", folder)
        monkeypatch.setattr(provider._process, "is_child", not is_child)
        provider.watch(is_child=is_child)
        assert (len(begun), provider._process.is_child) == (times, is_child)
    monkeypatch.setattr(provider._process, "watch", None)
    provider.watch(is_child=False)
