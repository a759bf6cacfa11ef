"""The files of one exporter's spool: each batch is in one state, is sent by one process, and is counted once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from telemetry._export import pages
from telemetry._export.counts import Count
from telemetry._export.spool import Batch, Spool


def _put(spool: Spool, account: str = "a", *, spans: int = 1, size: int = 10, sequence: int = 1) -> Batch:
    """Put a batch into a spool."""
    return spool.put(b"x" * size, spans=spans, account=account, sequence=sequence, count=lambda: None)


def _files(folder: Path) -> list[str]:
    """The batches of a spool, in whatever state."""
    return sorted(path.name for path in folder.iterdir() if Batch.named(path.name) is not None)


def test_a_spool_that_was_never_used_has_nothing_and_is_not_made(tmp_path: Path) -> None:
    """Nobody sends from it."""
    spool = Spool(tmp_path / "spool", 100)
    with spool.sending() as is_ours:
        assert not is_ours
    assert spool.is_idle()
    assert (spool.totals(), spool.gone("a")) == ((0, {}), Count())
    assert not (tmp_path / "spool").exists()


def test_one_process_sends_at_a_time_and_takes_back_what_another_was_killed_over(tmp_path: Path) -> None:
    """What somebody is sending at this moment is left to them."""
    one, other = Spool(tmp_path, 100), Spool(tmp_path, 100)
    batch = _put(one, size=7)
    with one.sending() as is_ones:
        assert one.claim(batch) == b"x" * 7
        assert other.claim(batch) is None
        with other.sending() as is_others:
            assert (is_ones, is_others) == (True, False)
        assert _files(tmp_path) == [batch.name(".sending")]
    assert other.batches() == []
    with other.sending() as is_others:
        assert is_others
        assert other.batches() == [batch]


def test_what_was_sent_is_counted_without_what_its_receiver_rejected(tmp_path: Path) -> None:
    """For each account by itself, and for all; no file is left of it."""
    spool = Spool(tmp_path, 100)
    for account, spans, rejected in (("a", 5, 2), ("b", 4, 0)):
        batch = _put(spool, account, spans=spans)
        assert spool.claim(batch) is not None
        spool.sent(batch, rejected=rejected)
        assert _files(tmp_path) == []
    assert spool.gone("a") == Count(exported=3, spooled=-5, dropped={"rejected": 2})
    assert spool.gone("b") == Count(exported=4, spooled=-4)
    assert spool.gone("c") == Count()
    assert spool.totals() == Spool(tmp_path, 100).totals() == (7, {"rejected": 2})


def test_a_batch_that_its_receiver_has_after_all_is_taken_back_once(tmp_path: Path) -> None:
    """It counts as sent, and no file is left of it; one that somebody is sending by now is theirs."""
    spool = Spool(tmp_path, 100)
    early, other = _put(spool, spans=3), _put(spool, spans=1, sequence=2)
    assert spool.take_back(early)
    assert _files(tmp_path) == [other.name(".json")]
    assert not spool.take_back(early)
    assert spool.claim(other) is not None
    assert not spool.take_back(other)
    assert spool.totals() == (3, {})
    assert spool.gone("a") == Count(exported=3, spooled=-3)


def test_a_spool_that_is_just_full_drops_nothing(tmp_path: Path) -> None:
    """With the next batch the oldest ones go, as few as will do."""
    spool = Spool(tmp_path, 100)
    batches = [_put(spool, spans=number, size=size, sequence=number) for number, size in ((1, 20), (2, 30), (3, 50))]
    assert spool.batches() == batches
    last = _put(spool, spans=4, size=50, sequence=4)
    assert spool.batches() == [batches[2], last]
    assert spool.totals() == (0, {"spool_full": 1 + 2})
    assert spool.gone("a") == Count(spooled=-3, dropped={"spool_full": 3})


def test_whoever_finds_room_waits_for_nobody(tmp_path: Path) -> None:
    """Not even for who is counting at this moment, and stands still."""
    spool = Spool(tmp_path, 100)
    _put(spool, size=50)
    with pages.locked(tmp_path / "lock"):
        putting = threading.Thread(target=_put, args=(spool,), kwargs={"size": 50, "sequence": 2}, daemon=True)
        putting.start()
        putting.join(5.0)
        assert not putting.is_alive()
    assert len(spool.batches()) == 2


def test_a_batch_that_cannot_be_counted_is_not_there(tmp_path: Path) -> None:
    """So that its spans wait where they are, and are not sent twice."""

    def cannot() -> None:
        raise OSError("the disk is full")

    spool = Spool(tmp_path, 100)
    with pytest.raises(OSError, match="full"):
        spool.put(b"x", spans=1, account="a", sequence=1, count=cannot)
    assert _files(tmp_path) == []
    assert spool.is_idle()
