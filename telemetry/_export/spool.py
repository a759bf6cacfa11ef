"""Keep batches on disk while their receiver is away: bounded, oldest dropped first, each sent once by any process.

A batch is a file whose name says when it was put there, by which account, as which of its files, with how many spans and
bytes. Its fate is part of the name too, set by one rename, so that a kill always leaves it in one state:

- `.part`: being written; counted by its account before it is renamed, so that after a kill in between the account's
  last number tells whether it waits or is void;
- `.json`: waiting;
- `.sending`: its sender holds the lock of all senders; the next holder takes the file back;
- `.sent`, `.lost`, `.refused`, `.failed`: done, and removed once the spool's page has counted it;
- `.damaged`: set aside and counted, for a person to look at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from telemetry._export import pages
from telemetry._export.counts import Count, added

_WAITING, _SENDING, _SENT, _DAMAGED, _PART = ".json", ".sending", ".sent", ".damaged", ".part"
_LOST: Mapping[str, str] = {"spool_full": ".lost", "refused": ".refused", "failed": ".failed"}
_DAMAGED_KEPT = 5


@dataclass(frozen=True, slots=True, order=True)
class Batch:
    """One file of a spool; files sort in the order they came."""

    put_ns: int
    account: str
    sequence: int
    spans: int
    size: int
    state: str

    @classmethod
    def named(cls, name: str) -> Batch | None:
        """Return the batch that a file's name describes; None if it is not a batch."""
        stem, dot, state = name.rpartition(".")
        try:
            put_ns, account, sequence, spans, size = stem.split("-")
            return cls(int(put_ns), account, int(sequence), int(spans), int(size), dot + state)
        except ValueError:
            return None

    def name(self, state: str) -> str:
        """Return the file's name in a state."""
        return f"{self.put_ns:020}-{self.account}-{self.sequence}-{self.spans}-{self.size}{state}"


class Spool:
    """The spool of one exporter in a home, shared by all its processes."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._page = folder / "account.json"
        self._gone: dict[str, Count] = {}

    def put(self, data: bytes, *, spans: int, account: str, sequence: int, count: Callable[[], None]) -> Batch:
        """Store a batch and `count` it, dropping the oldest to make room; an error leaves neither file nor count."""
        batch = Batch(time.time_ns(), account, sequence, spans, len(data), _WAITING)
        self._gone.setdefault(account, Count())
        part = self._folder / batch.name(_PART)
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb", buffering=0) as file:
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
            self._page_is_there()
            count()
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        self._move(batch, _PART, _WAITING)
        self._make_room()
        return batch

    def batches(self, *states: str) -> list[Batch]:
        """Return the batches in one of these states, by default the waiting ones, oldest first."""
        try:
            names = [path.name for path in self._folder.iterdir()]
        except OSError:
            return []
        wanted = states or (_WAITING,)
        return sorted(batch for name in names if (batch := Batch.named(name)) is not None and batch.state in wanted)

    def is_idle(self) -> bool:
        """Return whether nothing is left to send, not even from a sender that was killed."""
        return not self.batches(_WAITING, _SENDING)

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """Be the only sending process inside the block; yield False if another one is, or if there is no folder."""
        if not self._folder.is_dir():
            yield False
            return
        with pages.locked(self._folder / "sender.lock", wait=False) as is_ours:
            if is_ours:
                with pages.locked(self._folder / "lock"):
                    for batch in self.batches(_SENDING):  # its sender is gone
                        self._move(batch, _SENDING, _WAITING)
                    self._finish_counting()
            yield is_ours

    def claim(self, batch: Batch) -> bytes | None:
        """Return a waiting batch for sending; None if it is gone."""
        with pages.locked(self._folder / "lock"):
            if not self._move(batch, _WAITING, _SENDING):
                return None
        return (self._folder / batch.name(_SENDING)).read_bytes()

    def release(self, batch: Batch) -> None:
        """Let a claimed batch wait again."""
        self._move(batch, _SENDING, _WAITING)

    def sent(self, batch: Batch, *, rejected: int = 0) -> None:
        """Count and remove a batch that its receiver took, except for the spans that it rejected."""
        with pages.locked(self._folder / "lock"):
            if self._move(batch, _SENDING, _SENT):
                self._count(batch, batch.spans - rejected, {"rejected": rejected} if rejected else {})
                (self._folder / batch.name(_SENT)).unlink(missing_ok=True)

    def lost(self, batch: Batch, reason: str) -> None:
        """Count and remove a claimed batch that nobody will take."""
        with pages.locked(self._folder / "lock"):
            self._lose(batch, _SENDING, reason)

    def damaged(self, batch: Batch) -> None:
        """Count a batch that cannot be read, and set it aside."""
        with pages.locked(self._folder / "lock"):
            if self._move(batch, _SENDING, _DAMAGED):
                self._count(batch, 0, {"damaged": batch.spans})
            for old in self.batches(_DAMAGED)[:-_DAMAGED_KEPT]:
                (self._folder / old.name(_DAMAGED)).unlink(missing_ok=True)

    def take_back(self, batch: Batch) -> bool:
        """Remove a batch that its receiver turns out to have; return whether it was still waiting."""
        with pages.locked(self._folder / "lock"):
            if not self._move(batch, _WAITING, _SENT):
                return False
            self._count(batch, batch.spans, {})
            (self._folder / batch.name(_SENT)).unlink(missing_ok=True)
        return True

    def totals(self) -> tuple[int, dict[str, int]]:
        """Return how many spans were ever sent from here, and how many were dropped, by reason."""
        if self._folder.is_dir():
            with pages.locked(self._folder / "lock"):
                self._finish_counting()
        page = pages.read(self._page)
        return int(page.get("sent", 0)), dict(page.get("dropped", {}))

    def gone(self, account: str) -> Count:
        """Return what has become of spans that this process stored for an account and has since sent or dropped."""
        return self._gone.get(account, Count())

    def finish_parts(self, account: str, counted: int) -> None:
        """Keep a batch that a dead process was storing if the process had counted it.

        The rest are removed: their spans are in a journal, where no valid mark says that they are done.
        """
        for batch in self.batches(_PART):
            if batch.account != account:
                continue
            if batch.sequence > counted:
                (self._folder / batch.name(_PART)).unlink(missing_ok=True)
            else:
                self._move(batch, _PART, _WAITING)

    def _make_room(self) -> None:
        """Drop the oldest batches until the size limit holds."""
        if self._size() <= self._most_bytes:
            return
        with pages.locked(self._folder / "lock"):
            left = self._size()
            for batch in self.batches():
                if left <= self._most_bytes:
                    return
                self._lose(batch, _WAITING, "spool_full")
                left -= batch.size

    def _size(self) -> int:
        return sum(batch.size for batch in self.batches(_WAITING, _SENDING))

    def _lose(self, batch: Batch, state: str, reason: str) -> None:
        if self._move(batch, state, _LOST[reason]):
            self._count(batch, 0, {reason: batch.spans})
            (self._folder / batch.name(_LOST[reason])).unlink(missing_ok=True)

    def _count(self, batch: Batch, sent: int, dropped: Mapping[str, int]) -> None:
        """Count a batch on the page together with its name, which tells a later process that it is counted."""
        page = pages.read(self._page)
        page["sent"] = page.get("sent", 0) + sent
        page["dropped"] = added(page.get("dropped", {}), dropped)
        page["last"] = batch.name("")
        pages.write(self._page, page)
        if (gone := self._gone.get(batch.account)) is not None:
            self._gone[batch.account] = gone + Count(exported=sent, spooled=-batch.spans, dropped=dropped)

    def _finish_counting(self) -> None:
        """Count and remove batches that were sent or dropped by a process killed before it could count them."""
        reasons = {state: reason for reason, state in _LOST.items()}
        for batch in self.batches(_SENT, *reasons):
            if pages.read(self._page).get("last") != batch.name(""):
                reason = reasons.get(batch.state)
                self._count(batch, 0 if reason else batch.spans, {reason: batch.spans} if reason else {})
            (self._folder / batch.name(batch.state)).unlink(missing_ok=True)

    def _page_is_there(self) -> None:
        """Make room for the page before there is anything to count."""
        if not self._page.exists():
            with pages.locked(self._folder / "lock"):
                if not self._page.exists():
                    pages.write(self._page, {})

    def _move(self, batch: Batch, before: str, after: str) -> bool:
        try:
            (self._folder / batch.name(before)).rename(self._folder / batch.name(after))
        except FileNotFoundError:
            return False
        return True


def spools_in(home: Path) -> dict[str, Spool]:
    """Return the spools of a home by their exporter's name, for reading."""
    try:
        return {folder.name: Spool(folder, 0) for folder in (home / "spool").iterdir() if folder.is_dir()}
    except OSError:
        return {}


def spool_of(home: Path, exporter: str, most_bytes: int) -> Spool:
    """Return the spool of an exporter in a home."""
    return Spool(home / "spool" / exporter, most_bytes)
