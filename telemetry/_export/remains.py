"""What the system still says of a process that is dead: how it ended, as long as nobody has asked for that.

A dead process is a zombie until its parent has waited for it; until then its exit status stands in `/proc`, for every
process of the same user (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from telemetry import _journals
from telemetry._deaths import Death, by_exit_code

_STATE, _PARENT, _STATUS = 0, 1, 49  # behind the name, which may have blanks in it


def is_here(process: Mapping[str, Any]) -> bool:
    """Return whether a process is, or was, one of this machine since its last start, and has the ids that it has for us."""
    ours = socket.gethostname(), _journals.boot_id(), _journals.pid_namespace()
    return (process.get("host"), process.get("boot"), process.get("pidns")) == ours


def parent_lives(process: Mapping[str, Any]) -> bool:
    """Return whether a dead process has a parent that lives and will say what killed it."""
    if not process.get("is_child") or not is_here(process):
        return False
    try:
        os.kill(process["ppid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is somebody else's
        pass
    return True


def death_of(process: Mapping[str, Any], *, seen: int | None = None) -> Death:
    """Return what is to be known of a death of which no parent has spoken; `seen` is the exit code, if anybody saw it."""
    boot = process.get("boot")
    if boot and boot != _journals.boot_id() and process.get("host") == socket.gethostname():
        return Death("machine_gone")
    code = _exit_code(process.get("pid"), process.get("ppid")) if seen is None and is_here(process) else seen
    return Death() if code is None else by_exit_code(code)


def _exit_code(pid: Any, parent: Any) -> int | None:
    """Return how the child of a parent that has not waited for it ended; None if it is no such child."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[_STATE] == "Z" and int(fields[_PARENT]) == parent:
            return os.waitstatus_to_exitcode(int(fields[_STATUS]))
    except (OSError, ValueError, IndexError):
        pass
    return None
