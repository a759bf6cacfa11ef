"""The benchmarks yield their figures, and write them only into their table in the document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.figures import DOCUMENT, Figure, as_json, as_text, this_machine, write_document
from tests.benchmarks.programs import CHECKOUT

FAST = Figure(name="a.b", what="How fast", value=1234.5, unit="/s", aim=1_000, better="higher", detail="in 1 s")
SLOW = Figure(name="a.c", what="How slow", value=2.126, unit="x", aim=1.8)


@pytest.mark.timeout(260)
@pytest.mark.slow
def test_every_benchmark_yields_its_figures(tmp_path: Path) -> None:
    """The size is tiny, so that only the counted figures mean anything; it is the program that `make bench` runs."""
    command = [sys.executable, "-m", "tests.benchmarks", "--tiny"]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "SYNCTRACE_HOME": str(tmp_path)}
    subprocess.run(command, cwd=CHECKOUT, env=environment, check=True, timeout=240)
    figures = json.loads((tmp_path / "benchmarks.json").read_bytes())["figures"]
    values = {figure["name"]: figure["value"] for figure in figures}
    assert {name for name, value in values.items() if value > 0} >= {
        "operation.sync.db.write",
        "operation.sync.api.graphql",
        "operation.sync.db.write.journal",
        "operation.sync.api.graphql.journal",
        "boundary.attributes",
        "boundary.traceback",
        "boundary.worst",
        "sync.requests",
        "sync.points",
        "sync.long_lists.requests",
        "sync.long_lists.points",
        "sync.speed",
        "store.new",
        "store.unchanged",
        "admission.one",
        "admission.first",
        "admission.idle",
        "admission.accounts",
        "admission.gapless",
        "admission.tiny",
        "watching.idle",
        *(
            f"pages.{page}"
            for page in ("home", "runs", "run", "repositories", "repository", "pull_requests", "team", "teams")
        ),
        *(
            f"pages.{page}"
            for page in ("runs.text", "runs.cause", "pull_requests.assisted", "pull_requests.text", "accounts", "system")
        ),
        *(f"reading.{command}.{state}" for command in ("logs", "trace", "runs", "explain") for state in ("down", "up")),
        *(f"reading.{command}.full" for command in ("logs", "trace", "explain")),
        *(f"reading.{command}.large" for command in ("trace", "explain")),
    }
    assert {"sync.telemetry.no_latency", "sync.by_hand.no_latency", "watching.slowdown", "watching.busy"} <= values.keys()
    for state in ("away", "silent"):
        assert {f"collector.{state}.{what}" for what in ("slowdown", "lost", "exit")} <= values.keys()
    assert (values["burst.otlp"], values["burst.file"]) == (0, 0)


def test_a_figure_says_whether_its_aim_is_met() -> None:
    """An aim is an upper or a lower limit."""
    assert (FAST.met, SLOW.met) == (True, False)
    assert as_text([FAST, SLOW], this_machine()).splitlines()[1:3] == [
        "How fast  1,234 /s  ≥ 1,000 /s  yes  in 1 s",
        "How slow  2.13 x    ≤ 1.8 x     no",
    ]
    assert json.loads(as_json([FAST], this_machine()))["figures"][0]["met"] is True


def test_only_the_table_of_the_document_is_written(tmp_path: Path) -> None:
    """Writing the same figures again changes nothing."""
    document = tmp_path / "benchmarks.md"
    document.write_text(DOCUMENT.read_text())
    write_document([FAST], this_machine(), document)
    written = document.read_text()
    assert "| How fast | 1,234 /s | ≥ 1,000 /s | yes | in 1 s |" in written
    write_document([FAST], this_machine(), document)
    assert document.read_text() == written
    before, _, after = DOCUMENT.read_text().partition("<!-- figures")
    assert written.startswith(before)
    assert written.endswith(after.partition("<!-- end of figures -->")[2])


def test_a_document_without_a_place_for_the_table_is_refused(tmp_path: Path) -> None:
    """The table is not written anywhere else."""
    document = tmp_path / "benchmarks.md"
    document.write_text("# Benchmarks\n")
    with pytest.raises(ValueError, match="has lost the lines"):
        write_document([FAST], this_machine(), document)
