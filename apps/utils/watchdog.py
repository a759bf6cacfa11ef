"""A kernel timer that kills this process at a given moment, even while it is frozen.

Checking a clock cannot prevent an action after a deadline: the process may be stopped between the check and the action,
and act on waking. SIGKILL from a timer set before the check comes first: a stopped process dies where it stands, and
one that slept with its machine dies before it runs another instruction.
"""

from __future__ import annotations

import ctypes
import math
import signal
import sys
import time

_SIGEV_SIGNAL = 0
_TIMER_ABSTIME = 1


class Watchdog:
    """Kills the process at a moment unless it is disarmed before.

    It needs Linux, and a kernel with a timer left; otherwise nothing is killed. The first process of a container is
    spared, as by every signal from inside. A clock that stood still with its whole virtual machine shows nothing.
    """

    def __init__(self) -> None:
        self._timer: ctypes.c_void_p | None = None

    def arm(self, moment: float) -> None:
        """Let the process die at `moment`, in `boottime`, or at once if that has passed."""
        self.disarm()
        if _libc is None or math.isinf(moment):
            return
        timer, how = ctypes.c_void_p(), _HowToNotify(signo=signal.SIGKILL, notify=_SIGEV_SIGNAL)
        if _libc.timer_create(time.CLOCK_BOOTTIME, ctypes.byref(how), ctypes.byref(timer)) == 0:
            self._timer = timer
            when = _Setting(value=_TimeSpec(int(moment), int(moment % 1 * 1e9)))
            _libc.timer_settime(timer, _TIMER_ABSTIME, ctypes.byref(when), None)

    def disarm(self) -> None:
        """Disarm the timer."""
        if _libc is not None and self._timer is not None:
            _libc.timer_delete(self._timer)
            self._timer = None


class _HowToNotify(ctypes.Structure):
    """The head of `struct sigevent`, and room for the rest of it."""

    _fields_ = (("value", ctypes.c_void_p), ("signo", ctypes.c_int), ("notify", ctypes.c_int), ("_rest", ctypes.c_char * 48))


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


def _load() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    for name in (None, "librt.so.1"):  # their place before glibc 2.34
        library = ctypes.CDLL(name)
        if hasattr(library, "timer_create"):
            return library
    return None


_libc = _load()
