"""Note the lines that a program comes by, for the test that has started it (`tests.mutants.seen_lines`).

Python imports this as the program starts, since its folder is on the path. A line is written as it is met for the first
time: whoever is killed has no other moment, and a forked child has what its parent met.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

_test, _file, _checkout = (os.environ.get(f"SEEN_{name}", "") for name in ("AS", "OF_PROGRAMS", "AT"))
_folders = (f"{_checkout}/apps/", f"{_checkout}/telemetry/")
_seen: set[tuple[str, int]] = set()


def _on_call(frame: FrameType, _event: str, _argument: Any) -> Any:
    return _on_line if frame.f_code.co_filename.startswith(_folders) else None


def _on_line(frame: FrameType, event: str, _argument: Any) -> Any:
    met = frame.f_code.co_filename, frame.f_lineno
    if event == "line" and met not in _seen:
        _seen.add(met)
        with suppress(OSError):  # a program that may write nothing, or has no file left to open, is seen no further
            file = os.open(_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            os.write(file, f"{_test}\t{os.path.relpath(met[0], _checkout)}\t{met[1]}\n".encode())
            os.close(file)
    return _on_line


if _file:
    threading.settrace(_on_call)
    sys.settrace(_on_call)
