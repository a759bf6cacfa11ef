"""Become another program that ends when its parent does: `python tied.py PARENT SIGNAL UID GID PROGRAM ARGUMENT...`.

On Linux the kernel sends SIGNAL when process PARENT dies (prctl(2)). A launcher does it, and not a `preexec_fn`, which may
deadlock in a process that has threads. UID and GID, where they are not -, are taken on first: a change of account would make
the kernel forget what it was asked for. Run by its path: the account that runs it may see nothing else of the checkout.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_RUN = 126  # as a shell has it


def become(*, parent: int, number: int, uid: str, gid: str, command: list[str]) -> None:
    """Replace this process by `command`, tied to `parent`."""
    if gid != "-":
        os.setgroups([])
        os.setgid(int(gid))
    if uid != "-":
        os.setuid(int(uid))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            sys.exit(1)  # it died before the kernel knew
    try:
        os.execv(command[0], command)  # noqa: S606  # a program of ours; execve keeps the kernel's promise
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
        sys.exit(_CANNOT_RUN)


if __name__ == "__main__":
    become(parent=int(sys.argv[1]), number=int(sys.argv[2]), uid=sys.argv[3], gid=sys.argv[4], command=sys.argv[5:])
