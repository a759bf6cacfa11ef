"""Every way to write a line ends in the same line."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from opentelemetry import trace

import telemetry
from telemetry import bind, span
from telemetry._export import pages
from telemetry._export.line_files import LineFile, is_writable
from telemetry._lines import context, writing
from telemetry.reading import read_lines
from telemetry.settings import TelemetrySettings
from telemetry.testing import Capture, capturing
from tests.telemetry.bakery import wait_until

CANARY = "ghp_0123456789abcdefABCDEF0123456789abcd"


@pytest.fixture(autouse=True)
def _no_file_afterwards() -> Iterator[None]:
    """The next test writes to no file of this one."""
    yield
    writing.configure(TelemetrySettings())


class Unspeakable:
    """Something that has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def use(path: Path) -> None:
    """Lines go to ``path``."""
    writing.configure(TelemetrySettings(log_file=path, context=("team_id", "run_id")))


def test_structlog_and_standard_loggers_write_the_same_line(captrace: Capture, tmp_path: Path) -> None:
    """Both have the bound context and the ids of the span they are in."""
    use(tmp_path / "logs.jsonl")
    with bind(run_id=4, team_id=1), span("work"):
        structlog.get_logger().info("one", x=1)
        logging.getLogger("django.request").warning("two %s", 2)
    one, two = captrace.lines
    assert list(one) == ["timestamp", "level", "event", "x", "team_id", "run_id", "trace_id", "span_id", "trace_flags"]
    assert (two["event"], two["logger"], two["level"], two["trace_id"]) == (
        "two 2",
        "django.request",
        "warning",
        one["trace_id"],
    )
    assert read_lines(tmp_path / "logs.jsonl") == captrace.lines


class Mute(trace.NonRecordingSpan):
    """Somebody's own span, which has no ids to say."""

    def get_span_context(self) -> trace.SpanContext:
        raise RuntimeError("no ids")


def test_a_line_goes_without_ids_where_the_current_span_has_none_to_say(tmp_path: Path) -> None:
    """A line of either kind of logger; what was swallowed is counted."""
    use(tmp_path / "logs.jsonl")
    before = telemetry.swallowed()
    with trace.use_span(Mute(trace.INVALID_SPAN_CONTEXT)):
        structlog.get_logger().info("one", x=1)
        logging.getLogger("bakery").warning("two")
    structlog.get_logger().info("three")
    written = read_lines(tmp_path / "logs.jsonl")
    assert [line["event"] for line in written if line["event"] != "telemetry.problem"] == ["one", "two", "three"]
    assert {line["error_msg"] for line in written if line["event"] == "telemetry.problem"} <= {"no ids"}
    assert not [line for line in written if "trace_id" in line]
    assert telemetry.swallowed() == before + 2


def test_no_secret_reaches_a_line(captrace: Capture, tmp_path: Path) -> None:
    """Event, fields, nested fields, context and exceptions are redacted."""
    use(tmp_path / "logs.jsonl")
    log = structlog.get_logger()
    with bind(task_id=CANARY):
        log.info(f"got {CANARY}", url=f"https://x:{CANARY}@host/", nested={"a": [CANARY]}, password="hunter2")
        try:
            raise RuntimeError(f"access_token={CANARY}")
        except RuntimeError:
            log.exception("failed")
            logging.getLogger("celery").exception("Authorization: Bearer %s", CANARY)
    text = (tmp_path / "logs.jsonl").read_text()
    assert len(text.splitlines()) == 3
    assert CANARY not in text
    assert "hunter2" not in text


def test_warnings_are_lines(captrace: Capture, tmp_path: Path) -> None:
    """Python's warnings go the same way."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)  # pytest has replaced what was captured
        use(tmp_path / "logs.jsonl")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert captrace.lines[0]["logger"] == "py.warnings"


def test_what_json_cannot_hold_is_still_a_line(captrace: Capture, tmp_path: Path) -> None:
    """A huge number, a lone surrogate and an object become text."""
    use(tmp_path / "logs.jsonl")
    structlog.get_logger().info("odd", number=2**70, text="\ud800", thing=object)
    assert captrace.lines[0]["number"] == str(2**70)


@pytest.mark.parametrize(
    "arguments", [("%(a)s", {"b": 1}), ("%d", "x"), ("%s %s", 1), (Unspeakable(),), ("%s", Unspeakable())]
)
def test_a_record_that_cannot_be_made_text_breaks_nothing(captrace: Capture, tmp_path: Path, arguments: Any) -> None:
    """It is a line all the same."""
    use(tmp_path / "logs.jsonl")
    (ours,) = [
        handler for handler in logging.getLogger().handlers if type(handler).__module__ == "telemetry._lines.standard"
    ]
    logger = logging.getLogger("library")
    logger.propagate = False  # pytest's own handlers on the root cannot take it
    logger.addHandler(ours)
    try:
        logger.warning(*arguments)
    finally:
        logger.removeHandler(ours)
        logger.propagate = True
    (line,) = captrace.lines
    assert (line["logger"], line["level"]) == ("library", "warning")


def test_a_collector_that_is_down_is_said_once_a_minute(captrace: Capture, tmp_path: Path) -> None:
    """What the exporter says again within it is DEBUG; what others say again is not."""
    use(tmp_path / "logs.jsonl")
    for name in ("opentelemetry.exporter.otlp", "library"):
        for number in range(3):
            logging.getLogger(name).warning("no answer, retrying in %ss", number)
    assert [line["level"] for line in captrace.lines] == ["warning", "debug", "debug", "warning", "warning", "warning"]


def test_a_file_that_cannot_be_written_breaks_nothing(tmp_path: Path) -> None:
    """It is counted."""
    (tmp_path / "file").write_text("")
    use(tmp_path / "file" / "logs.jsonl")
    before = telemetry.swallowed()
    structlog.get_logger().info("lost")
    assert telemetry.swallowed() == before + 1


def test_a_full_disk_breaks_nothing() -> None:
    """It is counted, too."""
    use(Path("/dev/full"))
    before = telemetry.swallowed()
    structlog.get_logger().info("lost")
    assert telemetry.swallowed() == before + 1


CUT_SHORT = """
import resource, sys, structlog, telemetry
from pathlib import Path
from telemetry._lines import writing
from telemetry.settings import TelemetrySettings
writing.configure(TelemetrySettings(log_file=Path(sys.argv[1])))
log = structlog.get_logger()
log.info("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))  # the disk is full
log.info("cut", text="x" * 200)
log.info("lost")
assert telemetry.swallowed() == 2
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.info("after")
"""


def test_a_disk_that_was_full_for_a_while_costs_only_the_lines_of_that_while(tmp_path: Path) -> None:
    """A line that was cut short spoils none that follows."""
    path = tmp_path / "logs.jsonl"
    command = [sys.executable, "-c", CUT_SHORT, str(path)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, check=True, timeout=60)
    assert [line["event"] for line in read_lines(path)] == ["before", "after"]
    assert b'"event":"cut"' in path.read_bytes()


def test_the_folder_may_go_while_we_write(tmp_path: Path) -> None:
    """It is made again."""
    use(tmp_path / "logs" / "logs.jsonl")
    structlog.get_logger().info("gone")
    shutil.rmtree(tmp_path / "logs")
    structlog.get_logger().info("here")
    wait_until(lambda: _written_again(tmp_path / "logs" / "logs.jsonl"), seconds=10)
    assert read_lines(tmp_path / "logs" / "logs.jsonl")[-1]["event"] == "here"


def _written_again(path: Path) -> bool:
    structlog.get_logger().info("here")
    return path.exists()


def test_ids_fit_anyones_chain(captrace: Capture) -> None:
    """The processor adds the current span's ids in a chain that is not ours, and nothing outside a span."""
    log = structlog.wrap_logger(
        structlog.testing.ReturnLogger(), processors=[telemetry.add_trace_ids, structlog.processors.JSONRenderer()]
    )
    with span("work"):
        inside = json.loads(log.info("one"))
    assert (inside["trace_id"], inside["span_id"]) == (captrace.spans[0].trace_id, captrace.spans[0].span_id)
    assert json.loads(log.info("two")) == {"event": "two"}


def test_an_application_keeps_its_own_chain() -> None:
    """Our lines go through it, with no secret for it to leak, and the traceback of their error."""
    writing.configure(TelemetrySettings())
    before = structlog.get_config()
    output = io.StringIO()
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(output),
    )
    try:
        telemetry.write_line(40, f"no {CANARY}", {"url": f"https://x:{CANARY}@h/", "n": 1}, error=ValueError(CANARY))
    finally:
        structlog.configure(**before)
    (text,) = output.getvalue().splitlines()
    line = json.loads(text)
    assert (line["level"], line["event"], line["n"]) == ("error", "no [redacted]", 1)
    assert line["exception"].endswith("ValueError: [redacted]\n")
    assert CANARY not in text


def _chain_to_loggers() -> dict[str, Any]:
    """Return what most Django projects configure: structlog's lines end in the standard library's loggers."""
    return {
        "processors": [structlog.stdlib.add_log_level, structlog.processors.JSONRenderer()],
        "logger_factory": structlog.stdlib.LoggerFactory(),
    }


@pytest.mark.parametrize("is_standard", [False, True])
def test_files_and_tests_have_the_lines_of_an_application_with_its_own_chain(is_standard: bool, tmp_path: Path) -> None:
    """As they are, once, wherever the chain leads; the stream is the chain's to write to, or to its loggers'."""
    stream, theirs, before = io.StringIO(), io.StringIO(), structlog.get_config()
    chain = {"processors": [structlog.processors.JSONRenderer()], "logger_factory": structlog.PrintLoggerFactory(theirs)}
    writing.configure(TelemetrySettings(log_file=tmp_path / "lines"), stream=stream)
    structlog.configure(**(_chain_to_loggers() if is_standard else chain))
    try:
        with capturing() as captured:
            telemetry.write_line(30, "sold out", {"bread": "rye"})
            logging.getLogger("shop").warning("shut")
    finally:
        structlog.configure(**before)
        writing.configure(TelemetrySettings())
    assert captured.events() == ["sold out", "shut"]
    assert captured.line("sold out")["bread"] == "rye"
    assert [line["event"] for line in read_lines(tmp_path / "lines")] == ["sold out", "shut"]
    said = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    if is_standard:
        rendered, shut = said
        assert (json.loads(rendered)["bread"], shut) == ("rye", "shut")
    else:
        assert said == ["shut"]
        assert json.loads(theirs.getvalue())["bread"] == "rye"


HEARD = """
import logging
import telemetry
from telemetry.testing import capturing

log = logging.getLogger("shop")
with capturing() as captured:
    log.warning("no bread")
    log.info("nobody asked for this level")
    with capturing() as inner:
        log.error("no cake")
log.warning("nobody listens")
assert captured.events() == ["no bread", "no cake"], captured.lines
assert inner.events() == ["no cake"], inner.lines
with capturing() as captured:
    telemetry.configure()
    log.warning("once")
assert captured.events() == ["once"], captured.lines
"""


def test_the_test_kit_hears_the_loggers_of_a_program_that_is_not_configured() -> None:
    """As its page shows, which says nothing of configuring; at the loggers' own level, and each once."""
    subprocess.run([sys.executable, "-W", "error", "-c", HEARD], check=True, timeout=60)


WRITER = """
import os, sys, structlog
from pathlib import Path
from telemetry._lines import writing
from telemetry.settings import TelemetrySettings
writing.configure(TelemetrySettings(log_file=Path(sys.argv[1]), rotate_bytes=int(sys.argv[3])))
log = structlog.get_logger()
for number in range(int(sys.argv[2])):
    log.info("n", number=number, pid=os.getpid(), text="x" * 50)
os.kill(os.getpid(), 9)
"""


def test_many_processes_write_whole_lines_through_rotations_and_kills(tmp_path: Path) -> None:
    """Four writers killed at their last line lose none and tear none, while the file is set aside again and again."""
    path = tmp_path / "logs.jsonl"
    command = [sys.executable, "-c", WRITER, str(path), "500", "90000"]
    writers = [subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path.cwd())}) for _ in range(4)]
    assert {writer.wait(60) for writer in writers} == {-9}
    lines = read_lines(path)
    assert len({(line["pid"], line["number"]) for line in lines}) == len(lines) == 2000
    assert (tmp_path / "logs.jsonl.1").exists()


def test_five_files_are_kept_beside_the_one_that_is_written(tmp_path: Path) -> None:
    """The newest is `.1`; the sixth before is gone; of the kept ones no line is lost, doubled or out of its file."""
    path = tmp_path / "logs.jsonl"
    file = LineFile(path, rotate_bytes=10)
    for number in range(9):
        file.write(f"{number}-of-nine\n".encode())
        time.sleep(0.06)  # a full file is noticed after a moment
    file.close()
    kept = {each.name: each.read_text() for each in tmp_path.iterdir() if not each.name.endswith(".lock")}
    assert kept == {
        "logs.jsonl": "8-of-nine\n",
        **{f"logs.jsonl.{place}": f"{8 - place}-of-nine\n" for place in range(1, 6)},
    }


def test_a_full_file_is_noticed_soon_however_fast_it_grows(tmp_path: Path) -> None:
    """Before it has grown by more than a sixty-fourth, and a line."""
    file = LineFile(tmp_path / "lines", rotate_bytes=6_400)
    for _ in range(2_000):
        file.write(b"nineteen-characters\n")
    file.close()
    sizes = sorted(path.stat().st_size for path in tmp_path.glob("lines.[0-9]"))
    assert len(sizes) == 5
    assert sizes[0] >= 6_400
    assert sizes[-1] <= 6_400 + 100 + 2 * 20


def test_a_full_file_is_set_aside_by_one_process_at_a_time(tmp_path: Path) -> None:
    """Whoever comes while another one does it waits, and then writes to the new one."""
    path = tmp_path / "lines"
    file = LineFile(path, rotate_bytes=1)
    file.write(b"full\n")
    with pages.locked(Path(f"{path}.lock")):
        time.sleep(0.06)
        writing_on = threading.Thread(target=file.write, args=(b"new\n",))
        writing_on.start()
        writing_on.join(0.2)
        assert not Path(f"{path}.1").exists()
    writing_on.join(10)
    file.close()
    assert (path.read_bytes(), Path(f"{path}.1").read_bytes()) == (b"new\n", b"full\n")


def test_a_pipe_whose_reader_has_gone_is_no_place_for_lines(tmp_path: Path) -> None:
    """We read none of it ourselves, or whoever writes would never know."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = LineFile(path, rotate_bytes=0)
    file.write(b"heard\n")
    assert os.read(reader, 99) == b"heard\n"
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        file.write(b"unheard\n")
    file.close()


def test_a_file_may_have_the_descriptor_of_a_standard_input_that_is_closed(tmp_path: Path) -> None:
    """It is one file then, too, and is closed."""
    before = os.dup(0)
    os.close(0)
    try:
        file = LineFile(tmp_path / "lines", rotate_bytes=0)
        for _ in range(2):
            file.write(b"a line\n")
            time.sleep(0.06)
        assert os.fstat(0).st_ino == (tmp_path / "lines").stat().st_ino
        file.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(0)
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert (tmp_path / "lines").read_bytes() == b"a line\na line\n"


def test_a_file_that_cannot_be_opened_anew_writes_into_no_other(tmp_path: Path) -> None:
    """Its descriptor may be another file's by then; it goes on once there is a place for it."""
    path = tmp_path / "here" / "lines"
    file = LineFile(path, rotate_bytes=0)
    file.write(b"before\n")
    shutil.rmtree(path.parent)
    path.parent.write_text("no folder")
    assert not is_writable(path)
    time.sleep(0.06)
    with pytest.raises(OSError, match="here"):
        file.write(b"lost\n")
    with (tmp_path / "another").open("wb", buffering=0) as another:
        with pytest.raises(OSError, match="here"):
            file.write(b"lost\n")
        path.parent.unlink()
        file.write(b"after\n")
        assert another.tell() == 0
    file.close()
    assert path.read_bytes() == b"after\n"
    assert is_writable(path)


def test_a_file_that_gave_way_to_a_folder_is_closed_once(tmp_path: Path) -> None:
    """Whoever is given its descriptor next keeps it; the file goes on once there is a place for it."""
    path = tmp_path / "lines"
    file = LineFile(path, rotate_bytes=0)
    file.write(b"before\n")
    path.unlink()
    path.mkdir()
    time.sleep(0.06)
    with pytest.raises(IsADirectoryError):
        file.write(b"lost\n")
    with (tmp_path / "another").open("wb", buffering=0) as another:
        with pytest.raises(IsADirectoryError):
            file.write(b"lost\n")
        another.write(b"whole\n")
        path.rmdir()
        file.write(b"after\n")
    file.close()
    assert (path.read_bytes(), (tmp_path / "another").read_bytes()) == (b"after\n", b"whole\n")


def test_a_file_without_a_limit_is_never_set_aside(tmp_path: Path) -> None:
    """Zero bytes is no limit; below one, a file stays as it is to the last byte."""
    for number, limit in enumerate((0, 12)):
        file = LineFile(tmp_path / f"{number}.jsonl", rotate_bytes=limit)
        file.write(b"five\n")
        time.sleep(0.06)
        file.write(b"sixes\n")
        file.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0.jsonl", "1.jsonl"]


def test_what_is_bound_again_inside_is_as_before_behind(captrace: Capture) -> None:
    """Also what was removed there; with `clear` nothing is left."""

    def lines() -> None:
        with bind(team_id=1, run_id=2):
            with bind(team_id=3, run_id=None):
                telemetry.write_line(20, "inside")
            telemetry.write_line(20, "behind")
            context.clear()
            telemetry.write_line(20, "cleared")

    copy_context().run(lines)
    found = [(line["event"], line.get("team_id"), line.get("run_id")) for line in captrace.lines]
    assert found == [("inside", 3, None), ("behind", 1, 2), ("cleared", None, None)]


def test_what_an_application_names_first_comes_first(captrace: Capture) -> None:
    """From then on, whatever was bound before."""
    with bind(a=1, b=2):
        for order in (("a", "b"), ("b", "a")):
            writing.configure(TelemetrySettings(context=order))
            telemetry.write_line(20, "said")
    assert [[name for name in line if name in ("a", "b")] for line in captrace.lines] == [["a", "b"], ["b", "a"]]


def test_a_capture_that_has_ended_has_no_more_lines() -> None:
    """Those of its block alone."""
    with capturing() as captured:
        telemetry.write_line(20, "inside")
    telemetry.write_line(20, "behind")
    assert captured.events() == ["inside"]


def test_a_time_that_is_fixed_ends_with_its_capture(captrace: Capture) -> None:
    """Whatever captures within another, which has its own time again."""
    outer, inner = (datetime(year, 1, 1, tzinfo=UTC) for year in (2001, 2002))
    captrace.fix(now=lambda: outer)
    with capturing(now=lambda: inner):
        telemetry.write_line(20, "inside")
    telemetry.write_line(20, "outside")
    assert [line["timestamp"][:4] for line in captrace.lines] == ["2002", "2001"]


def test_lines_written_together_are_what_they_are_alone(tmp_path: Path) -> None:
    """Each has its own level and fields; time, bound context and order are common; a stream gets those of its level."""
    file, stream = tmp_path / "logs.jsonl", StringIO()
    writing.configure(TelemetrySettings(log_file=file, log_level=20), stream=stream)
    with bind(team_id=7):
        writing.write_declared([(10, "a.first", {"n": 1}), (20, "a.second", {"n": 2, "team_id": 8})])
    first, second = read_lines(file)
    assert (first["level"], first["event"], first["n"], first["team_id"]) == ("debug", "a.first", 1, 7)
    assert (second["level"], second["event"], second["n"], second["team_id"]) == ("info", "a.second", 2, 8)
    assert first["timestamp"] == second["timestamp"]
    assert [orjson.loads(line) for line in stream.getvalue().splitlines()] == [second]


def test_a_traceback_is_told_once(tmp_path: Path) -> None:
    """Celery's own word on an error that a line has told is there, for whoever debugs Celery, without its traceback."""
    writing.configure(TelemetrySettings(log_file=tmp_path / "lines"))
    try:
        for number in (1, 2):
            try:
                raise ValueError(number)
            except ValueError as error:
                if number == 1:
                    telemetry.write_line(40, "told", error=error)
                logging.getLogger("celery.app.trace").exception("raised")
    finally:
        writing.configure(TelemetrySettings())
    assert [(line["event"], line["level"], "exception" in line) for line in read_lines(tmp_path / "lines")] == [
        ("told", "error", True),
        ("raised", "debug", False),
        ("raised", "error", True),
    ]


def test_whoever_tells_an_error_again_tells_its_traceback_again(captrace: Capture) -> None:
    """Only a logger of the standard library, which repeats what a line has told, leaves it out."""
    error = ValueError("no")
    for _ in range(2):
        telemetry.write_line(40, "told", error=error)
    assert ["exception" in line for line in captrace.lines] == [True, True]


def test_a_line_has_128_fields_and_says_how_many_more_there_were(captrace: Capture) -> None:
    """As many as a span has attributes."""
    for count in (128, 129, 200):
        telemetry.write_line(20, "many", {f"f{number}": number for number in range(count)})
    whole, *cut = captrace.lines
    assert [name for name in whole if name.startswith("f")] == [f"f{number}" for number in range(128)]
    for line, left_out in zip(cut, (1, 72), strict=True):
        assert [name for name in line if name.startswith("f")] == [
            *(f"f{number}" for number in range(128)),
            "fields_left_out",
        ]
        assert line["fields_left_out"] == left_out


def test_a_level_of_an_application_s_own_has_the_name_of_the_next_lower_one(captrace: Capture) -> None:
    """And one below all has the lowest."""
    for level in (5, 10, 15, 20, 25, 30, 39, 40, 50, 60):
        telemetry.write_line(level, "said")
    assert [line["level"] for line in captrace.lines][-8:] == [
        "debug",
        "info",
        "info",
        "warning",
        "warning",
        "error",
        "critical",
        "critical",
    ]


def test_structlog_writes_our_lines_where_nobody_has_configured_it(tmp_path: Path) -> None:
    """From whoever's logger, with the stack that was asked for."""
    before = structlog.get_config()
    structlog.reset_defaults()
    try:
        writing.configure(TelemetrySettings(log_file=tmp_path / "lines"))
        structlog.get_logger("shop").warning("sold out", bread="rye", stack_info=True)
    finally:
        structlog.configure(**before)
        writing.configure(TelemetrySettings())
    (line,) = read_lines(tmp_path / "lines")
    assert (line["level"], line["event"], line["bread"]) == ("warning", "sold out", "rye")
    assert "test_structlog_writes_our_lines" in line["stack"]


def test_an_application_that_configures_structlog_after_us_has_its_own_chain(tmp_path: Path) -> None:
    """Also for loggers that have written our lines."""
    before, output = structlog.get_config(), io.StringIO()
    structlog.reset_defaults()
    try:
        writing.configure(TelemetrySettings(log_file=tmp_path / "lines"))
        log = structlog.get_logger("shop")
        log.info("ours")
        structlog.configure(
            processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory(output)
        )
        log.info("theirs")
    finally:
        structlog.configure(**before)
        writing.configure(TelemetrySettings())
    assert [line["event"] for line in read_lines(tmp_path / "lines")] == ["ours"]
    assert json.loads(output.getvalue()) == {"event": "theirs"}


def test_a_line_has_what_is_bound_at_its_moment(captrace: Capture) -> None:
    """Whatever else comes and goes in the context, of which as much may be set as before; true is no 1."""
    others = ContextVar[int]("others")

    def lines() -> None:
        token = others.set(1)
        with bind(team=1):
            telemetry.write_line(logging.INFO, "a.first")
            others.reset(token)
            with bind(repo=2):
                telemetry.write_line(logging.INFO, "a.second")
                with bind(team=True):
                    telemetry.write_line(logging.INFO, "a.third")
            with bind(team=None):
                telemetry.write_line(logging.INFO, "a.fourth")
        telemetry.write_line(logging.INFO, "a.fifth")

    copy_context().run(lines)
    found = [{name: line[name] for name in ("team", "repo") if name in line} for line in captrace.lines]
    assert repr(found) == repr([{"team": 1}, {"team": 1, "repo": 2}, {"team": True, "repo": 2}, {}, {}])
