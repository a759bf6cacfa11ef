"""See how other processes of a home end: hold on to one while it lives, and ask for its exit status afterwards.

Since 6.15, Linux tells it to any process with a descriptor of the dead one, whoever its parent is
(https://man7.org/linux/man-pages/man2/pidfd_open.2.html, `PIDFD_GET_INFO`). On other systems no process is watched.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Collection
from pathlib import Path

import orjson

from telemetry import _journals
from telemetry._export.remains import is_here

_INFO = struct.Struct("=QQ11Ii")
_GET_INFO = 0xC040_FF0B  # `_IOWR(0xFF, 11, struct pidfd_info)`, which has 64 bytes
_EXIT = 1 << 3
_MOST_HELD = 64


class Witness:
    """Holds on to the processes of all journals except this process's and its siblings', which their parent watches.

    There are at most `most` of them, as each takes a descriptor.
    """

    def __init__(self, *, most: int = _MOST_HELD) -> None:
        self._most = most
        self._held: dict[Path, int] = {}

    def see(self, path: Path) -> None:
        """Hold on to the living process of a journal."""
        if path in self._held or len(self._held) >= self._most:
            return
        try:
            with path.open("rb") as lines:
                process = orjson.loads(lines.readline())
            if not is_here(process) or {os.getpid(), os.getppid()} & {process["pid"], process["ppid"]}:
                return
            held = os.pidfd_open(process["pid"])
        except (OSError, AttributeError, KeyError, TypeError, ValueError):  # it has just ended, or cannot be held
            return
        if _holds_lock(path):  # so this id still belongs to that process
            self._held[path] = held
        else:
            os.close(held)

    def keep(self, paths: Collection[Path]) -> None:
        """Let go of the processes of all other journals, which have ended properly."""
        for path in self._held.keys() - set(paths):
            os.close(self._held.pop(path))

    def exit_code(self, path: Path) -> int | None:
        """Return the exit code of a journal's process, as in `subprocess`; None if it is unknown."""
        if path not in self._held:
            return None
        info = bytearray(_INFO.size)
        struct.pack_into("=Q", info, 0, _EXIT)
        try:
            fcntl.ioctl(self._held[path], _GET_INFO, info)
        except OSError:
            return None
        mask, *_, status = _INFO.unpack(info)
        return os.waitstatus_to_exitcode(status) if mask & _EXIT else None


def _holds_lock(path: Path) -> bool:
    """Return whether a journal's process lives."""
    descriptor = _journals.locked(path, shared=True)
    if descriptor is None:
        return path.exists()
    os.close(descriptor)
    return False
