"""Looking on stands back for what is looked at."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from apps.console.web.background import background_thread


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is the whole process's")
def test_a_background_thread_alone_has_a_lower_priority() -> None:
    """Whoever answers a page in the same process has that of the process."""
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def own() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    with background_thread("looks-on") as thread:
        assert thread.submit(own).result() == min(19, before + 10)
    assert own() == before
