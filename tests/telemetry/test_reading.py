"""OTLP JSON, whoever wrote it, is read as the same spans and lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from telemetry.reading import read_collected, read_lines, read_spans, spans_in

ATTRIBUTES = [{"key": "team_id", "value": {"intValue": "7"}}]


@pytest.mark.parametrize(("code", "status"), [(2, "ERROR"), ("STATUS_CODE_ERROR", "ERROR"), (None, "UNSET")])
def test_a_collectors_span_and_jaegers_are_the_same(code: object, status: str) -> None:
    """Jaeger names what others number, and leaves out what is not set."""
    span = {
        "name": "work",
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "startTimeUnixNano": "1000000",
        "endTimeUnixNano": "3000000",
        "attributes": ATTRIBUTES,
        "status": {} if code is None else {"code": code},
    }
    (read,) = spans_in({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert (read.status, read.duration_ms, read.parent_id, read.attributes) == (status, 2.0, None, {"team_id": 7})


def test_a_collected_record_is_the_line_that_it_was(tmp_path: Path) -> None:
    """Nulls, numbers, lists and objects keep their kind; a line without a span has no ids."""
    values = [("pct", {}), ("n", {"intValue": "3"}), ("ms", {"doubleValue": 1.5}), ("none", {"arrayValue": {}})]
    values += [("of", {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}})]
    record = {
        "timeUnixNano": "1795636420908795000",
        "severityText": "debug",
        "body": {"stringValue": "sync.repo.progress"},
        "attributes": [{"key": key, "value": value} for key, value in values],
    }
    ids = {"traceId": "a" * 32, "spanId": "b" * 16}
    request = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record | ids, record | {"traceId": "", "spanId": ""}]}]}]}
    (tmp_path / "logs.jsonl").write_bytes(orjson.dumps(request) + b"\n")
    line: dict[str, Any] = {"timestamp": "2026-11-25T19:53:40.908795Z", "level": "debug", "event": "sync.repo.progress"}
    line |= {"pct": None, "n": 3, "ms": 1.5, "none": [], "of": {"a": True}}
    with_ids = line | {"trace_id": "a" * 32, "span_id": "b" * 16}
    assert read_collected(tmp_path / "logs.jsonl") == [[with_ids, line]]


def test_a_line_without_its_end_hides_nothing(tmp_path: Path) -> None:
    """A collector that is killed between a request and its newline goes on in the same line after its start."""
    span = {"name": "work", "traceId": "a" * 32, "spanId": "b" * 16, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    request = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    (tmp_path / "traces.jsonl").write_bytes(request + request + b"\n" + request + b"\n")
    assert [span.name for span in read_spans(tmp_path / "traces.jsonl")] == ["work"] * 3


def test_what_a_full_disk_cut_is_left_out(tmp_path: Path) -> None:
    """Behind an inner brace it looks like a whole line; what follows it is read."""
    (tmp_path / "spans").write_bytes(b'{"resourceSpans":[{"resource":{}\n{"resourceSpans":[]}\n')
    (tmp_path / "lines").write_bytes(b'{"event":"cut","request":{"n":1}\n{"event":"whole"}\n')
    assert read_spans(tmp_path / "spans") == []
    assert read_lines(tmp_path / "lines") == [{"event": "whole"}]
