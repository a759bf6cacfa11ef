"""The sums over all processes of a home: those that live, those that have ended, and what is in the spool."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from telemetry._export import pages
from telemetry._export.accounts import Filed
from telemetry._export.counts import Count, added
from telemetry._export.spool import spools_in

FOLDER = "ledger"
_FOLDED_KEPT = 16


def read(home: Path) -> dict[str, Count]:
    """Return what became of every span that was started in a home, by exporter."""
    folder = home / FOLDER
    if not folder.is_dir():
        return {}
    with pages.locked(folder / "lock"):
        sums = _of_the_ended(home)
        for _, filed in _accounts(folder):
            for name, count in filed.counts(is_alive=True).items():
                sums[name] = sums.get(name, Count()) + count
    return {name: _with_spool(home, name, count).without_found() for name, count in sums.items()}


def settle(home: Path) -> None:
    """Add the accounts of processes that are gone to the sum of all such, and remove them."""
    folder = home / FOLDER
    if folder.is_dir():
        with pages.locked(folder / "lock"):
            _of_the_ended(home)


def _of_the_ended(home: Path) -> dict[str, Count]:
    """Fold what has ended into the page of all that has, and return it; whoever calls holds the lock."""
    page_path = home / FOLDER / "ended.json"
    page = pages.read(page_path)
    for path in _paths(home / FOLDER):
        with _over(path) as filed:
            if filed is None:
                continue
            if filed.id not in page.get("folded", []):
                sums = {name: _count_of(found) for name, found in page.get("exporters", {}).items()}
                for name, count in filed.counts(is_alive=False).items():
                    sums[name] = sums.get(name, Count()) + _with_parts(home, name, filed, count)
                page = {
                    "folded": [*page.get("folded", []), filed.id][-_FOLDED_KEPT:],
                    "exporters": {name: _as_found(count) for name, count in sums.items()},
                }
                pages.write(page_path, page)
            path.unlink(missing_ok=True)
    return {name: _count_of(found) for name, found in page.get("exporters", {}).items()}


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.account"))


def _accounts(folder: Path) -> Iterator[tuple[Path, Filed]]:
    for path in _paths(folder):
        if (filed := _filed(path)) is not None:
            yield path, filed


def _filed(path: Path) -> Filed | None:
    try:
        return Filed.of(path.name.removesuffix(".account"), path.read_bytes())
    except (OSError, ValueError, KeyError):  # it has just gone, or is a later version's
        return None


@contextmanager
def _over(path: Path) -> Iterator[Filed | None]:
    """Hold the account of a process that is gone inside, as that has left it; yield None while it lives.

    It held a lock on it, so that what is read under that lock is the last word.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
        else:
            yield _filed(path)
    finally:
        os.close(file)


def _with_parts(home: Path, exporter: str, filed: Filed, count: Count) -> Count:
    """Let what a process that was killed had written for the spool, and not counted yet, wait there."""
    spool = spools_in(home).get(exporter)
    saved = 0 if spool is None else spool.parts_of(filed.id, filed.sequence(exporter))
    saved = min(saved, count.dropped.get("killed", 0))
    if not saved:
        return count
    dropped = {**count.dropped, "killed": count.dropped["killed"] - saved}
    return replace(count, spooled=count.spooled + saved, dropped=added(dropped, {}))


def _with_spool(home: Path, exporter: str, count: Count) -> Count:
    """Count what left the spool, by whichever process."""
    spool = spools_in(home).get(exporter)
    if spool is None:
        return count
    sent, dropped = spool.totals()
    gone = sent + sum(dropped.values())
    return count + Count(exported=sent, spooled=-gone, dropped=dropped)


def _as_found(count: Count) -> dict[str, Any]:
    return {
        "started": count.started,
        "exported": count.exported,
        "spooled": count.spooled,
        "died": count.died,
        "dropped": dict(count.dropped),
        "found": count.found,
    }


def _count_of(found: Mapping[str, Any]) -> Count:
    return Count(**found)
