"""Last wills: spans that another machine ends, or nobody else does; each is exported once, and the ledger stays exact."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from opentelemetry import trace

from telemetry import _journals, bind, ledger, span
from telemetry.model import Field, Operation
from telemetry.reading import draw, orphans_of, read_spans
from telemetry.testing import Capture
from telemetry.wills import Will, reserve
from tests.telemetry.test_processes import SHOP, environment, run

MAKES = """
import json, pathlib, signal
from telemetry import wills
from telemetry.model import Operation, Result
class Ordered(Result):
    loaves: int
class Order(Operation[Ordered], name="shop.order"):
    loaf: str
theirs, silent = set(), []
def registry(span_ids):
    if silent:
        raise OSError("no database")
    return theirs & set(span_ids)
wills.ask(registry)
def make():
    global will, block
    with telemetry.bind(team_id=7):
        block = wills.reserve(Order(loaf="rye \\0"))
    will = wills.Will.of(block)
    pathlib.Path(os.environ["ROW"]).write_text(json.dumps(will.as_json()))
"""
ROW = "row.json"
DIES = """
with telemetry.span("shop.day", team_id=1):
    make()
    with block as order:
        sell()
        while not pathlib.Path(os.environ["TELEMETRY_HOME"], "traces.jsonl").exists():
            telemetry.flush()
        with telemetry.span("shop.oven"):
            os.kill(os.getpid(), signal.SIGKILL)
"""
ENDS = """
will = wills.Will.from_json(json.loads(pathlib.Path(os.environ["ROW"]).read_text()))
from datetime import UTC, datetime, timedelta
done = will.execute(last_seen=datetime.fromtimestamp(will.process["at"] / 1e9, UTC) + timedelta(seconds=5))
assert done.is_done and "file" in done.exported_to, done
"""
HEIRS = """
found = json.loads(pathlib.Path(os.environ["ROW"]).read_text())
if {is_theirs}:
    theirs.update(span["id"] for span in found["spans"])
sell()
telemetry.flush()
"""


def _names(folder: Path) -> dict[str, str]:
    return {"ROW": str(folder / ROW)}


def _killed(folder: Path, code: str = DIES) -> None:
    names = environment(folder / "lost", **_names(folder))
    program = [sys.executable, "-c", SHOP + MAKES + code]
    ran = subprocess.run(program, env=names, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == -9, ran.stderr


def _runs(folder: Path, home: str, code: str) -> None:
    run(MAKES + code, folder / home, **_names(folder))


def _drawn(*homes: Path) -> str:
    spans = [each for home in homes for each in read_spans(home / "traces.jsonl")]
    assert len({each.span_id for each in spans}) == len(spans)
    assert orphans_of(spans) == []
    for home in homes:
        count = ledger.of_home(home)["file"]
        assert (count.is_exact, count.exported) == (True, len(read_spans(home / "traces.jsonl")))
    return draw(spans, "team_id", "died.cause")


DIED = """shop.day died died team_id=1 died.cause=unknown
  shop.order died died team_id=7 died.cause=unknown
    shop.sale completed"""
OVEN = "\n    shop.oven died died died.cause=unknown"
LATER = "\nshop.sale completed"


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.slow
def test_a_will_is_executed_elsewhere_once_whenever_its_process_home_comes_back(tmp_path: Path, is_late: bool) -> None:
    """Before: its children are no orphans. After: the next process there ends only what the will has not."""
    _killed(tmp_path)
    lost, ours = tmp_path / "lost", tmp_path / "ours"
    if is_late:
        _runs(tmp_path, "lost", HEIRS.format(is_theirs=True))
        assert [each.name for each in read_spans(lost / "traces.jsonl") if each.outcome == "died"] == ["shop.oven"]
    _runs(tmp_path, "ours", ENDS)
    died = read_spans(ours / "traces.jsonl")
    if not is_late:
        assert _drawn(lost, ours) == DIED
        _runs(tmp_path, "lost", HEIRS.format(is_theirs=True))
    at = json.loads((tmp_path / ROW).read_text())["process"]["at"]
    assert {each.end_ns - at for each in died} <= set(
        range(5_000_000_000 - 1000, 5_000_000_000 + 1001)
    )  # to the microsecond
    assert {each.status_message for each in died} == {"nothing was heard of the process any more"}
    assert [each.attributes.get("loaf") for each in died] == [None, "rye \ufffd"]
    assert _drawn(lost, ours) == DIED + OVEN + LATER
    assert list((lost / "journal").glob("*.jsonl")) == []


@pytest.mark.slow
def test_a_will_that_nobody_executed_is_its_own_homes(tmp_path: Path) -> None:
    """The next process there is told so, and ends everything."""
    _killed(tmp_path)
    _runs(tmp_path, "lost", HEIRS.format(is_theirs=False))
    assert _drawn(tmp_path / "lost") == DIED + OVEN + LATER


LIVES = """
with telemetry.span("shop.day"):
    make()
    with block as order:
        sell()
        order.completed(Ordered(loaves=1))
        {before_end}
telemetry.flush()
from telemetry.reading import read_spans
names = sorted(one.name for one in read_spans(os.environ["TELEMETRY_HOME"] + "/traces.jsonl"))
counts = telemetry.ledger.of_process()["file"]
assert counts.is_exact, counts
print(json.dumps([names, counts.waiting, dict(counts.dropped)]))
{after}
"""
ALL = ["shop.day", "shop.order", "shop.sale"]


@pytest.mark.parametrize(
    ("before_end", "said"),
    [
        ("will.keep()", [ALL, 0, {}]),
        ("will.settle()", [ALL, 0, {}]),
        ("pass", [ALL, 0, {}]),
        ("will.settle(); silent.append(1)", [ALL, 0, {}]),
        ("silent.append(1)", [["shop.sale"], 2, {}]),
        ("silent.append(1); will.keep()", [ALL, 0, {}]),
        ("theirs.update(will.span_ids)", [["shop.sale"], 0, {"ended_elsewhere": 2}]),
        ("theirs.update(will.span_ids); will.settle()", [["shop.sale"], 0, {"ended_elsewhere": 2}]),
    ],
)
def test_a_process_that_lives_exports_what_is_its_own(tmp_path: Path, before_end: str, said: list[Any]) -> None:
    """Kept, asked for, or asked for once it has ended; held while nobody answers; and dropped when another has ended it."""
    code = MAKES + "import telemetry.ledger\n" + LIVES.format(before_end=before_end, after="silent.clear()")
    printed = run(code, tmp_path / "home", **_names(tmp_path))
    (found,) = [json.loads(line) for line in printed.splitlines() if line.startswith("[")]
    assert found == said
    count = ledger.of_home(tmp_path / "home")["file"]
    assert (count.is_exact, count.waiting) == (True, 0)  # who ends asks once more
    assert count.exported == len(read_spans(tmp_path / "home" / "traces.jsonl")) == (1 if "theirs" in before_end else 3)


@pytest.mark.slow
def test_what_is_held_outlives_its_process(tmp_path: Path) -> None:
    """One that is killed while nobody answers has left it in its journal, as it had ended."""
    _killed(
        tmp_path,
        LIVES.format(before_end="silent.append(1)", after="os.kill(os.getpid(), 9)")
        .replace("print(", "(lambda _: None)(")
        .replace("counts = ", "import telemetry.ledger\ncounts = "),
    )
    lost = tmp_path / "lost"
    assert [each.name for each in read_spans(lost / "traces.jsonl")] == ["shop.sale"]
    _runs(tmp_path, "lost", HEIRS.format(is_theirs=False))
    assert (
        _drawn(lost) == "shop.day completed\n  shop.order completed team_id=7\n    shop.sale completed\nshop.sale completed"
    )


def test_a_journal_of_this_home_goes_before_a_will(tmp_path: Path) -> None:
    """Whoever asks sees whether its spans are there: of the process itself, of another, of one that is dead; or were."""
    _killed(tmp_path)
    check = "assert wills.Will.from_json(json.loads(pathlib.Path(os.environ['ROW']).read_text())).is_journalled is "
    _runs(tmp_path, "lost", f"import time; {check}True\nsell(); telemetry.flush(); time.sleep(0.1); {check}True")
    _runs(tmp_path, "ours", check + "False")


class Walk(Operation[None], name="wills.walk"):
    """A walk."""

    dog: Annotated[str, Field("Whose.")]


def test_a_reserved_block_is_a_block_with_its_start_then(captrace: Capture) -> None:
    """Its ids, attributes and context are those of its will; what is never entered is nowhere."""
    with span("wills.day"), bind(team_id=7):
        never, block = reserve(Walk(dog="none")), reserve(Walk(dog="ours"))
        will = Will.of(block)
        time.sleep(0.01)
        with block:
            pass
    assert captrace.tree() == "wills.day completed\n  wills.walk completed"
    walk, day = captrace.spans
    assert will.span_ids == (day.span_id, walk.span_id)
    kept = will.spans[1]
    assert (kept["start"], kept["parent"], kept["a"]) == (walk.start_ns, day.span_id, {"team_id": 7, "dog": "ours"})
    assert walk.duration_ms >= 10
    assert never is not block
    assert Will.from_json(json.loads(json.dumps(will.as_json()))) == Will(will.process, tuple(map(dict, will.spans)))


def test_a_reserved_block_has_what_is_bound_as_it_is_entered(captrace: Capture) -> None:
    """Beside what was as it was reserved, which its will has."""
    with span("wills.day"):
        with bind(team_id=7):
            block = reserve(Walk(dog="ours"))
        with bind(repo_id=3), block:
            pass
    walk = captrace.span("wills.walk")
    assert {key: walk.attributes.get(key) for key in ("team_id", "repo_id", "dog")} == {
        "team_id": 7,
        "repo_id": 3,
        "dog": "ours",
    }


@pytest.mark.usefixtures("captrace")
def test_any_database_keeps_a_will() -> None:
    """JSON has no numbers beyond the finite ones, and PostgreSQL no NUL."""
    odd: dict[str, Any] = {"late": float("nan"), "many": (1.5, float("-inf")), "name": "rye \0"}
    with trace.get_tracer("theirs").start_as_current_span("odd", attributes=odd):
        will = Will.of()
    (kept,) = will.spans
    assert kept["a"] == {"late": "nan", "many": [1.5, "-inf"], "name": "rye \ufffd"}
    assert json.loads(json.dumps(will.as_json(), allow_nan=False)) == will.as_json()


@pytest.mark.parametrize(
    ("machine", "cause"),
    [({}, "machine_gone"), ({"machine": "another"}, "unknown"), ({"machine": ""}, "unknown"), ({"boot": ""}, "unknown")],
)
def test_a_machine_that_has_started_since_is_gone(tmp_path: Path, machine: dict[str, str], cause: str) -> None:
    """It is known by its own name among all machines, and not by a host's, which others may have."""
    if not _journals.machine_id():
        pytest.skip("this machine has no /etc/machine-id, so that nobody can know that it has started again")
    _killed(tmp_path)
    row = json.loads((tmp_path / ROW).read_text())
    row["process"] |= {"boot": "an earlier one", **machine}
    (tmp_path / ROW).write_text(json.dumps(row))
    _runs(tmp_path, "ours", ENDS)
    assert {each.attributes["died.cause"] for each in read_spans(tmp_path / "ours" / "traces.jsonl")} == {cause}


def test_without_spans_there_is_no_will() -> None:
    """Outside any span, or where none is kept."""
    will = Will.of()
    assert (will.as_json(), will.span_ids, will.is_journalled) == (None, (), False)
    will.keep()
    will.settle()
    assert will.execute(last_seen=datetime.now(UTC) + timedelta(seconds=1)).is_done
