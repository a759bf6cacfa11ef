"""One process's account, the sum of those that have ended, and the processor that counts: each number where it belongs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanContext

from telemetry._export import exporters, home_ledger
from telemetry._export.accounts import Account, Filed
from telemetry._export.batching import BatchingProcessor
from telemetry._export.counts import Count
from telemetry._export.exporters import make_processor
from telemetry._export.heirs import CAUSE, Heir
from telemetry._export.marks import Mark
from telemetry._export.spool import Spool, spool_of
from telemetry.settings import TelemetrySettings

NAMES = ["file", "otlp"]


def _dead(account: Account) -> dict[str, Count]:
    """Return what is read of an account once its process is gone."""
    return Filed.of(account.id, bytes(account._page)).counts(is_alive=False)


def _account(*, started: int, ended: int) -> Account:
    """An account in memory, of a process with two exporters."""
    account = Account(None, NAMES)
    for _ in range(started):
        account.start()
    for _ in range(ended):
        account.end()
    return account


def test_trouble_is_known_since_it_began_and_of_one_exporter() -> None:
    """As long as it is the same; another one begins anew, and none is none."""
    account = _account(started=0, ended=0)
    before = time.time_ns()
    account.trouble(1, "unreachable")
    after = time.time_ns()
    first = account.counts()
    assert (first["file"], first["otlp"].trouble) == (Count(), "unreachable")
    assert before <= first["otlp"].trouble_since_ns <= after
    account.trouble(1, "unreachable")
    assert account.counts() == first
    account.trouble(1, "disk_full")
    assert account.counts()["otlp"].trouble == "disk_full"
    assert account.counts()["otlp"].trouble_since_ns > first["otlp"].trouble_since_ns
    account.trouble(1, None)
    assert account.counts() == {"file": Count(), "otlp": Count()}


def test_each_exporter_has_a_last_file_of_its_own() -> None:
    """In its spool, by number; what is dropped or taken changes none."""
    account = _account(started=9, ended=9)
    account.count(0, spooled=2, sequence=5)
    account.count(1, spooled=1, sequence=7)
    account.count(1, exported=3)
    filed = Filed.of(account.id, bytes(account._page))
    assert (filed.sequence("file"), filed.sequence("otlp")) == (5, 7)
    assert account.counts() == {
        "file": Count(started=9, queued=7, spooled=2),
        "otlp": Count(started=9, queued=5, spooled=1, exported=3),
    }


@pytest.mark.parametrize(
    ("trouble", "spooled", "reason"),
    [
        (None, 0, "killed"),
        ("unreachable", 0, "unreachable"),
        ("unreachable", 1, "killed"),
        ("disk_full", 1, "disk_full"),
        ("unwritable", 0, "unwritable"),
        ("refused", 1, "killed"),
    ],
)
def test_what_a_process_held_as_it_ended_is_dropped_for_what_kept_it(trouble: str | None, spooled: int, reason: str) -> None:
    """A receiver that was away keeps nothing in memory where there is a spool; what was open has died."""
    account = _account(started=9, ended=7)
    account.count(1, exported=2, spooled=spooled, sequence=1)
    account.trouble(1, trouble)
    assert _dead(account) == {
        "file": Count(started=9, died=2, dropped={"killed": 7}),
        "otlp": Count(started=9, died=2, exported=2, spooled=spooled, dropped={reason: 5 - spooled}),
    }


def test_what_was_dropped_before_for_the_same_reason_is_one_sum() -> None:
    """And where nothing was held, nothing is dropped."""
    account = _account(started=9, ended=7)
    account.count(0, exported=7)
    account.count(1, dropped={"disk_full": 3})
    account.trouble(1, "disk_full")
    assert _dead(account)["file"] == Count(started=9, died=2, exported=7)
    assert _dead(account)["otlp"] == Count(started=9, died=2, dropped={"disk_full": 7})


class _Outlet:
    """An exporter that notes how long it may take, and answers as it is told."""

    name, number = "file", 0

    def __init__(self, answer: Callable[[], bool] = lambda: True) -> None:
        self._answer, self.asked = answer, list[tuple[float, bool]]()

    def begin(self, account: Account, lock: threading.RLock) -> None:
        """There is nothing to begin."""

    def stop(self) -> None:
        """There is nothing to stop."""

    def after_fork(self) -> None:
        """There is nothing to forget."""

    def flush(self, seconds: float, *, and_spool: bool = False) -> bool:
        """Answer."""
        self.asked.append((seconds, and_spool))
        return self._answer()


def _processor(*outlets: _Outlet) -> BatchingProcessor:
    return BatchingProcessor(lambda: (Account(None, ["file"]), threading.RLock()), outlets)  # type: ignore[arg-type]


def test_a_flush_has_the_time_that_it_is_given() -> None:
    """In seconds here, and in milliseconds where OpenTelemetry asks; the spool is for whoever ends."""
    outlet = _Outlet()
    processor = _processor(outlet)
    assert processor.flush(0.25, and_spool=True)
    assert processor.force_flush(1500)
    assert processor.force_flush()
    assert outlet.asked == [(0.25, True), (1.5, False), (30.0, False)]


def test_all_is_flushed_if_every_exporter_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has not, or that broke, is enough; where no span was there is nothing to flush."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    assert _processor(_Outlet(), _Outlet()).flush(1.0)
    assert not _processor(_Outlet(), _Outlet(lambda: False)).flush(1.0)
    assert not _processor(_Outlet(), _Outlet(lambda: bool(1 / 0))).flush(1.0)
    resting = _Outlet(lambda: False)
    processor = _processor(resting)
    processor.rest()
    resting.asked.clear()
    assert processor.flush(1.0)
    assert resting.asked == []


def test_of_spans_of_the_dead_only_one_that_had_ended_was_lost() -> None:
    """One that was open has died, which its process's account says by itself."""
    asked: list[Any] = []

    class Taking:
        def hand_over(self, spans: Sequence[ReadableSpan], is_lost: Any, note: Any, *, there: Any) -> bool:
            asked.extend([[is_lost(span) for span in spans], there])
            return len(asked) == 2

    spans = [ReadableSpan("a"), ReadableSpan("b", attributes={"n": 1}), ReadableSpan("c", attributes={CAUSE: "signal"})]
    heir = Heir(Taking())  # type: ignore[arg-type]  # it is handed over to, and nothing else
    assert heir.hand_over(spans, lambda *_: None, there=spans[:1])
    assert asked == [[True, True, False], spans[:1]]
    assert not heir.hand_over(spans, lambda *_: None)


def test_accounts_of_those_that_are_gone_are_settled_and_of_those_that_live_stay(tmp_path: Path) -> None:
    """Without leaving any file open."""
    gone, *living = [Account(tmp_path / home_ledger.FOLDER, NAMES) for _ in range(4)]
    for account in (gone, *living):
        account.file()
        account.start()
    gone.forget()
    descriptors = _open_files()
    home_ledger.settle(tmp_path)
    assert _open_files() == descriptors
    assert {path.stem for path in (tmp_path / home_ledger.FOLDER).glob("*.account")} == {each.id for each in living}
    assert home_ledger.read(tmp_path) == {name: Count(started=4, open=3, died=1) for name in NAMES}
    for account in living:
        account.forget()
    home_ledger.settle(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_what_is_marked_for_an_exporter_counts_once_it_is_counted_for_that_one(tmp_path: Path) -> None:
    """Each exporter has its own marks; those of others' spans are apart."""
    account = Account(tmp_path / home_ledger.FOLDER, NAMES)
    account.file()
    for number, name in enumerate(NAMES):
        for of_others, mark in ((False, 1), (True, -1)):
            assert account.begin(number, of_others=of_others) == Mark(account.id, mark)
            assert not home_ledger.is_counted(tmp_path, name, account.id, mark)
            account.count(number, exported=1, others=1 if of_others else None)
            assert home_ledger.is_counted(tmp_path, name, account.id, mark)
    account.forget()


def test_what_was_marked_and_not_counted_is_known_of_whoever_is_gone(tmp_path: Path) -> None:
    """Of its own spans and of others', each by its last one that was counted, also when the account is in the sum of all."""
    account = Account(tmp_path / home_ledger.FOLDER, NAMES)
    account.file()
    for of_others in (False, True):
        account.begin(1, of_others=of_others)
        account.count(1, exported=1, others=1 if of_others else None)
        account.begin(1, of_others=of_others)
    account.forget()
    for _ in range(2):
        known = {mark: home_ledger.is_counted(tmp_path, NAMES[1], account.id, mark) for mark in (1, 2, -1, -2)}
        assert known == {1: True, 2: False, -1: True, -2: False}
        home_ledger.settle(tmp_path)
        assert not list((tmp_path / home_ledger.FOLDER).glob("*.account"))
    assert home_ledger.is_counted(tmp_path, NAMES[0], account.id, 1)


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_what_a_process_that_is_gone_was_spooling_is_brought_to_an_end(tmp_path: Path) -> None:
    """What it had counted waits, of each exporter by its own number; the rest is a journal's."""
    account = Account(tmp_path / home_ledger.FOLDER, NAMES)
    account.file()
    for number, name in enumerate(NAMES):
        _being_written(spool_of(tmp_path, name, 1000), account.id)
        account.begin(number)
        account.count(number, spooled=1, sequence=number + 1)
    account.forget()
    home_ledger.settle(tmp_path)
    left = {name: [batch.sequence for batch in spool_of(tmp_path, name, 1000).batches()] for name in NAMES}
    assert left == {"file": [1], "otlp": [1, 2]}
    assert not list((tmp_path / "spool").rglob("*.part"))


def _being_written(spool: Spool, account: str) -> None:
    """Let three files be on their way into a spool."""
    for sequence in (1, 2, 3):
        spool.put(b"{}", spans=1, account=account, sequence=sequence, count=lambda: None)
    for batch in spool.batches():
        (spool._folder / batch.name(".json")).rename(spool._folder / batch.name(".part"))


def test_where_there_is_no_home_every_mark_counts() -> None:
    """Nobody there could say that it does not."""
    assert home_ledger.is_counted(None, "file", "somebody", 1)


@pytest.fixture
def _no_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the process the account that it has."""
    monkeypatch.setattr(exporters._Process, "account", None)
    yield
    if exporters._Process.account is not None:
        exporters._Process.account.forget()


@pytest.mark.usefixtures("_no_account")
def test_a_child_has_an_account_of_its_own_and_leaves_its_parents_alone(tmp_path: Path) -> None:
    """All processors of a process have one; a child has none until its first span."""
    settings = TelemetrySettings(home=tmp_path)
    parents, lock = exporters._open_account(settings, NAMES)
    assert exporters._open_account(settings, NAMES) == (parents, lock)
    parents.start()
    child = os.fork()
    if not child:
        own, own_lock = exporters._open_account(settings, NAMES)
        own.start()
        own.start()
        os._exit(own is not parents and own_lock is not lock and not parents.is_filed and own.id != parents.id)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert home_ledger.read(tmp_path) == {name: Count(started=3, open=1, died=2) for name in NAMES}


@pytest.mark.usefixtures("_no_account")
@pytest.mark.parametrize(("home", "spool_bytes"), [(True, 1000), (True, 0), (False, 1000)])
def test_what_may_wait_on_disk_and_who_is_waited_for(tmp_path: Path, home: bool, spool_bytes: int) -> None:
    """A receiver's spans have a spool where there is a home for it; our file has none, and has longer at the end."""
    settings = TelemetrySettings(
        home=tmp_path if home else None,
        traces_file=tmp_path / "traces.jsonl",
        traces_exporters=("otlp_proto_http", "console"),
        spool_bytes=spool_bytes,
    )
    made = make_processor(settings, registered=True, settled=lambda *_: nullcontext(), turned=lambda: None)
    assert made is not None
    outlets = {outlet.name: outlet for outlet in made._outlets}
    with_spool = {name for name, outlet in outlets.items() if outlet._spool is not None}
    assert with_spool == ({"otlp_proto_http"} if home and spool_bytes else set())
    assert outlets["file"]._patience > outlets["otlp_proto_http"]._patience == outlets["console"]._patience == 1.0
    made.shutdown()
    only = make_processor(settings, registered=False, settled=lambda *_: nullcontext(), turned=lambda: None)
    assert only is not None
    assert only.exporters() == ("file",)
    only.shutdown()


def test_whoever_is_asked_for_nothing_makes_no_processor() -> None:
    """A process that only writes lines."""
    settled: Any = lambda *_: nullcontext()  # noqa: E731  # nobody calls it
    assert make_processor(TelemetrySettings(), registered=True, settled=settled, turned=lambda: None) is None


def test_a_span_that_was_never_begun_here_is_started_as_it_ends() -> None:
    """As a reserved root; one that is not sampled, or that outlived its process, is none of this account."""
    added: list[str] = []

    class Adding(_Outlet):
        def add(self, span: ReadableSpan) -> None:
            added.append(span.name)

        def gone(self) -> Count:
            return Count()

    processor = _processor(Adding())
    provider = TracerProvider(shutdown_on_exit=False)
    span: Any = provider.get_tracer("t").start_span("reserved")
    span.end()
    processor.on_end(span)
    died = ReadableSpan("died", context=span.get_span_context())
    died.has_died = True  # type: ignore[attr-defined]  # as an obituary's
    processor.on_end(died)
    processor.on_end(ReadableSpan("unsampled", context=SpanContext(1, 2, is_remote=False)))
    processor.on_end(ReadableSpan("nothing"))
    assert added == ["reserved"]
    assert processor.counts()["file"] == Count(started=1, queued=1)
