"""Add up the accounts of all processes in a home, living and ended, and the spool."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from telemetry._export import pages
from telemetry._export.accounts import Filed
from telemetry._export.counts import Count
from telemetry._export.spool import spools_in

FOLDER = "ledger"
_FOLDED_KEPT = 16


def read(home: Path) -> dict[str, Count]:
    """Return what has become of every span started in a home, by exporter."""
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
    """Fold the accounts of processes that are gone into their total, and remove them."""
    folder = home / FOLDER
    if folder.is_dir():
        with pages.locked(folder / "lock"):
            _of_the_ended(home)


def is_counted(home: Path | None, exporter: str, by: str, number: int) -> bool:
    """Return whether the account `by` has counted, for an exporter, the spans under the mark with this number."""
    if home is None:
        return True
    folder = home / FOLDER
    path = folder / f"{by}.account"
    try:
        return Filed.of(by, path.read_bytes()).has_counted(exporter, number)
    except FileNotFoundError:  # it has been folded, which is written down before its file is removed
        uncounted = pages.read(folder / "ended.json").get("uncounted", {}).get(by, {})
        if exporter not in uncounted:
            return True
        own, others = uncounted[exporter]
        return bool(number <= own and -number <= others)
    except (OSError, ValueError, KeyError):  # written by a later version
        return True


def _of_the_ended(home: Path) -> dict[str, Count]:
    """Fold ended accounts into the page with their total and return it; the caller holds the lock."""
    page_path = home / FOLDER / "ended.json"
    page = pages.read(page_path)
    for path in _paths(home / FOLDER):
        with _over(path) as filed:
            if filed is None:
                continue
            if filed.id not in page.get("folded", []):
                sums = {name: _count_of(found) for name, found in page.get("exporters", {}).items()}
                for name, count in filed.counts(is_alive=False).items():
                    sums[name] = sums.get(name, Count()) + count
                page = {
                    "folded": [*page.get("folded", []), filed.id][-_FOLDED_KEPT:],
                    "uncounted": _with_uncounted(page.get("uncounted", {}), filed),
                    "exporters": {name: _as_found(count) for name, count in sums.items()},
                }
                pages.write(page_path, page)
            _finish_parts(home, filed)
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
    except (OSError, ValueError, KeyError):  # it has just gone, or was written by a later version
        return None


@contextmanager
def _over(path: Path) -> Iterator[Filed | None]:
    """Yield the account of a process that is gone, as it left it; yield None while the process lives.

    The process held a lock on it while it lived, so what is read under that lock is final.
    """
    try:
        file = os.open(path, os.O_RDONLY)
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


def _with_uncounted(known: Mapping[str, Any], filed: Filed) -> dict[str, Any]:
    """Remember the last counted mark of a process that was killed between marking and counting."""
    found = filed.uncounted()
    return dict([*known.items(), *([(filed.id, found)] if found else [])][-_FOLDED_KEPT:])


def _finish_parts(home: Path, filed: Filed) -> None:
    """Finish, or remove, what a killed process was putting into the spool."""
    spools = spools_in(home)
    for name in filed.exporters:
        if name in spools:
            spools[name].finish_parts(filed.id, filed.sequence(name))


def _with_spool(home: Path, exporter: str, count: Count) -> Count:
    """Count what has left the spool, through whichever process."""
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
