"""One process's account of its spans, in a small file that outlives the process.

The numbers are in shared memory, so that a SIGKILL leaves them exact and counting costs no system call. On a file
system that might have no room even for a page already allocated (because it copies on write, or is on another machine),
touching such memory could kill the process; there the file is written after each batch instead.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import socket
import time
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telemetry._export import pages
from telemetry._export.counts import REASONS, Count
from telemetry._export.marks import Mark

_SIZE, _TEXT_AT = 4096, 2048
_STARTED, _ENDED = 1, 2
_FIRST, _BLOCK = 8, 24
_EXPORTED, _SPOOLED, _SEQUENCE, _TROUBLE, _SINCE, _OTHERS, _FOUND, _DROPPED = range(8)
_BEGUN, _COUNTED, _OTHERS_BEGUN, _OTHERS_COUNTED = range(_BLOCK - 4, _BLOCK)
_MOST_EXPORTERS = (_TEXT_AT // 8 - _FIRST) // _BLOCK
_VERSION = 1
_DISK = frozenset({"disk_full", "unwritable"})
_SAFE_TO_MAP = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs", "overlay"})
"""File systems where an allocated page stays allocated."""


class Account:
    """This process's counters; callers that change them hold the lock of the span processor."""

    def __init__(self, folder: Path | None, names: Sequence[str]) -> None:
        self.id = f"{socket.gethostname().replace('-', '_')[:32]}.{os.getpid()}.{time.time_ns()}"
        self._folder = folder
        self._text = {"pid": os.getpid(), "host": socket.gethostname(), "exporters": list(names[:_MOST_EXPORTERS])}
        self._page = bytearray(_SIZE)
        self._map: mmap.mmap | None = None
        self._file = -1
        self.numbers = memoryview(self._page).cast("q")
        self.numbers[0] = _VERSION
        self._write_text(self._page)

    @property
    def is_filed(self) -> bool:
        """Return whether the account has its file."""
        return self._file >= 0

    def file(self) -> None:
        """Put the account into its file, unless it is there or is to have none; raise OSError if the disk is full."""
        if self._folder is None or self._file >= 0:
            return
        path = self._folder / f"{self.id}.account"
        with pages.locked(self._folder / "lock"):
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as long as this process lives
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file, 0, _SIZE)
                os.pwrite(file, self._page, 0)
                if _is_safe_to_map(file):
                    self._map = mmap.mmap(file, _SIZE)
                    self.numbers = memoryview(self._map).cast("q")
            except OSError:
                path.unlink(missing_ok=True)
                os.close(file)
                raise
            self._file = file

    def save(self) -> None:
        """Bring the file up to date if it is not the memory itself."""
        if self._file >= 0 and self._map is None:
            os.pwrite(self._file, self._page, 0)

    def forget(self) -> None:
        """Leave the file to this process's parent; keeping it open would hold its lock."""
        self._folder = None
        if self._map is not None:
            self.numbers.release()
            self.numbers = memoryview(self._page).cast("q")
            self._map.close()  # the mapping keeps the file open too
            self._map = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def start(self) -> None:
        """Count a span that has started."""
        self.numbers[_STARTED] += 1

    def end(self) -> None:
        """Count a span that has ended."""
        self.numbers[_ENDED] += 1

    def begin(self, exporter: int, *, of_others: bool = False) -> Mark | None:
        """Return the mark for what is about to be counted for one exporter; None while the account has no file.

        There may be one mark at a time, and one more for the spans of other processes, which are gone.
        """
        at = _FIRST + exporter * _BLOCK + (_OTHERS_BEGUN if of_others else _BEGUN)
        self.numbers[at] += 1
        return Mark(self.id, -self.numbers[at] if of_others else self.numbers[at]) if self.is_filed else None

    def count(
        self,
        exporter: int,
        *,
        exported: int = 0,
        spooled: int = 0,
        sequence: int | None = None,
        dropped: Mapping[str, int] | None = None,
        others: int | None = None,
        lost: int = 0,
    ) -> None:
        """Count at once what `begin` announced: spans that the exporter with this number has taken or will never have.

        The `spooled` ones are in this process's file number `sequence`. `others` of them belong to a process that is
        gone, which has counted `lost` of them as lost.
        """
        at = _FIRST + exporter * _BLOCK
        block = array("q", self.numbers[at : at + _BLOCK])
        block[_EXPORTED] += exported
        block[_SPOOLED] += spooled
        block[_SEQUENCE] = block[_SEQUENCE] if sequence is None else sequence
        for reason, spans in (dropped or {}).items():
            block[_DROPPED + REASONS.index(reason)] += spans
        if others is None:
            block[_COUNTED] = block[_BEGUN]
        else:
            block[_OTHERS] += others
            block[_FOUND] += lost
            block[_OTHERS_COUNTED] = block[_OTHERS_BEGUN]
        self.numbers[at : at + _BLOCK] = memoryview(block)  # one copy, so that no SIGKILL can come in between
        with suppress(OSError):  # the exporting thread tries again
            self.save()

    def trouble(self, exporter: int, reason: str | None) -> None:
        """Note why nothing is exported from now on, or None once it is again."""
        at = _FIRST + exporter * _BLOCK
        number = 0 if reason is None else REASONS.index(reason) + 1
        if self.numbers[at + _TROUBLE] != number:
            self.numbers[at + _TROUBLE] = number
            self.numbers[at + _SINCE] = time.time_ns() if number else 0

    def counts(self) -> dict[str, Count]:
        """Return what has become of this process's spans so far, by exporter."""
        return Filed.of(self.id, bytes(self._map[:] if self._map is not None else self._page)).counts(is_alive=True)

    def _write_text(self, page: bytearray) -> None:
        text = json.dumps(self._text).encode()
        page[_TEXT_AT : _TEXT_AT + len(text)] = text


@dataclass(frozen=True, slots=True)
class Filed:
    """An account as read from its file."""

    id: str
    exporters: tuple[str, ...]
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, account: str, page: bytes) -> Filed:
        """Read an account; raise ValueError if the page is not one."""
        if len(page) != _SIZE:
            raise ValueError("an account is a page")
        numbers = tuple(memoryview(page).cast("q")[: _TEXT_AT // 8])
        if numbers[0] != _VERSION:
            raise ValueError(f"this account is of version {numbers[0]}")
        text: Any = json.loads(page[_TEXT_AT:].rstrip(b"\0"))
        return cls(account, tuple(text["exporters"]), numbers)

    def counts(self, *, is_alive: bool) -> dict[str, Count]:
        """Return what has become of the spans, by exporter.

        If the process is gone, its open spans have died and those in its memory are dropped.
        """
        return {name: self._count(number, is_alive) for number, name in enumerate(self.exporters)}

    def sequence(self, exporter: str) -> int:
        """Return the number of the last counted file in the exporter's spool."""
        return self.numbers[_FIRST + self.exporters.index(exporter) * _BLOCK + _SEQUENCE]

    def has_counted(self, exporter: str, number: int) -> bool:
        """Return whether the process has counted the spans under the mark with this number."""
        if exporter not in self.exporters:
            return True
        at = _FIRST + self.exporters.index(exporter) * _BLOCK
        return number <= self.numbers[at + _COUNTED] and -number <= self.numbers[at + _OTHERS_COUNTED]

    def uncounted(self) -> dict[str, tuple[int, int]]:
        """Return the last counted marks of the exporters for which the process had begun another one."""
        blocks = {name: self.numbers[_FIRST + at * _BLOCK :][:_BLOCK] for at, name in enumerate(self.exporters)}
        return {
            name: (block[_COUNTED], block[_OTHERS_COUNTED])
            for name, block in blocks.items()
            if (block[_BEGUN], block[_OTHERS_BEGUN]) != (block[_COUNTED], block[_OTHERS_COUNTED])
        }

    def _count(self, exporter: int, is_alive: bool) -> Count:
        block = self.numbers[_FIRST + exporter * _BLOCK : _FIRST + (exporter + 1) * _BLOCK]
        started, ended = self.numbers[_STARTED] + block[_OTHERS], self.numbers[_ENDED] + block[_OTHERS]
        dropped = {reason: number for reason, number in zip(REASONS, block[_DROPPED:], strict=False) if number}
        held = ended - block[_EXPORTED] - block[_SPOOLED] - sum(dropped.values())
        trouble = REASONS[block[_TROUBLE] - 1] if block[_TROUBLE] else None
        if not is_alive and held:
            is_without_spool = trouble == "unreachable" and not block[_SPOOLED]
            reason = trouble if trouble in _DISK or (trouble is not None and is_without_spool) else "killed"
            dropped[reason] = dropped.get(reason, 0) + held
        return Count(
            started=started,
            open=started - ended if is_alive else 0,
            queued=held if is_alive else 0,
            spooled=block[_SPOOLED],
            exported=block[_EXPORTED],
            died=0 if is_alive else started - ended,
            dropped=dropped,
            found=block[_FOUND],
            trouble=trouble if is_alive else None,
            trouble_since_ns=block[_SINCE] if is_alive else 0,
        )


def _is_safe_to_map(file: int) -> bool:
    """Return whether memory mapped to this file can always be written."""
    if not hasattr(os, "posix_fallocate"):
        return False
    device = os.fstat(file).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="replace") as mounts:
            for mount in mounts:
                fields = mount.split()
                if fields[2] == wanted:
                    return fields[fields.index("-") + 1] in _SAFE_TO_MAP
    except (OSError, ValueError, IndexError):
        return False
    return False
