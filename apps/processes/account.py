"""System accounts that programs run under."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Account:
    """A system account that a program runs under."""

    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Give `path` to this account only."""
        os.chown(path, self.uid, self.gid)
        path.chmod(0o700)


def unprivileged_account() -> Account | None:
    """Return the account for programs that refuse to run as root; None for an ordinary user, who needs none."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)
