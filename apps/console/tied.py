"""``python -m apps.console.tied PARENT ARGUMENT...``: Python with these arguments, ended when process PARENT dies.

A launcher and not a ``preexec_fn``, which may deadlock in a process that has threads, as ours has for its exporters.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def main(parent: int, arguments: Sequence[str]) -> None:
    """This process has become the program; on Linux the kernel sends it SIGTERM when ``parent`` dies: prctl(2)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:
            sys.exit(1)  # it died before the kernel knew
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606  # our own programs; execve keeps the request


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
