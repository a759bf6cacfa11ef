"""Whoever looks on while spans happen is told what is new, and reads nothing twice."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import orjson
import pytest

from telemetry import _following
from telemetry._following import latest_line
from telemetry.reading import Files, SpanFollower

_OURS, _OTHERS = "a" * 32, "b" * 32


def _span(number: int, *, trace: str = _OURS, parent: str = "") -> dict[str, Any]:
    times = {"startTimeUnixNano": "1000000", "endTimeUnixNano": "3000000"}
    return {"name": f"span {number}", "traceId": trace, "spanId": f"{number:016x}", "parentSpanId": parent, **times}


def _request(*spans: dict[str, Any]) -> bytes:
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}) + b"\n"


def _append(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.writelines(lines)


def _say(path: Path, **step: Any) -> None:
    _append(path, orjson.dumps(step) + b"\n")


def _lives(journal: Path) -> BinaryIO:
    """Hold what a process holds while it lives."""
    held = journal.open("rb")
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


def test_what_is_appended_is_told_once_and_of_no_other_trace(tmp_path: Path) -> None:
    """What was there before is not; nor is a line before it is whole."""
    path = tmp_path / "traces.jsonl"
    _append(path, _request(_span(1)))
    follower = Files(traces=path).follow()
    assert follower.new([_OURS]) == []
    line = _request(_span(2), _span(3, trace=_OTHERS))
    _append(path, _request(_span(4, trace=_OTHERS)), line[:40])
    assert follower.new([_OURS]) == []
    _append(path, line[40:], _request(_span(5)))
    assert [span.name for span in follower.new([_OURS])] == ["span 2", "span 5"]
    assert follower.new([_OURS]) == []
    follower.close()


def test_only_new_bytes_are_read(tmp_path: Path) -> None:
    """However often one looks: what becomes of those before is not seen."""
    path = tmp_path / "traces.jsonl"
    _append(path, *[_request(_span(1_000 + number)) for number in range(1_000)])
    follower = Files(traces=path).follow()
    for number in range(3):
        _append(path, _request(_span(2_000 + number)))
        with path.open("r+b") as file:
            file.writelines(_request(_span(5_000 + other)) for other in range(1_000 + number))
        assert [span.name for span in follower.new([_OURS])] == [f"span {2_000 + number}"]
    follower.close()


def test_a_file_that_is_set_aside_is_read_to_its_end(tmp_path: Path) -> None:
    """Also what somebody writes there who has not noticed yet, and what was in files of a short life."""
    path = tmp_path / "traces.jsonl"
    _append(path, _request(_span(1)))
    follower = Files(traces=path).follow()
    _append(path, _request(_span(2)))
    path.rename(tmp_path / "traces.jsonl.2")
    _append(tmp_path / "traces.jsonl.1", _request(_span(3)))
    _append(path, _request(_span(4)))
    assert [span.name for span in follower.new([_OURS])] == ["span 2", "span 3", "span 4"]
    _append(tmp_path / "traces.jsonl.1", _request(_span(5)))
    _append(path, _request(_span(6)))
    assert [span.name for span in follower.new([_OURS])] == ["span 5", "span 6"]
    follower.close()


def test_a_file_that_begins_later_is_read_from_its_beginning(tmp_path: Path) -> None:
    """A home without any spans has none."""
    follower = Files(traces=tmp_path / "traces.jsonl", journal=tmp_path / "journal").follow()
    assert follower.new([_OURS]) == []
    _append(tmp_path / "traces.jsonl", _request(_span(1)))
    assert [span.name for span in follower.new([_OURS])] == ["span 1"]
    follower.close()


def test_a_span_is_told_when_it_starts_learns_and_ends_and_not_again_when_it_is_exported(tmp_path: Path) -> None:
    """By its process, in the order in which it says so; what nobody says anything of is not told."""
    path, journal = tmp_path / "traces.jsonl", tmp_path / "journal" / "one.jsonl"
    journal.parent.mkdir()
    _say(journal, journal=1, exporters=["file"])
    with _lives(journal):
        follower = Files(traces=path, journal=journal.parent).follow()
        _say(journal, id=f"{1:016x}", trace=_OURS, name="span 1", start=1_000_000)
        _say(journal, id=f"{2:016x}", trace=_OTHERS, name="span 2", start=1_000_000)
        (started,) = follower.new([_OURS])
        assert (started.name, started.is_open) == ("span 1", True)
        assert follower.new([_OURS]) == []
        _say(journal, id=f"{1:016x}", a={"full_name": "a/b"})
        (learnt,) = follower.new([_OURS])
        assert dict(learnt.attributes) == {"full_name": "a/b"}
        _say(journal, id=f"{1:016x}", end=3_000_000)
        (ended,) = follower.new([_OURS])
        assert (ended.is_open, ended.duration_ms) == (False, 2.0)
        exported = {**_span(1), "attributes": [{"key": "full_name", "value": {"stringValue": "a/b"}}]}
        _append(path, _request(exported, _span(3)))
        _say(journal, left="file", ids=[f"{1:016x}"])
        assert [span.name for span in follower.new([_OURS])] == ["span 3"]
        follower.close()


def test_a_span_dies_with_its_process_though_no_file_says_so(tmp_path: Path) -> None:
    """Journals are looked at now and then though none has changed."""
    journal = tmp_path / "journal" / "one.jsonl"
    journal.parent.mkdir()
    _say(journal, journal=1, exporters=["file"])
    _say(journal, id=f"{1:016x}", trace=_OURS, name="span 1", start=1_000_000)
    follower = SpanFollower(journal=journal.parent, deaths_seconds=0.0)
    with _lives(journal):
        (started,) = follower.new([_OURS])
        assert started.is_open
        assert follower.new([_OURS]) == []
    (died,) = follower.new([_OURS])
    assert (died.is_open, died.outcome) == (False, "died")


def test_a_death_is_seen_after_three_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless told otherwise; before, journals that have not changed are not read again."""
    now = [100.0]
    monkeypatch.setattr(_following, "time", SimpleNamespace(monotonic=lambda: now[0]))
    journal = tmp_path / "journal" / "one.jsonl"
    journal.parent.mkdir()
    _say(journal, journal=1, exporters=["file"])
    _say(journal, id=f"{1:016x}", trace=_OURS, name="span 1", start=1_000_000)
    follower = Files(journal=journal.parent).follow()
    with _lives(journal):
        assert [span.is_open for span in follower.new([_OURS])] == [True]
    now[0] = 102.9
    assert follower.new([_OURS]) == []
    now[0] = 103.0
    assert [span.outcome for span in follower.new([_OURS])] == ["died"]


def test_parts_begin_with_what_others_are_in(tmp_path: Path) -> None:
    """What waits, then the last line of the trace, and then all in the order it was exported."""
    path, journal = tmp_path / "traces.jsonl", tmp_path / "journal" / "one.jsonl"
    journal.parent.mkdir()
    _say(journal, journal=1, exporters=["file"])
    _say(journal, id=f"{9:016x}", trace=_OURS, name="span 9", start=1_000_000)
    _append(path, _request(_span(3), _span(4, trace=_OTHERS)), _request(_span(1)), _request(_span(2, trace=_OTHERS)))
    parts = [[span.name for span in part] for part in Files(traces=path, journal=journal.parent).parts_of(_OURS)]
    assert parts == [["span 9"], ["span 1"], ["span 3"], ["span 1"]]
    assert [span for part in Files(traces=tmp_path / "none").parts_of(_OURS) for span in part] == []


def test_the_latest_line_with_a_text_is_whole(tmp_path: Path) -> None:
    """With its end where it has one: of the newest file, or else of the one that was set aside."""
    path, aside = tmp_path / "traces.jsonl", tmp_path / "traces.jsonl.1"
    assert latest_line(path, "ours") == b""
    _append(aside, b"aside: ours and theirs\n", b"aside: others\n")
    assert latest_line(path, "ours") == b"aside: ours and theirs\n"
    _append(path, b"1: ours\n", b"2: ours\n", b"3: others\n", b"4: begun")
    assert latest_line(path, "ours") == b"2: ours\n"
    assert latest_line(path, "1: ours") == b"1: ours\n"
    assert latest_line(path, "begun") == b"4: begun"
    assert latest_line(path, "theirs") == b"aside: ours and theirs\n"
    assert latest_line(path, "nobody") == b""
