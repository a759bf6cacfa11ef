"""An OTLP endpoint that is away costs no span and no time, by HTTP and by gRPC, whoever is killed meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from telemetry import ledger
from telemetry._export.spool import Spool, spools_in
from telemetry.ledger import Count
from telemetry.reading import read_lines
from tests.telemetry.collectors import Collector, GrpcCollector, HttpCollector, wait_for
from tests.telemetry.test_processes import SHOP, environment

BOTH = pytest.mark.parametrize("make", [HttpCollector, GrpcCollector])
Make = Callable[[], Collector]


def shop(code: str, home: Path, collector: Collector, **names: str) -> subprocess.Popen[str]:
    """A program on this home that has started, with what it says on stderr."""
    return subprocess.Popen(
        [sys.executable, "-c", SHOP + code],
        env=environment(home, **collector.environment, **names),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str, home: Path, collector: Collector, **names: str) -> str:
    """What a program on this home has said on stderr when it has ended well."""
    program = shop(code, home, collector, **names)
    _, said = program.communicate(timeout=90)
    assert program.returncode == 0, said
    return said


def otlp(home: Path) -> Count:
    """The home's count for its OTLP exporter, which must be exact."""
    (count,) = [count for name, count in ledger.of_home(home).items() if name.startswith("otlp")]
    assert count.is_exact, count
    return count


def spooled(home: Path) -> int:
    """How many spans the files of the spool say that they hold."""
    return sum(batch.spans for spool in spools_in(home).values() for batch in spool.batches())


SELL_AND_WAIT = """
for number in range(189):
    sell()
sys.stderr.write("half\\n"); sys.stderr.flush()
time.sleep(1.5)
for number in range(189):
    sell()
time.sleep({lasts})
"""


@BOTH
@pytest.mark.slow
def test_a_collector_that_is_away_while_a_process_works_gets_every_span_once(make: Make, tmp_path: Path) -> None:
    """It is back before the process ends."""
    collector = make()
    program = shop(SELL_AND_WAIT.format(lasts=4), tmp_path, collector)
    assert program.stderr is not None
    program.stderr.readline()
    while not spooled(tmp_path):
        assert program.poll() is None
    with collector.up():
        program.communicate(timeout=90)
    assert len(collector.ids) == len(set(collector.ids)) == 378
    count = otlp(tmp_path)
    assert (count.started, count.exported, count.waiting, count.lost, count.died) == (378, 378, 0, 0, 0)
    last = [line for line in read_lines(tmp_path / "logs.jsonl") if line["event"] == "telemetry.account"][-1]
    assert (last["started"], last["exported"], last["spooled"], last["trouble"]) == (378, 378, 0, None)


@BOTH
@pytest.mark.slow
def test_what_a_process_could_not_send_the_next_one_of_its_home_does(make: Make, tmp_path: Path) -> None:
    """Also after a restart: it waits on disk meanwhile, and the ledger says so."""
    collector = make()
    run("for _ in range(377): sell()", tmp_path, collector)
    count = otlp(tmp_path)
    assert (count.started, count.exported, count.spooled, count.waiting) == (377, 0, 377, 377)
    assert spooled(tmp_path) == 377
    with collector.up():
        run("sell(); time.sleep(3)", tmp_path, collector)
    assert len(collector.ids) == len(set(collector.ids)) == 378
    assert (otlp(tmp_path).exported, otlp(tmp_path).waiting, spooled(tmp_path)) == (378, 0, 0)


KILLED = """
import signal
for _ in range(100): sell()
telemetry.flush()
for _ in range(10): sell()
open_span = observe(Sale(who="bob")); open_span.__enter__()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_sender_that_is_killed_leaves_an_exact_account(tmp_path: Path) -> None:
    """What was in its spool or journal is sent later; what was open has died, and is a second time where that is told."""
    collector = HttpCollector()
    program = shop(KILLED, tmp_path, collector)
    program.communicate(timeout=60)
    assert program.returncode == -signal.SIGKILL
    counts = ledger.of_home(tmp_path)
    assert all(count.is_exact and count.started == 111 and count.died == 1 for count in counts.values()), counts
    for count in counts.values():
        assert count.lost == count.dropped.get("killed", 0) == 110 - count.exported - count.spooled <= 10
    kept = counts["otlp_proto_http"].spooled
    assert kept == spooled(tmp_path) >= 100
    with collector.up():
        run("sell(); time.sleep(2)", tmp_path, collector)
    assert len(collector.ids) == len(set(collector.ids)) == 112
    count = otlp(tmp_path)
    assert (count.started, count.exported, count.died, count.waiting, count.lost) == (113, 112, 1, 0, 0)


@pytest.mark.slow
def test_processes_of_one_home_send_its_spool_once(tmp_path: Path) -> None:
    """Three at the same time, each with spans of its own."""
    collector = HttpCollector()
    for _ in range(4):
        run("for _ in range(50): sell()", tmp_path, collector)
    with collector.up():
        programs = [shop("sell(); time.sleep(4)", tmp_path, collector) for _ in range(3)]
        for program in programs:
            program.communicate(timeout=90)
    assert len(collector.ids) == len(set(collector.ids)) == 203
    assert (otlp(tmp_path).exported, spooled(tmp_path)) == (203, 0)


@pytest.mark.slow
def test_a_full_spool_drops_its_oldest_and_counts_them(tmp_path: Path) -> None:
    """What is kept are the newest, within the bound."""
    collector = HttpCollector()
    code = "\nfor _ in range(10):\n    for _ in range(20): sell()\n    telemetry.flush()\n"
    run(code, tmp_path, collector, TELEMETRY_SPOOL_BYTES="40000")
    count = otlp(tmp_path)
    assert (count.started, count.exported) == (200, 0)
    assert 0 < count.spooled == spooled(tmp_path) < 120
    assert count.dropped == {"spool_full": 200 - count.spooled}
    spool = tmp_path / "spool" / "otlp_proto_http"
    assert sum(file.stat().st_size for file in spool.glob("*.json") if file.name[0] == "0") <= 40_000
    last = [line for line in read_lines(tmp_path / "logs.jsonl") if line["event"] == "telemetry.account"][-1]
    assert (last["level"], last["dropped"], last["reasons"]) == ("warning", count.lost, f"spool_full={count.lost}")
    assert (last["exported"], last["spooled"], last["waiting"]) == (0, count.spooled, count.spooled)
    with collector.up():
        run("sell(); time.sleep(2)", tmp_path, collector)
    assert len(collector.ids) == count.spooled + 1


HANGING = """
for _ in range(5): sell()
times = []
for _ in range(4):
    for _ in range(5): sell()
    began = time.monotonic()
    assert telemetry.flush()
    times.append(time.monotonic() - began)
sys.stderr.write(f"{times[0]} {sum(times[1:])}\\n")
"""


@BOTH
@pytest.mark.slow
def test_a_collector_that_never_answers_is_waited_for_once(make: Make, tmp_path: Path) -> None:
    """Two seconds in all, over every flush and the exit; what it did not take is in the spool, and sent later."""
    collector = make()
    collector.answer = "hang"
    with collector.up():
        first, others = map(
            float, run(HANGING, tmp_path, collector, OTEL_EXPORTER_OTLP_TIMEOUT="30").splitlines()[-1].split()
        )
    assert 1.5 < first < 2.6
    assert others < 0.6
    assert (otlp(tmp_path).spooled, spooled(tmp_path)) == (25, 25)
    collector.answer = "ok"
    with collector.up():
        run("sell(); time.sleep(2)", tmp_path, collector)
    assert len(collector.ids) == len(set(collector.ids)) == 26


@pytest.mark.parametrize(
    ("make", "answer"),
    [(HttpCollector, 400), (HttpCollector, 401), (HttpCollector, 302), (GrpcCollector, "INVALID_ARGUMENT")],
)
def test_what_a_receiver_refuses_is_dropped_and_not_tried_again(make: Make, answer: int | str, tmp_path: Path) -> None:
    """With its reason, in the ledger and on the line."""
    collector = make()
    collector.answer = answer
    with collector.up():
        run("for _ in range(7): sell()", tmp_path, collector)
    assert (otlp(tmp_path).dropped, spooled(tmp_path)) == ({"refused": 7}, 0)


@pytest.mark.parametrize(
    ("make", "answer"),
    [(HttpCollector, 503), (HttpCollector, 429), (GrpcCollector, "UNAVAILABLE"), (GrpcCollector, "ABORTED")],
)
def test_what_a_receiver_wants_later_waits(make: Make, answer: int | str, tmp_path: Path) -> None:
    """In the spool."""
    collector = make()
    collector.answer = answer
    with collector.up():
        run("for _ in range(7): sell()", tmp_path, collector)
    assert (otlp(tmp_path).lost, otlp(tmp_path).spooled, spooled(tmp_path)) == (0, 7, 7)


@BOTH
def test_spans_that_a_receiver_rejects_from_a_batch_are_dropped(make: Make, tmp_path: Path) -> None:
    """OTLP's partial success."""
    collector = make()
    collector.rejected = 2
    with collector.up():
        run("for _ in range(7): sell()", tmp_path, collector)
    assert (otlp(tmp_path).exported, otlp(tmp_path).dropped) == (5, {"rejected": 2})


@pytest.mark.slow
def test_a_damaged_batch_is_set_aside_and_counted(tmp_path: Path) -> None:
    """The others are sent."""
    collector = HttpCollector()
    run("\nfor _ in range(3):\n    sell(); telemetry.flush()\n", tmp_path, collector)
    folder = tmp_path / "spool" / "otlp_proto_http"
    oldest = min(folder.glob("0*.json"))
    oldest.write_bytes(oldest.read_bytes()[:100])
    damaged = int(oldest.name.split("-")[3])
    with collector.up():
        run("sell(); time.sleep(2)", tmp_path, collector)
    assert len(collector.ids) == 4 - damaged
    assert otlp(tmp_path).dropped == {"damaged": damaged}
    assert len(list(folder.glob("*.damaged"))) == 1


@pytest.mark.parametrize("state", [".sending", ".sent", ".lost"])
@pytest.mark.slow
def test_a_sender_that_was_killed_over_a_batch_leaves_it_to_the_next(state: str, tmp_path: Path) -> None:
    """One that was being sent is sent; one that was sent or dropped is counted, and not sent again."""
    collector = HttpCollector()
    run("for _ in range(5): sell()", tmp_path, collector)
    for batch in (tmp_path / "spool" / "otlp_proto_http").glob("0*.json"):
        batch.rename(batch.with_suffix(state))
    with collector.up():
        run("sell(); time.sleep(2)", tmp_path, collector)
    assert len(collector.ids) == (6 if state == ".sending" else 1)
    assert otlp(tmp_path).exported == (1 if state == ".lost" else 6)
    assert otlp(tmp_path).waiting == 0


def test_a_batch_that_was_being_written_is_kept_if_it_is_counted(tmp_path: Path) -> None:
    """By whoever settles the account of the process that was killed over it; another one is removed."""
    spool = Spool(tmp_path, 1_000)
    spool.put(b"x" * 10, spans=3, account="a", sequence=1, count=lambda: None)
    (batch,) = spool.batches()
    (tmp_path / batch.name(".json")).rename(tmp_path / batch.name(".part"))
    spool.finish_parts("b", 0)
    assert [one.spans for one in spool.batches(".part")] == [3]
    spool.finish_parts("a", 1)
    assert [one.spans for one in spool.batches()] == [3]
    (tmp_path / batch.name(".json")).rename(tmp_path / batch.name(".part"))
    spool.finish_parts("a", 0)
    assert (spool.batches(), spool.batches(".part")) == ([], [])


@pytest.mark.slow
def test_without_a_home_what_cannot_be_sent_waits_in_memory(tmp_path: Path) -> None:
    """And arrives once the collector is back."""
    collector = HttpCollector()
    program = shop(
        "for _ in range(9): sell()\nsys.stderr.write(f'{telemetry.flush()}\\n'); sys.stderr.flush(); time.sleep(4)",
        tmp_path,
        collector,
        TELEMETRY_HOME="",
    )
    assert program.stderr is not None
    assert program.stderr.readline() == "False\n"
    with collector.up():
        wait_for(collector, 9)
        program.communicate(timeout=60)
    assert len(collector.ids) == 9
    assert list(tmp_path.iterdir()) == []
