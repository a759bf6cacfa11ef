"""Folders of the embedded servers: private to their user, and with paths short enough for sockets."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from apps.embedded.errors import EmbeddedServerError
from apps.processes import Account


def _short_hash(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]


SERVERS = "servers"
"""The folder in a home for locks and logs."""

CHECKOUT = Path(__file__).resolve().parents[2]
ROOTS_FILES = Path("/var/lib/synctrace") / _short_hash(CHECKOUT)
"""The folder for what root's servers need, since `nobody` may be unable to reach the checkout."""

_OWNER = "home"  # the file next to root's data that names its home
_RUNTIME_PREFIX = "synctrace-"
_RUNTIME_LIMIT = 70  # bytes, so that the sockets below stay within sockaddr_un (107; 103 on macOS)


def private(folder: Path, *, account: Account | None = None) -> Path:
    """Create `folder` if it is missing, for its owner only: `account`, or this process's user."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        account.give(folder)
    return folder


def data(home: Path, *, account: Account | None) -> Path:
    """Return the place of PostgreSQL's data, `home/postgresql/data`; for root that is a link into `ROOTS_FILES`.

    Without that link (the home was removed, copied or moved) root starts afresh, as an ordinary user would.
    """
    place = home / "postgresql"
    if account is None:
        return private(place) / "data"
    if place.exists() and not place.is_symlink():
        raise EmbeddedServerError(
            f"{place} belongs to an ordinary user: run the command as that user, or set SYNCTRACE_HOME to another folder."
        )
    target = roots_files() / _short_hash(home)
    if not place.is_symlink() or place.readlink() != target:
        place.unlink(missing_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        place.symlink_to(target)
    private(target, account=account)
    (target / _OWNER).write_text(str(home))
    return target / "data"


def roots_files() -> Path:
    """Create `ROOTS_FILES` if it is missing; anybody may traverse it, and nobody may list it."""
    for folder, mode in ((ROOTS_FILES.parent, 0o755), (ROOTS_FILES, 0o711)):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(mode)
    return ROOTS_FILES


@contextlib.contextmanager
def runtime() -> Iterator[Path]:
    """Create a folder with a short path for sockets and throw-away data, and remove it after the block."""
    usual = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix=_RUNTIME_PREFIX, dir=usual if _fits(usual) else "/tmp"))  # noqa: S108
    try:
        if os.geteuid() == 0:
            folder.chmod(0o711)  # `nobody` traverses it to its own folder inside
        yield folder
    finally:
        remove_runtime(str(folder))


def remove_runtime(folder: str | None) -> None:
    """Remove a runtime folder of ours; leave None and anything else alone."""
    if folder and Path(folder).name.startswith(_RUNTIME_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def _fits(folder: str) -> bool:
    return len(os.fsencode(folder)) < _RUNTIME_LIMIT and "," not in folder and '"' not in folder


def remove_data(home: Path) -> None:
    """Remove PostgreSQL's data for `home`."""
    place = home / "postgresql"
    if place.is_symlink():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
    shutil.rmtree(ROOTS_FILES / _short_hash(home), ignore_errors=True)


def remove_leftovers() -> None:
    """Remove everything from `ROOTS_FILES` except the data of existing homes."""
    for copy in ROOTS_FILES.glob("postgresql-*"):
        shutil.rmtree(copy)
    for owner in ROOTS_FILES.glob(f"*/{_OWNER}"):
        if not Path(owner.read_text()).exists():
            shutil.rmtree(owner.parent)
    for folder in (ROOTS_FILES, ROOTS_FILES.parent):
        with contextlib.suppress(OSError):  # missing, or with something else in it
            folder.rmdir()
