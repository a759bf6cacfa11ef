"""`started = exported + waiting + dropped + died`: exact, for each exporter, whatever happens to processes and disks."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Span

from telemetry import ledger
from telemetry._export import accounts, home_ledger
from telemetry._export.accounts import Account
from telemetry._export.batching import BatchingProcessor
from telemetry._export.outlets import Outlet
from telemetry._export.sending import TAKEN, Answer
from telemetry._export.spool import spool_of
from telemetry.ledger import Count
from telemetry.reading import read_lines, read_spans
from telemetry.settings import Batching
from tests.telemetry.collectors import HttpCollector
from tests.telemetry.otlp import receiver
from tests.telemetry.test_processes import SHOP, environment, run

AWAY = Answer(is_away=True, reason="unreachable")
REFUSED = Answer(reason="refused")


class Scripted:
    """An exporter that answers as it is told, and keeps what it took."""

    def __init__(self) -> None:
        self.answer = TAKEN
        self.taken: list[str] = []

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Take them, or not."""
        if self.answer.reason is None:
            self.taken += [span.name for span in spans]
        return self.answer

    def close(self) -> None:
        """Nothing is open."""


class House:
    """A processor with two exporters on one home: one that has a spool, and one that has none."""

    def __init__(self, home: Path, *, queue_size: int = 8) -> None:
        self.home = home
        self.senders = {"otlp_proto_http": Scripted(), "file": Scripted()}
        batching = Batching(queue_size=queue_size, batch_size=4, delay_ms=3_600_000)
        spools = {"otlp_proto_http": spool_of(home, "otlp_proto_http", 6_000)}
        outlets = [
            Outlet(name, number, lambda name=name: self.senders[name], batching=batching, spool=spools.get(name))  # type: ignore[misc]
            for number, name in enumerate(self.senders)
        ]
        self.processor = BatchingProcessor(self._account, outlets)
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("test")
        self.open: list[Span] = []
        self.started = 0

    def _account(self) -> tuple[Account, threading.RLock]:
        account = Account(self.home / "ledger", list(self.senders))
        account.file()
        return account, threading.RLock()

    def start(self) -> None:
        """Start a span."""
        self.started += 1
        self.open.append(self.tracer.start_span(f"span {self.started}"))

    def end(self) -> None:
        """End a span, if one is open."""
        if self.open:
            self.open.pop(0).end()

    def flush(self) -> None:
        """Flush, and send from the spool what can be."""
        self.processor.flush(5.0, and_spool=True)

    def fork(self, killed: bool) -> None:
        """Let a child inherit everything, end what is open, start one span of its own, and leave."""
        child = os.fork()
        if not child:
            for span in self.open:
                span.end()
            self.tracer.start_span("the child's")
            if not killed:
                self.processor.flush(5.0)
            os._exit(0)
        os.waitpid(child, 0)

    def check(self) -> None:
        """Every number is right, for this process and for its home."""
        for name, count in self.processor.counts().items():
            assert count.is_exact, (name, count)
            assert (count.started, count.open) == (self.started, len(self.open)), (name, count)
            if name == "file":
                assert count.exported == len(self.senders[name].taken)
        for name, count in ledger.of_home(self.home).items():
            assert count.is_exact, (name, count)
        sent = self.senders["otlp_proto_http"].taken
        assert len(sent) == len(set(sent)), "nothing is sent twice"


Step = Callable[[House], None]


def _answer(name: str, answer: Answer) -> Step:
    def step(house: House) -> None:
        house.senders[name].answer = answer

    return step


STEPS: dict[str, Step] = {
    "start": House.start,
    "end": House.end,
    "flush": House.flush,
    "otlp is there": _answer("otlp_proto_http", TAKEN),
    "otlp is away": _answer("otlp_proto_http", AWAY),
    "otlp refuses": _answer("otlp_proto_http", REFUSED),
    "the file is full": _answer("file", Answer(is_away=True, reason="disk_full")),
    "the file is writable": _answer("file", TAKEN),
}


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.sampled_from(sorted(STEPS)) | st.just("start") | st.just("end"), max_size=60))
def test_every_span_is_accounted_for_after_every_step(steps: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Starts and ends, exporters that take, refuse, are away and come back, full queues and a full spool."""
    house = House(tmp_path_factory.mktemp("house"))
    for step in steps:
        STEPS[step](house)
        house.check()
    house.processor.shutdown()


@pytest.mark.parametrize("killed", [False, True])
def test_a_forked_child_has_an_account_of_its_own(killed: bool, tmp_path: Path) -> None:
    """A span that both end is one of each; what the child did not export is dropped, what it left open has died."""
    house = House(tmp_path)
    house.start()
    house.start()
    house.end()
    house.fork(killed)
    house.end()
    house.flush()
    house.check()
    for count in ledger.of_home(tmp_path).values():
        assert (count.started, count.died) == (2 + 2, 1)
        assert count.exported == (2 if killed else 3)
        assert count.dropped == ({"killed": 1} if killed else {})


def test_many_threads_lose_no_count(tmp_path: Path) -> None:
    """While their exporters take, refuse and are away."""
    house = House(tmp_path, queue_size=200)

    def work() -> None:
        for _ in range(500):
            house.tracer.start_span("of a thread").end()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for answer in (TAKEN, AWAY, REFUSED):
            house.senders["otlp_proto_http"].answer = answer
            house.processor.flush(1.0)
    house.senders["otlp_proto_http"].answer = TAKEN
    house.flush()
    for count in house.processor.counts().values():
        assert count.is_exact
        assert count.started == 4_000
        assert count.open == count.queued == 0


def test_a_queue_that_overflows_counts_what_it_drops(tmp_path: Path) -> None:
    """The oldest, in either exporter's queue."""
    house = House(tmp_path)
    for _ in range(12):
        house.start()
        house.end()
    assert {name: count.dropped for name, count in house.processor.counts().items()} == {
        "otlp_proto_http": {"queue_full": 4},
        "file": {"queue_full": 4},
    }
    house.flush()
    assert house.senders["file"].taken == [f"span {number}" for number in range(5, 13)]


KILLED = """
import signal
sell(); telemetry.flush()
sell()
with observe(Sale(who="open")):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_what_a_killed_process_took_with_it_and_another_one_found_is_one_span(tmp_path: Path) -> None:
    """One that had ended is exported after all; one that was open has died, and is a second time where that is told."""
    program = _program(KILLED, tmp_path)
    program.communicate(timeout=60)
    assert program.returncode == -signal.SIGKILL
    before = ledger.of_home(tmp_path)["file"]
    assert before == Count(started=3, exported=before.exported, died=1, dropped=before.dropped)
    assert before.exported + before.lost == 2
    run("sell(); time.sleep(1)", tmp_path)
    assert len(read_spans(tmp_path / "traces.jsonl")) == 4
    assert ledger.of_home(tmp_path) == {"file": Count(started=5, exported=4, died=1)}


def test_what_a_process_counts_as_it_ends_is_in_the_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its account is read once it is known to be its last word: here it ends while somebody asks whether it lives."""
    account = Account(tmp_path / "ledger", ["file"])
    account.file()
    lock = fcntl.flock

    def end_first(file: int, operation: int) -> None:
        if account.is_filed and operation & fcntl.LOCK_NB:
            account.start()
            account.end()
            account.count(0, exported=1)
            account.forget()
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", end_first)
    assert ledger.of_home(tmp_path) == {"file": Count(started=1, exported=1)}


def test_where_memory_cannot_be_a_file_the_file_has_what_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once: a mark says by then that it is."""
    monkeypatch.setattr(accounts, "_SAFE_TO_MAP", frozenset())
    account = Account(tmp_path / "ledger", ["file"])
    account.file()
    account.start()
    account.end()
    assert account.begin(0) == (account.id, 1)
    assert not home_ledger.is_counted(tmp_path, "file", account.id, 1)
    account.count(0, exported=1)
    assert home_ledger.is_counted(tmp_path, "file", account.id, 1)
    account.begin(0)
    account.save()
    account.forget()
    assert ledger.of_home(tmp_path) == {"file": Count(started=1, exported=1)}
    assert [home_ledger.is_counted(tmp_path, "file", account.id, number) for number in (1, 2, -1)] == [True, False, False]
    assert home_ledger.is_counted(tmp_path, "file", "nobody", 2)


def test_what_is_found_of_an_exporter_in_trouble_is_not_dropped() -> None:
    """Its process was killed while a receiver was away or a disk was full."""
    found = Count(started=5, exported=3, dropped={"unreachable": 1, "disk_full": 1}, found=2)
    assert found.without_found() == Count(started=3, exported=3)


@pytest.mark.slow
def test_accounts_of_ended_processes_become_one_sum(tmp_path: Path) -> None:
    """However many there were, there is one file for all."""
    for _ in range(3):
        run("for _ in range(4): sell()", tmp_path)
    run("sell()", tmp_path)
    ledger.of_home(tmp_path)
    assert sorted(path.name for path in (tmp_path / "ledger").iterdir()) == ["ended.json", "lock"]
    assert ledger.of_home(tmp_path) == {"file": Count(started=13, exported=13)}


RESTED = """
from telemetry._spans import provider
sell()
sale = observe(Sale(who="long")); sale.__enter__()
provider.rest()
sell()
sale.completed(Sold(pieces=1)); sale.__exit__(None, None, None)
if os.fork() == 0:
    sell()
    os._exit(0 if telemetry.flush() else 1)
assert os.wait()[1] == 0
"""


def test_exporters_that_rest_lose_no_span(tmp_path: Path) -> None:
    """As before a worker forks: one that was open meanwhile is exported by those that follow."""
    run(RESTED, tmp_path)
    assert ledger.of_home(tmp_path) == {"file": Count(started=4, exported=4)}
    assert len(read_spans(tmp_path / "traces.jsonl")) == 4


ROOTS = """
root = telemetry.Root.reserve(Sale)
with root.active():
    sell()
with root.finish(Sale(who="root")) as sale:
    sale.completed(Sold(pieces=1))
"""


@pytest.mark.slow
def test_a_reserved_root_counts_where_it_ends(tmp_path: Path) -> None:
    """And nothing counts that is not sampled."""
    run(ROOTS, tmp_path / "all")
    run(ROOTS, tmp_path / "none", OTEL_TRACES_SAMPLER="always_off")
    assert ledger.of_home(tmp_path / "all") == {"file": Count(started=2, exported=2)}
    assert ledger.of_home(tmp_path / "none") in ({"file": Count()}, {})


ROOT_KILLED = """
import signal
root = telemetry.Root.reserve(Sale)
with root.active():
    sell()
{before}
with root.finish(Sale(who="root")) as sale:
    sale.completed(Sold(pieces=1))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("before", ["", "telemetry.flush()"], ids=["first", "later"])
@pytest.mark.slow
def test_a_reserved_root_whose_process_is_killed_before_it_is_out_is_not_lost(tmp_path: Path, before: str) -> None:
    """It had ended, so whoever finds that process dead exports it, once, as it ended."""
    program = _program(ROOT_KILLED.format(before=before), tmp_path)
    program.communicate(timeout=60)
    assert program.returncode == -signal.SIGKILL
    run("sell(); time.sleep(1)", tmp_path)
    spans = read_spans(tmp_path / "traces.jsonl")
    (root,) = [span for span in spans if span.attributes["who"] == "root"]
    assert (root.outcome, root.parent_id, root.attributes["pieces"]) == ("completed", None, 1)
    assert len({span.span_id for span in spans}) == len(spans) == 3
    assert ledger.of_home(tmp_path) == {"file": Count(started=3, exported=3)}


def test_the_line_at_exit_is_the_account(tmp_path: Path) -> None:
    """Its numbers are those of the home where there was one process."""
    run("for _ in range(3): sell()\nunended = observe(Sale(who='x')); unended.__enter__()", tmp_path)
    (line,) = [line for line in read_lines(tmp_path / "logs.jsonl") if line["event"] == "telemetry.account"]
    assert {key: value for key, value in line.items() if key != "timestamp" and not key.endswith(("_id", "_flags"))} == {
        "level": "info",
        "event": "telemetry.account",
        "exporter": "file",
        "started": 4,
        "exported": 3,
        "waiting": 1,
        "open": 1,
        "spooled": 0,
        "dropped": 0,
        "died": 0,
        "reasons": None,
        "trouble": None,
    }
    assert ledger.of_home(tmp_path) == {"file": Count(started=4, exported=3, died=1)}


@pytest.mark.slow
def test_a_change_is_said_at_once_and_then_once_a_minute(tmp_path: Path) -> None:
    """An endpoint that is away, while the process goes on."""
    collector = HttpCollector()
    run("\nfor _ in range(6):\n    sell(); time.sleep(0.5)", tmp_path, **collector.environment)
    lines = [line for line in read_lines(tmp_path / "logs.jsonl") if line["event"] == "telemetry.account"]
    away, *last = [line for line in lines if line["exporter"] == "otlp_proto_http"]
    assert (away["level"], away["trouble"]) == ("warning", "unreachable")
    assert len(last) == 1, "the one at exit"
    assert (last[0]["started"], last[0]["waiting"]) == (6, 6)


MEASURED = "\nfor _ in range(5): sell()\ntelemetry.flush()\n"


def test_the_ledger_is_metrics_by_the_names_of_the_sdk(tmp_path: Path) -> None:
    """Once each, also where the SDK is asked for its own."""
    with receiver() as collector:
        names = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_METRICS_EXPORTER": "otlp"}
        run(MEASURED, tmp_path, OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED="true", **names)
        found = {}
        for _, metric in collector.metrics():
            points = [*metric.sum.data_points, *metric.gauge.data_points]
            for point in points if metric.name.startswith("otel.sdk.") and ".metric" not in metric.name else ():
                labels = {one.key: one.value.string_value for one in point.attributes}
                found[metric.name, labels.get("otel.component.name", "")] = point.as_int
    assert {key: value for key, value in found.items() if ".capacity" not in key[0]} == {
        ("otel.sdk.span.started", ""): 5,
        ("otel.sdk.span.live", ""): 0,
        **{("otel.sdk.processor.span.processed", f"batching_span_processor/{number}"): 5 for number in range(2)},
        **{("otel.sdk.processor.span.queue.size", f"batching_span_processor/{number}"): 0 for number in range(2)},
        **{
            (f"otel.sdk.exporter.span.{what}", f"{name}/0"): value
            for name in ("telemetry.FileExporter", "otlp_http_span_exporter")
            for what, value in (("exported", 5), ("inflight", 0))
        },
    }


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a mebibyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount: list[str | Path] = ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    mounted = subprocess.run(mount, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["/bin/umount", "-l", folder], check=True)


FULL = """
import json
from telemetry import ledger
filler = os.path.join(os.environ["TELEMETRY_HOME"], "filler")
sell(); telemetry.flush()
file = os.open(filler, os.O_WRONLY | os.O_CREAT)
for size in (4096, 1):
    try:
        while True:
            os.write(file, b"x" * size)
    except OSError:
        pass
for _ in range(300): sell()
flushed = telemetry.flush()
time.sleep(1)
full = {name: count.trouble for name, count in ledger.of_home(os.environ["TELEMETRY_HOME"]).items()}
os.close(file); os.unlink(filler)
time.sleep(2.5)
sell()
sys.stderr.write("\\n" + json.dumps({"flushed": flushed, "full": full, "again": telemetry.flush()}))
"""


@pytest.mark.slow
def test_a_full_disk_stops_nothing_and_loses_no_span(small_disk: Path) -> None:
    """It is said at once, on stderr too; spans wait, and are written by themselves once there is room."""
    collector = HttpCollector()
    program = _program(FULL, small_disk, **collector.environment)
    _, errors = program.communicate(timeout=90)
    assert program.returncode == 0, errors
    said = json.loads(errors.splitlines()[-1])
    assert said == {"flushed": False, "full": {"file": "disk_full", "otlp_proto_http": "disk_full"}, "again": True}
    assert "No space left on device" in errors
    complaints = [line for line in errors.splitlines() if "No space left" in line]
    assert len(complaints) <= 4, "once a minute for each kind"
    assert len(read_spans(small_disk / "traces.jsonl")) == 302
    counts = ledger.of_home(small_disk)
    assert counts["file"] == Count(started=302, exported=302)
    assert (counts["otlp_proto_http"].spooled, counts["otlp_proto_http"].is_exact) == (302, True)
    last = [line for line in read_lines(small_disk / "logs.jsonl") if line["event"] == "telemetry.account"][-2:]
    assert ("file", 0, None) in [(line["exporter"], line["dropped"], line["trouble"]) for line in last]


def _program(code: str, home: Path, **names: str) -> subprocess.Popen[str]:

    return subprocess.Popen(
        [sys.executable, "-c", SHOP + code],
        env=environment(home, **names),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


UNWRITABLE = """
for _ in range(5): sell()
telemetry.flush()
time.sleep(0.5)
"""


def test_a_file_that_can_never_be_written_is_counted_with_its_reason(tmp_path: Path) -> None:
    """At the end what waited for it is dropped; the other exporters have it."""
    with receiver() as collector:
        run(UNWRITABLE, tmp_path, TELEMETRY_TRACES_FILE="/dev/full/no", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        assert len(collector.spans()) == 5
    counts = ledger.of_home(tmp_path)
    assert counts["file"] == Count(started=5, dropped={"unwritable": 5})
    assert counts["otlp_proto_http"] == Count(started=5, exported=5)
    lines = [line for line in read_lines(tmp_path / "logs.jsonl") if line["event"] == "telemetry.account"]
    assert [(line["level"], line["trouble"]) for line in lines if line["exporter"] == "file"][-1] == (
        "warning",
        "unwritable",
    )


def test_a_full_device_is_a_full_disk(tmp_path: Path) -> None:
    """A file that is one takes nothing."""
    (tmp_path / "traces.jsonl").symlink_to("/dev/full")
    run(UNWRITABLE, tmp_path)
    assert ledger.of_home(tmp_path) == {"file": Count(started=5, dropped={"disk_full": 5})}


DELETED = """
sell(); telemetry.flush()
os.unlink(os.path.join(os.environ["TELEMETRY_HOME"], "traces.jsonl"))
time.sleep(0.1)
sell(); telemetry.flush()
"""


def test_a_deleted_file_is_made_again(tmp_path: Path) -> None:
    """With what is written from then on."""
    run(DELETED, tmp_path)
    assert len(read_spans(tmp_path / "traces.jsonl")) == 1
    assert ledger.of_home(tmp_path) == {"file": Count(started=2, exported=2)}
