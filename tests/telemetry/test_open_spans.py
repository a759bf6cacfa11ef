"""Spans that are open now are read from any process of the home, and spans on their way as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from telemetry import _journals
from telemetry.reading import Files, draw, open_spans
from tests.telemetry.test_processes import SHOP, environment, run

OPENED = """
from opentelemetry import trace
with telemetry.span("shop.day", team_id=1) as day:
    sell()
    with trace.get_tracer("theirs").start_as_current_span("theirs", attributes={"a": 1}):
        day.set(late=2)
        if not os.fork():
            telemetry.open_spans()
            os._exit(0)
        print("open", flush=True)
        sys.stdin.readline()
assert [span.name for span in telemetry.open_spans()] == []
with telemetry.span("shop.night"):
    assert [span.name for span in telemetry.open_spans()] == ["shop.night"]
"""


def test_what_is_open_is_read_by_others_and_by_itself(tmp_path: Path) -> None:
    """While a process is at work, at its end, and when another of the home was killed."""
    home, journal = tmp_path, tmp_path / "journal"
    program = [sys.executable, "-c", SHOP + OPENED]
    names = environment(home, OTEL_BSP_SCHEDULE_DELAY="60000")
    with subprocess.Popen(program, env=names, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shop:
        assert shop.stdout is not None
        assert shop.stdin is not None
        while shop.stdout.readline().strip() != "open":
            pass
        day, theirs = open_spans(journal)
        assert (day.name, dict(day.attributes), theirs.name, dict(theirs.attributes)) == (
            "shop.day",
            {"team_id": 1, "late": 2},
            "theirs",
            {"a": 1, "within.operation": "shop.day"},
        )
        assert (theirs.parent_id, day.outcome, day.is_open) == (day.span_id, None, True)
        assert day.resource["process.pid"] == shop.pid
        assert day.end_ns > day.start_ns
        kept = Files(traces=home / "traces.jsonl", journal=journal)
        assert draw(kept.trace(day.trace_id)) == "shop.day\n  shop.sale completed\n  theirs"
        assert [span.is_open for span in kept.trace(day.trace_id)] == [True, False, True]
        shop.stdin.write("\n")
        shop.stdin.close()
        assert shop.wait(30) == 0
    assert open_spans(journal) == []
    assert draw(kept.trace(day.trace_id)) == "shop.day completed\n  shop.sale completed\n  theirs"


def test_what_died_is_read_as_such_before_anybody_has_exported_it(tmp_path: Path) -> None:
    """It is no longer open."""
    code = "import signal\nwith telemetry.span('shop.day'):\n    os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", SHOP + code], env=environment(tmp_path), check=False, timeout=60)
    assert open_spans(tmp_path / "journal") == []
    assert draw(Files(journal=tmp_path / "journal").find_spans()) == "shop.day died died"
    assert len(_journals.files_in(tmp_path / "journal")) == 1


def test_without_a_home_nothing_is_open(tmp_path: Path) -> None:
    """Nor before anything is configured."""
    run("with telemetry.span('shop.day'): print(telemetry.open_spans())", tmp_path, TELEMETRY_HOME="")
    assert open_spans(tmp_path / "nowhere") == []
