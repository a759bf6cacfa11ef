"""The test kit: what it captures, what it answers to mistakes, and that it works in a project of somebody else's."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.contextvars import bind_contextvars

from telemetry import OutcomeMissing, bound, observe, write_line
from telemetry.ledger import Count
from telemetry.model import Field, Level, Line, Operation, Result
from telemetry.reading import MissingKeyError
from telemetry.testing import Capture, NotCapturedError, _Account, capturing

TESTS = """
from datetime import UTC, datetime
from typing import Annotated

import pytest
from celery import Celery
from opentelemetry import trace

import telemetry
from telemetry import emit, observe
from telemetry import OutcomeMissing
from telemetry.model import Event, Field, Level, Line, Operation, Result

app = Celery("shop", broker="memory://")
app.conf.task_always_eager = True
telemetry.configure()


class Sold(Result):
    pieces: Annotated[int, Field("Pieces.")]


class Sale(
    Operation[Sold], name="shop.sale", completed=Line(Level.INFO, "who", "duration_sec", when="it is sold")
):
    who: Annotated[str, Field("Who.")]


class Rang(Event, name="shop.rang", level=Level.INFO, when="the bell rings"):
    times: Annotated[int, Field("How often.")]


@app.task(name="sell")
def sell(who):
    with observe(Sale(who=who)) as sale:
        emit(Rang(times=1))
        sale.completed(Sold(pieces=1))


@pytest.mark.parametrize("who", ["ann", "bob", "cid", "dan"])
def test_an_eager_task_is_captured(captrace, who):
    with telemetry.bind(team_id=7):
        sell.delay(who)
    assert "shop.sale completed who=" + who in captrace.tree("who")
    lines = [(line["event"], line["team_id"]) for line in captrace.lines if line["event"].startswith("shop.")]
    assert lines == [("shop.rang", 7), ("shop.sale.completed", 7)]
    assert "shop.sale" in [span.name for span in captrace.exporter.get_finished_spans()]


@pytest.mark.parametrize("again", [1, 2])
def test_time_and_ids_are_fixed_on_demand(captrace, again):
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    captrace.fix(now=lambda: moment, seed=7)
    with observe(Sale(who="ann")) as sale:
        sale.completed(Sold(pieces=1))
    (span,), (line,) = captrace.spans, captrace.lines
    expected = dict(timestamp="2026-01-01T12:00:00.000000Z", level="info", event="shop.sale.completed", who="ann")
    assert {name: line[name] for name in expected} == expected
    assert (line["duration_sec"], span.duration_ms, span.start_ns) == (0, 0, int(moment.timestamp()) * 10**9)
    assert (span.trace_id == "6513270e269e0d37f2a74de452e6b438") is OURS


def test_time_and_ids_are_not_fixed_in_the_next_test(captrace):
    with observe(Sale(who="ann")) as sale:
        sale.completed(Sold(pieces=1))
    assert captrace.spans[0].start_ns > datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    assert captrace.spans[0].duration_ms > 0


def test_a_mistake_is_an_error(captrace):
    with pytest.raises(OutcomeMissing), observe(Sale(who="ann")):
        pass
"""

ALREADY_THERE = """
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)


def pytest_sessionfinish():
    spans = exporter.get_finished_spans()
    assert len({span.context.span_id for span in spans}) == len(spans) > 10
"""


def run(folder: Path, *arguments: str) -> str:
    """Return what pytest says of the tests in `folder`, where telemetry is installed as its pyproject.toml says."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    installed = folder / f"{project['name']}-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    plugins = "\n".join(f"{name} = {module}" for name, module in project["entry-points"]["pytest11"].items())
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{plugins}\n")
    (folder / "telemetry").symlink_to(Path("telemetry").resolve())  # and nothing else that is beside it
    (folder / "pytest.ini").write_text("[pytest]\n")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:django", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_plugin_works_with_xdist(tmp_path: Path) -> None:
    """Two workers, each with telemetry's own provider, whose ids are the same after the same seed."""
    (tmp_path / "test_shop.py").write_text(TESTS.replace("OURS", "True"))
    assert "8 passed" in run(tmp_path, "-n", "2")


@pytest.mark.slow
def test_the_plugin_works_with_a_provider_that_is_already_there(tmp_path: Path) -> None:
    """Its own exporter still gets every span, once."""
    (tmp_path / "test_shop.py").write_text(TESTS.replace("OURS", "False"))
    (tmp_path / "conftest.py").write_text(ALREADY_THERE)
    assert "8 passed" in run(tmp_path)


class Cut(Result):
    """A cake in pieces."""

    pieces: Annotated[int, Field("Pieces.")]


class Cake(
    Operation[Cut],
    name="kit.cake",
    started=Line(Level.INFO, "flavour", when="it is on the table"),
    completed=Line(Level.INFO, "flavour", "pieces", when="it is cut"),
):
    """A cake."""

    flavour: Annotated[str, Field("Of what.")]


def cut(flavour: str) -> None:
    """Cut a cake."""
    with observe(Cake(flavour=flavour)) as cake:
        cake.completed(Cut(pieces=8))


def test_the_one_of_a_name_is_had_by_its_name(captrace: Capture) -> None:
    """A span, a line, a metric."""
    cut("plum")
    assert captrace.span("kit.cake").attributes["flavour"] == "plum"
    assert captrace.line("kit.cake.completed")["pieces"] == 8
    assert captrace.metric("kit.cake.duration").labels == {"kit.outcome": "completed"}


def test_a_slip_in_a_name_is_answered_with_the_right_one(captrace: Capture) -> None:
    """And with all that there are."""
    cut("plum")
    with pytest.raises(NotCapturedError, match=r"no line 'kit.cake.complete' \(did you mean 'kit.cake.completed'\?\)"):
        captrace.line("kit.cake.complete")
    with pytest.raises(NotCapturedError, match=r"there is no span 'shop': there are kit.cake$"):
        captrace.span("shop")
    with pytest.raises(NotCapturedError, match=r"no metric 'kit.cake' \(did you mean 'kit.cake.duration'"):
        captrace.metric("kit.cake")


def test_a_forgotten_outcome_is_answered_with_what_to_write(captrace: Capture) -> None:
    """To be copied from the message."""
    mistake = r"Cake ended without saying how: call completed\(Cut\(pieces=...\)\) before its block ends"
    with pytest.raises(OutcomeMissing, match=mistake), observe(Cake(flavour="plum")):
        pass


def test_one_of_many_must_be_chosen(captrace: Capture) -> None:
    """Which one a test means is for the test to say."""
    cut("plum")
    cut("lime")
    with pytest.raises(NotCapturedError, match=r"there are 2 spans 'kit.cake': choose one of captrace.spans"):
        captrace.span("kit.cake")


def test_nothing_captured_says_so(captrace: Capture) -> None:
    """The usual reason is code that did not run."""
    with pytest.raises(NotCapturedError, match="nor any other: was the code called inside the test"):
        captrace.line("kit.cake.completed")


def test_a_missing_key_names_those_that_are_there(captrace: Capture) -> None:
    """On lines and on spans, however they were had; it is a KeyError all the same."""
    cut("plum")
    with pytest.raises(
        KeyError, match=r"^there is no 'flavor' \(did you mean 'flavour'\?\): there are timestamp, level, event"
    ):
        captrace.lines[0]["flavor"]
    with pytest.raises(MissingKeyError, match=r"^there is no 'weight': there are flavour, kit.outcome, pieces"):
        captrace.span("kit.cake").attributes["weight"]
    assert captrace.lines[0].get("flavor") is None


def test_the_tree_shows_what_went_wrong(captrace: Capture) -> None:
    """Ours with their outcome, others' as an error, each with the type of its error where it has one."""
    tracer = trace.get_tracer("somebody's")
    with observe(Cake(flavour="plum")) as cake:
        with tracer.start_as_current_span("run/bake") as task:
            task.set_status(trace.StatusCode.ERROR, "burnt")
            task.set_attribute("error.type", "Burnt")
        with tracer.start_as_current_span("GET") as call:
            call.set_status(trace.StatusCode.ERROR)
        cake.failed(OSError("flat"))
    with observe(Cake(flavour="lime")) as cake:
        cake.retrying(OSError("cold"), countdown=1)
    assert captrace.tree("flavour") == (
        "kit.cake failed OSError flavour=plum\n  run/bake error Burnt\n  GET error\nkit.cake retrying OSError flavour=lime"
    )


def test_what_is_captured_can_be_searched_as_any_source(captrace: Capture) -> None:
    """So that a command or a page is tested on it."""
    cut("plum")
    cut("lime")
    lime = captrace.find_spans(flavour="lime")
    assert [line["event"] for line in captrace.find_lines(trace_id=lime[0].trace_id)] == [
        "kit.cake.started",
        "kit.cake.completed",
    ]
    assert captrace.trace(lime[0].trace_id) == lime


def test_what_was_captured_can_be_forgotten(captrace: Capture) -> None:
    """Spans, lines and metrics alike."""
    cut("plum")
    captrace.clear()
    assert (captrace.spans, captrace.lines, captrace.metrics) == ([], [], [])


def test_captures_can_be_nested(captrace: Capture) -> None:
    """Each has what happened in its own block."""
    cut("plum")
    with capturing() as inner:
        cut("lime")
    assert (len(inner.lines), len(inner.metrics), len(inner.spans)) == (2, 1, 1)
    assert (len(captrace.lines), len(captrace.metrics), len(captrace.spans)) == (4, 2, 2)


def test_an_id_that_begins_with_zeros_is_whole(captrace: Capture) -> None:
    """A span's parent and its links are found under the ids that these have."""
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    parent, other = (trace.SpanContext(1, number, is_remote=True, trace_flags=flags) for number in (2, 3))
    above = trace.set_span_in_context(trace.NonRecordingSpan(parent))
    trace.get_tracer("somebody's").start_span("GET", above, links=[trace.Link(other)]).end()
    found = captrace.span("GET")
    assert (found.trace_id, found.parent_id, found.links) == (
        f"{'0' * 31}1",
        f"{'0' * 15}2",
        ((f"{'0' * 31}1", f"{'0' * 15}3"),),
    )
    assert (len(found.span_id), found.end_ns >= found.start_ns > 0) == (16, True)


def test_what_became_of_the_spans_so_far_can_be_asked(captrace: Capture) -> None:
    """While one is open, and when it has ended."""
    with observe(Cake(flavour="plum")) as cake:
        cut("lime")
        assert captrace.count == Count(started=2, open=1, exported=1)
        cake.completed(Cut(pieces=1))
    assert captrace.count == Count(started=2, exported=2)


def test_what_a_sampler_only_records_is_not_counted() -> None:
    """It is exported nowhere, so that nothing has become of it."""
    account = _Account(InMemorySpanExporter())
    for flags in (trace.TraceFlags.DEFAULT, trace.TraceFlags.SAMPLED):
        context = trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(flags))
        account.on_end(ReadableSpan("s", context=context, start_time=1, end_time=2))
    assert (account.count().started, account.count().exported) == (1, 1)


BINDS = """
import pytest
import telemetry
from telemetry.testing import capturing

left = []

def bind(**context):
    left.append(telemetry.bind(**context))
    left[-1].__enter__()

def test_1_leaves_something_bound():
    bind(before=1)

def test_2_has_none_of_it(captrace):
    with telemetry.span("shop.day"):
        bind(inside=1)
    assert "before" not in captrace.span("shop.day").attributes

def test_3_has_none_of_either():
    with capturing() as captured, telemetry.span("shop.night"):
        pass
    assert {"before", "inside"}.isdisjoint(captured.span("shop.night").attributes)
"""


def test_what_is_bound_in_one_test_is_not_in_the_next(tmp_path: Path) -> None:
    """Neither what was bound before the fixture, nor what is while it captures."""
    (tmp_path / "test_shop.py").write_text(BINDS)
    assert "3 passed" in run(tmp_path)


@pytest.fixture
def _bound_around() -> Iterator[None]:
    """Bind something before the capture, and see that nothing is bound after it."""
    bind_contextvars(left="by the test before")
    yield
    assert bound() == {}


@pytest.mark.usefixtures("_bound_around")
def test_no_test_gets_what_another_one_bound(captrace: Capture) -> None:
    """Neither from the test before nor for the next."""
    assert bound() == {}
    bind_contextvars(left="by this test")
    write_line(logging.INFO, "kit.said")
    assert captrace.lines[0]["left"] == "by this test"
