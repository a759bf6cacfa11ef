"""One thread per process, which keeps its journal alive and looks for journals of dead processes."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable

BEAT_SECONDS = 1.0
"""How often a process with open spans shows that it lives."""
_BEATS_A_LOOK = 2


class Watch:
    """Once begun, calls `beat` every second, and `look` at once and every two seconds; a forked child begins afresh."""

    def __init__(self, *, beat: Callable[[], None], look: Callable[[], None]) -> None:
        self._beat, self._look = beat, look
        self._thread: threading.Thread | None = None
        self._looking = threading.Lock()
        after_fork = weakref.WeakMethod(self._after_fork)
        os.register_at_fork(after_in_child=lambda: (after_fork() or (lambda: None))())

    def begin(self) -> None:
        """Begin on a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="telemetry-watch", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # Python 3.12 starts none once the interpreter is ending
                self._thread = None

    def force_flush(self, timeout_millis: int) -> bool:
        """Look now, as at the end of the process or of some work; a look already under way finishes first."""
        self._look_alone()
        return True

    def _look_alone(self) -> None:
        with self._looking:
            self._look()

    def _after_fork(self) -> None:
        self._thread, self._looking = None, threading.Lock()

    def _run(self) -> None:
        while True:
            self._look_alone()
            for _ in range(_BEATS_A_LOOK):
                time.sleep(BEAT_SECONDS)
                self._beat()
