"""Whoever exports, counts and marks may be killed at any step: what the ledger says is exported has arrived, once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry import ledger
from telemetry.reading import read_spans
from tests.telemetry.otlp import Receiver, receiver
from tests.telemetry.test_processes import SHOP, environment
from tests.telemetry.test_wills import MAKES

STAGE = """
import json, os, pathlib, signal, sys
import opentelemetry.exporter.otlp.proto.http.trace_exporter
import telemetry._spans.provider
from telemetry._export import home_ledger, journal, obituaries, outlets, sending, span_files, spool

steps, last = 0, 0

def step():
    global steps
    steps += 1
    if steps == last:
        os.kill(os.getpid(), signal.SIGKILL)

def watch(owner, name):
    call = getattr(owner, name)
    def watched(*args, **options):
        step()
        try:
            return call(*args, **options)
        finally:
            step()
    setattr(owner, name, watched)

def play(part, home, endpoint, dies_at=0):
    "Play a part in a process of its own; return whether it was killed."
    global last
    child = os.fork()
    if not child:
        last = dies_at
        os.environ.update(TELEMETRY_HOME=home, OTEL_SERVICE_NAME=home, ROW=home + ".row")
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
        for owner, name in WATCHED if dies_at else ():
            watch(owner, name)
        try:
            exec(SHOP + part, {"step": step, "__name__": "shop"})
            telemetry._spans.provider.leave()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -9), status
    return status == -9

WATCHED = [
    (home_ledger.pages, "write"),
    (journal.Journal, "_append"),
    (obituaries, "_mark"),
    (outlets.Account, "begin"),
    (outlets.Account, "count"),
    (sending.HttpSender, "send"),
    (span_files.SpanFile, "write"),
    (spool.Spool, "_move"),
]
"""
DIES = """
import signal
sell(); telemetry.flush(); sell(); sell()
with observe(Sale(who="outer")), observe(Sale(who="inner")):
    os.kill(os.getpid(), signal.SIGKILL)
"""
READS = """
with observe(Sale(who="reader")) as sale:
    sell()
    telemetry.flush()
    sale.completed(Sold(pieces=1))
"""
ALL_ENDS = """
n = 0
while True:
    n += 1
    home = f"{HOME}/{n}"
    assert play(DIES, home, BEFORE)
    is_killed = play(READS, home, BEFORE, n)
    play("sell()", home, AFTER)
    play("sell()", home, AFTER)
    if not is_killed:
        break
print(n)
"""


def _staged(tmp_path: Path, play: str, **names: str) -> int:
    """Return how many times a play was played in homes of its own, once for each step at which somebody is killed."""
    given = "\n".join(f"{name} = {value!r}" for name, value in names.items())
    program = [sys.executable, "-c", f"{STAGE}\nSHOP = {SHOP!r}\nHOME = {str(tmp_path)!r}\n{given}\n{play}"]
    ran = subprocess.run(
        program, env=environment(tmp_path), cwd=Path.cwd(), capture_output=True, text=True, timeout=400, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout.splitlines()[-1])


def _received(collector: Receiver) -> dict[str, set[bytes]]:
    """Return the ids of the spans that have arrived, by the name of their service."""
    found: dict[str, set[bytes]] = defaultdict(set)
    for _, body in collector.requests:
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            (service,) = [each.value.string_value for each in group.resource.attributes if each.key == "service.name"]
            found[service].update(span.span_id for scope in group.scope_spans for span in scope.spans)
    return found


def _is_true(home: Path, received: set[bytes]) -> None:
    """What is exported has arrived; the rest has died, nothing is lost, and nothing is twice in the file."""
    counts = ledger.of_home(home)
    in_file = [span.span_id for span in read_spans(home / "traces.jsonl")]
    assert len(in_file) == len(set(in_file))
    assert {name: count.exported for name, count in counts.items()} == {
        "file": len(in_file),
        "otlp_proto_http": len(received),
    }, home
    assert {bytes.fromhex(span_id) for span_id in in_file} == received
    for name, count in counts.items():
        assert (count.is_exact, count.waiting, dict(count.dropped)) == (True, 0, {}), (home, name, count)


@pytest.mark.slow
@pytest.mark.timeout(420)  # hundreds of processes, one after the other
@pytest.mark.parametrize("is_away", [False, True], ids=["sent", "spooled"])
def test_a_reader_that_is_killed_at_any_step_is_followed_by_one_that_counts_the_rest(tmp_path: Path, is_away: bool) -> None:
    """Of a dead process's spans and of its own, which it sends, or puts into the spool."""
    with receiver() as collector:
        before = "http://127.0.0.1:9" if is_away else collector.url
        plays = _staged(tmp_path, ALL_ENDS, DIES=DIES, READS=READS, BEFORE=before, AFTER=collector.url)
        received = _received(collector)
    assert plays > 20
    for number in range(1, plays + 1):
        _is_true(tmp_path / str(number), received[str(tmp_path / str(number))])


EXECUTES = """
def note(names):
    step()
    pathlib.Path(os.environ["ROW"] + ".to").write_text(json.dumps(names))
    step()
row = pathlib.Path(os.environ["ROW"] + ".to")
names = json.loads(row.read_text()) if row.exists() else []
done = wills.Will.from_json(json.loads(pathlib.Path(os.environ["ROW"]).read_text())).execute(exported_to=names, note=note)
assert done.is_done
note(done.exported_to)
"""
MADE = """
with telemetry.span("shop.day"):
    make()
"""
ALL_WILLS = """
n = 0
while True:
    n += 1
    home = f"{HOME}/{n}"
    play(MAKES + MADE, home + ".lost", ENDPOINT)
    os.rename(home + ".lost.row", home + ".row")
    is_killed = play(MAKES + EXECUTES, home, ENDPOINT, n)
    play(MAKES + EXECUTES, home, ENDPOINT)
    if not is_killed:
        break
print(n)
"""


@pytest.mark.slow
@pytest.mark.timeout(420)  # hundreds of processes, one after the other
def test_whoever_is_killed_over_a_will_is_followed_by_one_that_counts_the_rest(tmp_path: Path) -> None:
    """At any step; what was noted says who has the spans."""
    with receiver() as collector:
        plays = _staged(tmp_path, ALL_WILLS, MAKES=MAKES, MADE=MADE, EXECUTES=EXECUTES, ENDPOINT=collector.url)
        received = _received(collector)
    assert plays > 10
    for number in range(1, plays + 1):
        home = tmp_path / str(number)
        willed = {bytes.fromhex(span["id"]) for span in json.loads(Path(f"{home}.row").read_text())["spans"]}
        in_file = read_spans(home / "traces.jsonl")
        assert {bytes.fromhex(span.span_id) for span in in_file} == willed <= set().union(*received.values())
        assert len(in_file) == len(willed) == 2
        for name, count in ledger.of_home(home).items():
            assert (count.is_exact, count.exported, dict(count.dropped)) == (True, 2, {}), (home, name, count)
