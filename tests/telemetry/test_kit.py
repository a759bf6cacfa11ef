"""The test kit in somebody's own project: found by its entry point, with xdist, eager tasks, a provider already there."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

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
    """What pytest said of the tests in ``folder``, where synctrace is installed as its pyproject.toml says."""
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


def test_the_plugin_works_with_xdist(tmp_path: Path) -> None:
    """Two workers, each with telemetry's own provider, whose ids are the same after the same seed."""
    (tmp_path / "test_shop.py").write_text(TESTS.replace("OURS", "True"))
    assert "8 passed" in run(tmp_path, "-n", "2")


def test_the_plugin_works_with_a_provider_that_is_already_there(tmp_path: Path) -> None:
    """Its own exporter still gets every span, once."""
    (tmp_path / "test_shop.py").write_text(TESTS.replace("OURS", "False"))
    (tmp_path / "conftest.py").write_text(ALREADY_THERE)
    assert "8 passed" in run(tmp_path)
