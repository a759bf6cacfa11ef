"""What others wrote cannot act on a terminal, nor be taken for a line of ours."""

from __future__ import annotations

import io
import json
import logging
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext

from telemetry import bind, visible
from telemetry._lines import writing
from telemetry.settings import TelemetrySettings
from telemetry.testing import Capture

ACTING = "\x1b[2J\x00\r\n\x07\x7f\x9b31m\u202e\u200b\u2066\ufeff\u3164"


@pytest.fixture(autouse=True)
def _nothing_afterwards() -> Iterator[None]:
    """The next test writes to no stream of this one."""
    yield
    writing.configure(TelemetrySettings())


def said(log_format: Literal["console", "json"]) -> str:
    """Return what a stream gets of lines that hold what acts, wherever others may put it."""
    output = io.StringIO()
    writing.configure(TelemetrySettings(log_format=log_format, log_level=10), stream=output)
    log = structlog.get_logger()
    log.info(f"title{ACTING}", title=f"a{ACTING}", deep=[ACTING, {ACTING: ACTING}], **{f"key{ACTING}": 1})
    logging.getLogger(f"shop{ACTING}").warning("argument %s", ACTING)
    try:
        raise ValueError(f"spilt{ACTING}12:00:00.000 [error    ] forged")
    except ValueError:
        log.error("failed", exc_info=True)
    return output.getvalue()


def test_a_line_of_a_file_is_one_line_for_every_reader_and_terminal(tmp_path: Path) -> None:
    """Whoever shows the file gets nothing that acts, whoever splits it at any line end whole lines; they say the same."""
    file = tmp_path / "logs.jsonl"
    writing.configure(TelemetrySettings(log_file=file))
    said = ["\x85", "\u2028 \u2029", ACTING.replace("\n", ""), "żółw 🐢"]
    for each in said:
        structlog.get_logger().info(each, n=1)
    content = file.read_text()
    assert [json.loads(line)["event"] for line in content.splitlines()] == said
    assert not {one for one in content if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp") and one not in "\n\x7f"}
    assert "żółw 🐢" in content


@given(st.text(alphabet=st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L", "N"])))
def test_what_a_terminal_gets_is_visible(value: str) -> None:
    """No escape sequence, no line end, no invisible or turning character; letters and digits stay."""
    shown = visible(value)
    assert not {one for one in shown if unicodedata.category(one) in ("Cc", "Zl", "Zp", "Cs") and one != "\t"}
    assert not set(shown) & set("\xad\u061c\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff\u3164\u115f\U000e0041")
    plain_text = "".join(one for one in value if unicodedata.category(one)[0] in "LN" and one.isprintable())
    assert visible(plain_text.replace("\u3164", "").replace("\u115f", "")).isprintable()


@pytest.mark.parametrize("text", ["libuv/libuv", "żółw 亀 🐢", "a\tb", r"C:\new", "e\u0301", "👩‍💻".replace("\u200d", "")])
def test_what_can_be_seen_stays(text: str) -> None:
    """Letters of all scripts, marks, emoji and a tab."""
    assert visible(text) == text


def test_of_unicodes_format_characters_only_marks_of_numbers_are_seen() -> None:
    """Arabic, Syriac and Kaithi write them before or around digits; all others act or are invisible."""
    formats = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"]
    marks = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    assert "".join(one for one in formats if visible(one) == one) == marks


def test_what_is_escaped_can_be_told() -> None:
    """As Python writes it."""
    assert visible("a\x1b[2J\nb\u202e\U000e0041\ud800") == r"a\x1b[2J\nb\u202e\U000e0041\ud800"


def test_text_for_people_holds_nothing_that_acts() -> None:
    """Four lines and a traceback, whose lines do not begin at the margin."""
    shown = said("console")
    assert not set(shown) & set(ACTING) - set("\n[2Jm31")
    at_margin = [line for line in shown.splitlines() if not line.startswith("  ")]
    assert len(at_margin) == 3
    assert not any(line.startswith("12:00:00.000") for line in at_margin)


def test_json_on_a_terminal_holds_nothing_that_acts() -> None:
    """And is the same to a reader as what a file holds."""
    shown = said("json")
    assert not set(shown) & set(ACTING) - set("\n[2Jm31")
    first, second, third = map(json.loads, shown.splitlines())
    assert first["title"] == f"a{ACTING}"
    assert second["event"] == f"argument {ACTING}"
    assert ACTING in third["exception"]


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_stream_of_another_encoding_gets_its_lines(log_format: Literal["console", "json"]) -> None:
    """What it does not know is escaped."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    writing.configure(TelemetrySettings(log_format=log_format, log_level=10), stream=stream)
    structlog.get_logger().info("żółw", n=1)
    assert r"\u017c" in written.getvalue().decode("ascii")
    if log_format == "json":
        assert json.loads(written.getvalue())["event"] == "żółw"


class Picky(io.StringIO):
    """A stream that takes what its encoding has, or ASCII where it says none."""

    def __init__(self, known: str | None) -> None:
        super().__init__()
        self._known = known

    @property
    def encoding(self) -> str | None:  # type: ignore[override]  # a stream of somebody else may have none
        return self._known

    def write(self, text: str) -> int:
        text.encode(self._known or "ascii")
        return super().write(text)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("iso8859-2", r"żółw \u4e80"), ("latin-1", r"\u017có\u0142w \u4e80"), (None, r"\u017c\xf3\u0142w \u4e80")],
)
def test_a_stream_gets_each_letter_that_it_knows(encoding: str | None, shown: str) -> None:
    """One that does not say what it knows gets those of ASCII."""
    stream = Picky(encoding)
    writing.configure(TelemetrySettings(log_format="console", log_level=10), stream=stream)
    structlog.get_logger().info("żółw 亀")
    assert stream.getvalue().rstrip().endswith(f"] {shown}")


def test_text_for_people_begins_with_the_time_of_day(captrace: Capture) -> None:
    """In milliseconds; then come level, event and fields, and of the trace's id the first eight digits."""
    stream = io.StringIO()
    writing.configure(TelemetrySettings(log_format="console", log_level=10), stream=stream)
    captrace.fix(now=lambda: datetime(2026, 1, 2, 3, 4, 5, 678_912, tzinfo=UTC))
    above = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=False)
    with trace.use_span(NonRecordingSpan(above)):
        structlog.get_logger().info("sold", weight=2, bread="rye")
    structlog.get_logger().error("sold out")
    assert [line.rstrip() for line in stream.getvalue().splitlines()] == [
        "03:04:05.678 [info     ] sold                       weight=2 bread=rye trace_id=0af76519",
        "03:04:05.678 [error    ] sold out",
    ]


def test_text_for_people_has_the_stack_and_the_traceback_below_its_line() -> None:
    """Indented, in that order, and not among the fields."""
    stream = io.StringIO()
    writing.configure(TelemetrySettings(log_format="console", log_level=10), stream=stream)
    try:
        raise ValueError("spilt")
    except ValueError:
        structlog.get_logger().error("failed", exc_info=True, stack_info=True)
    first, *below = stream.getvalue().splitlines()
    assert first.rstrip().endswith("] failed")
    assert all(line.startswith("  ") for line in below)
    beginnings = [line for line in below if line.startswith(("  Stack", "  Traceback", "  ValueError"))]
    assert beginnings == ["  Stack (most recent call last):", "  Traceback (most recent call last):", "  ValueError: spilt"]


@pytest.mark.parametrize("name", ["exc_info", "stack", "exception", "logger", "logger_name", "positional_args", "\x1b[2J\n"])
@pytest.mark.parametrize("value", [True, "\x1b[31m\nforged", {"a": ["\x1b[31m"]}], ids=["true", "a text", "a mapping"])
def test_text_for_people_shows_a_field_of_any_name(name: str, value: Any) -> None:
    """Also where structlog's renderer takes it for something else; a traceback of its own would hold secrets and escapes."""
    stream = io.StringIO()
    writing.configure(TelemetrySettings(log_format="console", log_level=10), stream=stream)
    try:
        raise ValueError("hunter2")
    except ValueError:
        with bind(**{name: value}):
            structlog.get_logger().info("said")
    first, *below = stream.getvalue().splitlines()
    assert "hunter2" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    assert visible(name) in first or "[" in first.partition("said")[2] or below == [r"  \x1b[31m", "  forged"]
    assert all(line.startswith("  ") for line in below)


def test_a_file_holds_what_was_said(tmp_path: Path) -> None:
    """Only readers of text need escapes."""
    path = tmp_path / "lines"
    writing.configure(TelemetrySettings(log_file=path))
    structlog.get_logger().info("x", title=ACTING)
    assert json.loads(path.read_text())["title"] == ACTING
