"""Read what the system still knows of a dead process: how it ended, until its parent has collected that.

A dead process is a zombie until its parent has waited for it; until then `/proc` shows its exit status to every process
of the same user (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from telemetry import _journals
from telemetry._deaths import Death, by_exit_code

_STATE, _PARENT, _STATUS = 0, 1, 49  # after the name, which may contain blanks


def is_here(process: Mapping[str, Any]) -> bool:
    """Return whether a process belongs to this machine's current boot and to our PID namespace."""
    ours = socket.gethostname(), _journals.boot_id(), _journals.pid_namespace()
    return (process.get("host"), process.get("boot"), process.get("pidns")) == ours


def parent_lives(process: Mapping[str, Any]) -> bool:
    """Return whether a dead process has a living parent that will say what killed it."""
    if not process.get("is_child") or not is_here(process):
        return False
    try:
        os.kill(process["ppid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and belongs to another user
        pass
    return True


def death_of(process: Mapping[str, Any], *, seen: int | None = None) -> Death:
    """Return what can be known of a death that no parent has reported; `seen` is the exit code, if anybody saw it."""
    boot = process.get("boot")
    if boot and boot != _journals.boot_id() and process.get("host") == socket.gethostname():
        return Death("machine_gone")
    code = _exit_code(process.get("pid"), process.get("ppid")) if seen is None and is_here(process) else seen
    return Death() if code is None else by_exit_code(code)


def _exit_code(pid: Any, parent: Any) -> int | None:
    """Return how a process that its parent has not waited for ended; None if it is not such a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[_STATE] == "Z" and int(fields[_PARENT]) == parent:
            return os.waitstatus_to_exitcode(int(fields[_STATUS]))
    except (OSError, ValueError, IndexError):
        pass
    return None
