"""Become another program that ends when its parent does: `python launcher.py PARENT SIGNAL UID GID PROGRAM ARGUMENT...`.

On Linux the kernel sends it SIGNAL when process PARENT dies (prctl(2)). This is a separate program because a
`preexec_fn` may deadlock in a process with threads. UID and GID, unless they are `-`, are taken on first, because the
kernel forgets the request when the account changes. It is run by its path, since its account may be unable to see
anything else of the checkout.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_RUN = 126  # the exit code that a shell uses for this


def launch(*, parent: int, number: int, uid: str, gid: str, command: list[str]) -> None:
    """Replace this process with `command`, which gets signal `number` when `parent` dies."""
    if gid != "-":
        os.setgroups([])
        os.setgid(int(gid))
    if uid != "-":
        os.setuid(int(uid))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            sys.exit(1)  # it died before we asked
    try:
        os.execv(command[0], command)  # noqa: S606  # a program of ours; the request survives execve
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
        sys.exit(_CANNOT_RUN)


if __name__ == "__main__":
    launch(parent=int(sys.argv[1]), number=int(sys.argv[2]), uid=sys.argv[3], gid=sys.argv[4], command=sys.argv[5:])
