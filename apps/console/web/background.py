"""Threads that serve whoever looks on, and stand back for what is looked at."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

_NICER = 10


def background_thread(name: str) -> ThreadPoolExecutor:
    """Return one thread, and so one connection, to which the machine gives what its other work leaves where both want it."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=name, initializer=_stand_back)


def _stand_back() -> None:
    if sys.platform == "linux":  # elsewhere a priority is the whole process's
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICER)
