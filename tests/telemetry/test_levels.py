"""The level that a worker is asked for is the stream's, in every way of asking that Celery's own command line takes."""

from __future__ import annotations

import logging
from io import StringIO

import pytest
from celery import Celery
from celery.bin.base import CLIContext
from celery.bin.beat import beat
from celery.bin.worker import worker as command
from click import Command

from telemetry._celery import worker
from telemetry._lines import writing
from telemetry.settings import TelemetrySettings


@pytest.fixture
def stream() -> StringIO:
    """A stream that has the lines from INFO."""
    stream = StringIO()
    writing.configure(TelemetrySettings(log_format="json"), stream=stream)
    return stream


def shown(stream: StringIO) -> list[str]:
    """The levels that the stream has lines of."""
    levels = ("debug", "info", "warning", "error", "critical")
    for level in levels:
        writing.write_line(logging.getLevelNamesMapping()[level.upper()], f"a {level} line")
    return [level for level in levels if f"a {level} line" in stream.getvalue()]


ALL = ["debug", "info", "warning", "error", "critical"]


@pytest.mark.parametrize(
    ("arguments", "levels"),
    [
        ("", ALL[1:]),
        ("-l DEBUG", ALL),
        ("-l warning -c 2", ALL[2:]),
        ("-lERROR", ALL[3:]),
        ("-c2 -Elinfo", ALL[1:]),
        ("--loglevel=debug", ALL),
        ("--loglevel critical", ALL[4:]),
        ("-l DEBUG --loglevel=FATAL", ALL[4:]),
        ("--logfile=x", ALL[1:]),
    ],
)
def test_every_way_to_ask_a_worker_for_a_level_is_understood(stream: StringIO, arguments: str, levels: list[str]) -> None:
    """As Celery's own parser reads them; when nobody asks, the stream keeps its level and not Celery's."""
    listen_as(command, arguments)
    assert shown(stream) == levels


def test_beat_is_asked_in_the_same_way(stream: StringIO) -> None:
    """Its parser is another."""
    listen_as(beat, "--loglevel=error")
    assert shown(stream) == ALL[3:]


def listen_as(program: Command, arguments: str) -> None:
    """Do what Celery's signal leads to while `program` runs with these arguments."""
    celery = CLIContext(Celery("shop", set_as_current=False), no_color=True, workdir=None)
    with program.make_context(str(program.name), arguments.split(), obj=celery):
        worker.keep_logging()


def test_a_program_may_ask_for_its_own_worker(stream: StringIO) -> None:
    """`app.Worker(loglevel="ERROR")`, or `app.Worker()`."""
    worker.before_init(options={})
    assert shown(stream) == ALL[1:]
    worker.before_init(options={"loglevel": "ERROR"})
    stream.truncate(0)
    assert shown(stream) == ALL[3:]
