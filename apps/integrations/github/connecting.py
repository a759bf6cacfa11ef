"""Open a connection in a thread of its own: a name lookup has no deadline, and no signal interrupts it."""

from __future__ import annotations

import _thread
import socket
from collections.abc import Callable
from concurrent.futures import Future, wait

from apps.utils.boottime import boottime
from apps.utils.clock import ATTENTION_SECONDS


def opened(connect: Callable[[], socket.socket], *, seconds: float, attend: Callable[[], None] | None) -> socket.socket:
    """Return the socket that `connect` opens, or raise what it raises, or TimeoutError after `seconds`.

    Meanwhile `attend` is called every second. If it raises or the time is up, a socket that opens later is closed at
    once.
    """
    opening: Future[socket.socket] = Future()
    try:
        # A signal's exception in the middle of `Thread.start` would come out as a KeyError of its bookkeeping.
        _thread.start_new_thread(_open, (connect, opening))
        ends = boottime() + seconds
        while (left := ends - boottime()) > 0:
            if wait([opening], timeout=min(left, ATTENTION_SECONDS)).done:
                return opening.result()
            if attend is not None:
                attend()
        raise TimeoutError(f"no connection after {seconds:g} s")
    except BaseException:
        opening.add_done_callback(_close)
        raise


def _open(connect: Callable[[], socket.socket], opening: Future[socket.socket]) -> None:
    try:
        opening.set_result(connect())
    except Exception as error:  # noqa: BLE001  # it is raised in the waiting caller
        opening.set_exception(error)


def _close(opening: Future[socket.socket]) -> None:
    if opening.exception() is None:
        opening.result().close()
