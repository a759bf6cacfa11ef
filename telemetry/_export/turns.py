"""The thread of one exporter, which has its turn when it is woken and at regular times."""

from __future__ import annotations

import threading
from collections.abc import Callable

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value  # as the SDK's own do

from telemetry import _health


class Turns:
    """Calls `turn` on a thread of its own whenever `wake` is set, and at least each `seconds`."""

    def __init__(self, name: str, seconds: float, turn: Callable[[], None]) -> None:
        self._name, self._seconds, self._turn = name, seconds, turn
        self.wake = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._work, name=f"telemetry-{self._name}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # Python 3.12 starts none once the interpreter is ending: a flush exports
            self._thread = None

    def stop(self, *, waiting: float) -> None:
        """Let the thread end, and wait so many seconds for it."""
        thread, self._thread = self._thread, None
        self.wake.set()
        if thread is not None and thread is not threading.current_thread() and waiting:
            thread.join(waiting)

    def _work(self) -> None:
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        me = threading.current_thread()
        while self._thread is me:
            self.wake.wait(self._seconds)
            self.wake.clear()
            if self._thread is not me:
                return
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001  # the thread must not end
                _health.aside(error)
