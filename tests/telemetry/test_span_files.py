"""Our own file of spans: each write is a line, and a file that cannot be written says why."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from telemetry._export.sending import TAKEN, Answer, FileSender
from telemetry._export.span_files import SpanFile
from telemetry.reading import read_spans


def _span(name: str, number: int) -> ReadableSpan:
    """A span with ids of its own."""
    return ReadableSpan(name, context=SpanContext(1, number, is_remote=False), start_time=1, end_time=2)


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_what_is_written_at_once_is_one_line(tmp_path: Path) -> None:
    """In the order in which it came, also once the file was closed; no descriptor stays open."""
    before = _open_files()
    path = tmp_path / "made" / "traces.jsonl"
    file = SpanFile(path, 0)
    file.write([_span("a", 1), _span("b", 2)])
    file.close()
    file.close()
    assert _open_files() == before
    file.write([_span("c", 3)])
    file.close()
    assert path.read_text().count("\n") == 2
    assert sorted(span.name for span in read_spans(path)) == ["a", "b", "c"]


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\u2029", "\x85\u2028\u2029", "\r", "\x1c"], ids=ascii)
def test_a_request_is_one_line_for_every_reader(end: str, tmp_path: Path) -> None:
    """Also for one that splits at each line end that Unicode knows; what the span says stays."""
    file = SpanFile(tmp_path / "traces.jsonl", 0)
    file.write([_span(f"a{end}b", 1), _span("ż", 2)])
    file.close()
    assert len((tmp_path / "traces.jsonl").read_text().splitlines()) == 1
    assert [span.name for span in read_spans(tmp_path / "traces.jsonl")] == [f"a{end}b", "ż"]


def test_who_sends_to_it_hears_why_it_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, or another reason; both may be over soon, and then it is taken."""
    sender = FileSender(SpanFile(tmp_path / "traces.jsonl", 0))
    (tmp_path / "traces.jsonl").mkdir()
    assert sender.send([_span("a", 1)]) == Answer(is_away=True, reason="unwritable")
    (tmp_path / "traces.jsonl").rmdir()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", _full)
        assert sender.send([_span("a", 1)]) == Answer(is_away=True, reason="disk_full")
    before = _open_files()
    assert sender.send([_span("a", 1)]) == TAKEN
    sender.close()
    assert _open_files() == before - 1
    assert [span.name for span in read_spans(tmp_path / "traces.jsonl")] == ["a"]


def _full(_descriptor: int, _content: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
