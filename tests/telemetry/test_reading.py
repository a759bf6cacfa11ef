"""OTLP JSON, whoever wrote it, is read as the same spans and lines."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from telemetry._searching import Window, files_of, lines_of
from telemetry._wanted import in_lines, in_spans
from telemetry.reading import (
    Files,
    Jaeger,
    JaegerError,
    Memory,
    MissingKeyError,
    Source,
    SpanEvent,
    Wanted,
    draw,
    orphans_of,
    read_collected,
    read_lines,
    read_spans,
    roots_of,
    spans_in,
)

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


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"stringValue": "7"}, "7"),
        ({"boolValue": True}, True),
        ({"intValue": "7"}, 7),
        ({"doubleValue": "7.0"}, 7.0),
        ({"arrayValue": {"values": [{"stringValue": "rye"}, {"intValue": "7"}]}}, ("rye", 7)),
    ],
)
def test_an_attribute_keeps_its_kind(value: dict[str, Any], read: object) -> None:
    """Numbers may be text in JSON, and a list is one of values."""
    span = {**written(1), "attributes": [{"key": "loaf", "value": value}]}
    (found,) = spans_in({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert found.attributes["loaf"] == read
    assert type(found.attributes["loaf"]) is type(read)


@pytest.mark.parametrize(
    ("status", "attributes", "error_type"),
    [
        ({"code": 2}, {"error.type": "OSError", "error_type": "os"}, "OSError"),
        ({"code": 2}, {"error.type": "", "error_type": "OSError"}, "OSError"),
        ({"code": 2}, {}, None),
        ({}, {"error.type": "OSError"}, None),
    ],
)
def test_an_error_s_type_is_that_of_a_span_that_is_an_error(
    status: dict[str, int], attributes: dict[str, str], error_type: str | None
) -> None:
    """By the standard's key or by ours, whichever says something."""
    span = {**written(1, **attributes), "status": status}
    (found,) = spans_in({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert found.error_type == error_type


def test_what_happened_in_a_span_is_read_with_its_moment() -> None:
    """Such as the exception that ended it; what an exporter leaves out is empty."""
    attributes = [{"key": "exception.type", "value": {"stringValue": "OSError"}}]
    said = [{"name": "exception", "timeUnixNano": "2000000", "attributes": attributes}, {}]
    (read,) = spans_in({"resourceSpans": [{"scopeSpans": [{"spans": [written(1) | {"events": said}]}]}]})
    happened = SpanEvent("exception", 2_000_000, {"exception.type": "OSError"})
    assert read.events == (happened, SpanEvent("", 0, {}))


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


@pytest.mark.parametrize(("seconds", "is_read"), [(0, True), (60, True), (60.001, False)])
def test_a_file_is_read_if_it_may_have_something_of_the_window(seconds: float, is_read: bool, tmp_path: Path) -> None:
    """One that was last written before the window began has nothing, but that machines' clocks may be a minute apart."""
    path, start_ns = tmp_path / "traces.jsonl", 10**18
    path.write_bytes(b"")
    written_ns = start_ns - int(seconds * 1_000) * 10**6
    os.utime(path, ns=(written_ns, written_ns))
    assert list(files_of(path, Window(start_ns))) == ([path] if is_read else [])


@pytest.mark.parametrize("kept", [1, 20, 45, 60, 100, -1])
def test_what_was_cut_within_a_line_hides_nothing_that_follows_it(kept: int, tmp_path: Path) -> None:
    """A collector whose disk was full, or that was killed, goes on in the same line, wherever it had stopped."""
    span = {
        "name": '{"resourceSpans":[',
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
    }
    request = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    (tmp_path / "traces.jsonl").write_bytes(request[:kept] + request + request[:kept] + request + b"\n" + request + b"\n")
    assert [span.name for span in read_spans(tmp_path / "traces.jsonl")] == ['{"resourceSpans":['] * 3


def test_what_a_full_disk_cut_is_left_out(tmp_path: Path) -> None:
    """Behind an inner brace it looks like a whole line; what follows it is read."""
    (tmp_path / "spans").write_bytes(b'{"resourceSpans":[{"resource":{}\n{"resourceSpans":[]}\n')
    (tmp_path / "lines").write_bytes(b'{"event":"cut","request":{"n":1}\n{"event":"whole"}\n')
    assert read_spans(tmp_path / "spans") == []
    assert read_lines(tmp_path / "lines") == [{"event": "whole"}]


def written(number: int, *, name: str = "work", **attributes: str | int | bool) -> dict[str, Any]:
    """A span as OTLP JSON has it; spans 1 to 9 are in trace 1, 10 to 19 in trace 2."""
    keys: dict[type, str] = {str: "stringValue", int: "intValue", bool: "boolValue"}
    return {
        "name": name,
        "traceId": f"{1 + number // 10:032x}",
        "spanId": f"{number:016x}",
        "startTimeUnixNano": str(number * 1_000_000),
        "endTimeUnixNano": str(number * 2_000_000),
        "attributes": [
            {"key": key, "value": {keys[type(value)]: str(value) if type(value) is int else value}}
            for key, value in attributes.items()
        ],
    }


SPANS = [
    written(11, name="ship", order="A-8", is_gift=True),
    written(2, name="pack", order="A-7", weight=7),
    written(1, name="ship", order="A-7"),
    written(1, name="ship", order="A-7"),  # a root that was emitted again
    written(3, name="pack", order="Ä 9"),
]
LINES: list[dict[str, Any]] = [
    {"timestamp": "2026-01-01T00:00:02Z", "event": "shop.packed", "order": "A-7", "run_id": 4},
    {"timestamp": "2026-01-01T00:00:01Z", "event": "shop.shipped", "order": "A-7", "run_id": "4"},
    {"timestamp": "2026-01-01T00:00:03Z", "event": "shop.shipped", "order": 'say "hi"', "run_id": 44, "is_gift": True},
]


class FakeJaeger(BaseHTTPRequestHandler):
    """Answers as Jaeger 2.13 does: what is known under a trace's id, and ids for tags; null where there are none."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer a question about a trace, or a search."""
        self.asked.append(self.path)
        url = urlsplit(self.path)
        if url.path == "/api/traces":
            tags = orjson.loads(parse_qs(url.query)["tags"][0])
            found = [span for span in SPANS if tags.items() <= self._tags(span).items()]
            self._answer(200, {"data": [{"traceID": span["traceId"].lstrip("0")} for span in found] or None})
        elif spans := [span for span in SPANS if url.path == f"/api/v3/traces/{span['traceId']}"]:
            shown = [self._shown(span) for span in spans]
            self._answer(200, {"result": {"resourceSpans": [{"scopeSpans": [{"spans": shown}]}]}})
        elif url.path == "/api/v3/traces/broken":
            self._answer(200, {"no": "result"})
        elif url.path == "/api/v3/traces/down":
            self._answer(503, {})
        else:
            self._answer(404, {"error": {"message": "trace not found"}})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's name
        """Keep quiet."""

    def _answer(self, status: int, body: object) -> None:
        content = orjson.dumps(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @staticmethod
    def _shown(span: dict[str, Any]) -> dict[str, Any]:
        """A span as a collector may have renamed it for Jaeger's pages."""
        if span["name"] != "pack":
            return span
        own = {"key": "span.name", "value": {"stringValue": "pack"}}
        return {**span, "name": "pack with care", "attributes": [*span["attributes"], own]}

    @staticmethod
    def _tags(span: dict[str, Any]) -> dict[str, str]:
        values = {item["key"]: next(iter(item["value"].values())) for item in span["attributes"]}
        return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}


@pytest.fixture
def jaeger_url() -> Iterator[str]:
    """A fake Jaeger's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), FakeJaeger) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(params=["files", "jaeger", "memory"])
def source(request: pytest.FixtureRequest, tmp_path: Path, jaeger_url: str) -> Source:
    """The same spans and lines, wherever they are kept."""
    if request.param == "jaeger":
        return Jaeger(jaeger_url + "/", service="shop")
    if request.param == "memory":
        return Memory(spans_in({"resourceSpans": [{"scopeSpans": [{"spans": SPANS}]}]}), LINES)
    requests = [{"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]} for span in SPANS]
    (tmp_path / "spans.1").write_bytes(orjson.dumps(requests[0]) + b"\n")
    (tmp_path / "spans").write_bytes(b"".join(orjson.dumps(request) + b"\n" for request in requests[1:]))
    (tmp_path / "lines").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in LINES))
    return Files(traces=tmp_path / "spans", lines=tmp_path / "lines")


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"order": "A-7"}, [1, 2]),
        ({"order": ["A-7", "A-8"]}, [1, 2, 11]),
        ({"order": "A-7", "name": "pack"}, [2]),
        ({"weight": 7}, [2]),
        ({"weight": "7"}, [2]),
        ({"is_gift": True}, [11]),
        ({"order": "Ä 9"}, [3]),
        ({"order": "A-"}, []),
        ({"colour": "red"}, []),
        ({"order": []}, []),
        ({"trace_id": f"{1:032x}"}, [1, 2, 3]),
        ({"trace_id": f"{1:032x}", "order": "A-7"}, [1, 2]),
        ({"trace_id": f"{9:032x}"}, []),
        ({"trace_id": "../../api/traces?x="}, []),
    ],
)
def test_spans_are_found_wherever_they_are_kept(source: Source, wanted: dict[str, Wanted], numbers: list[int]) -> None:
    """By attribute, name or id, each once, in the order they started; a number is found by its text."""
    assert [int(span.span_id, 16) for span in source.find_spans(**wanted)] == numbers


def test_a_trace_is_had_from_any_source(source: Source) -> None:
    """And drawn; one that is not known has no spans."""
    trace = source.trace(f"{1:032x}")
    assert draw(trace, "order") == "ship order=A-7\npack order=A-7\npack order=Ä 9"
    assert [node.span.name for node in roots_of(trace)] == ["ship", "pack", "pack"]
    assert source.trace(f"{9:032x}") == []


def test_a_span_whose_parent_is_missing_is_an_orphan() -> None:
    """Though it is drawn as a root; one that has no parent is a root, and none."""
    known = [written(1), written(2) | {"parentSpanId": f"{1:016x}"}, written(3) | {"parentSpanId": f"{9:016x}"}]
    spans = spans_in({"resourceSpans": [{"scopeSpans": [{"spans": known}]}]})
    assert [int(span.span_id, 16) for span in orphans_of(spans)] == [3]
    assert [[int(each.span_id, 16) for _, each in top.walk()] for top in roots_of(spans)] == [[1, 2], [3]]


@pytest.mark.parametrize("keeper", ["files", "memory"])
@pytest.mark.parametrize(
    ("wanted", "times"),
    [
        ({"order": "A-7"}, [1, 2]),
        ({"run_id": 4}, [1, 2]),
        ({"run_id": ["4", "44"]}, [1, 2, 3]),
        ({"run_id": 4, "event": "shop.packed"}, [2]),
        ({"order": 'say "hi"'}, [3]),
        ({"order": ["A-7", 'say "hi"']}, [1, 2, 3]),
        ({"is_gift": True}, [3]),
        ({"order": "A"}, []),
        ({}, [1, 2, 3]),
    ],
)
def test_lines_are_found_by_their_fields(tmp_path: Path, keeper: str, wanted: dict[str, Wanted], times: list[int]) -> None:
    """In the order they were written, whatever a writer of JSON does with quotes and spaces."""
    in_time = sorted(LINES, key=lambda line: str(line["timestamp"]))
    (tmp_path / "lines").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    source: Source = Memory(lines=in_time) if keeper == "memory" else Files(lines=tmp_path / "lines")
    assert [int(line["timestamp"][-3:-1]) for line in source.find_lines(**wanted)] == times


@pytest.mark.parametrize(
    "text",
    ["sync.repo.failed", "The broker cannot be reached: the sweep will send what is due.", "a/b (c) [d] {e} #1, 100 %!"],
)
def test_a_text_that_all_write_alike_is_looked_for_among_bytes(tmp_path: Path, text: str) -> None:
    """Of a file without it nothing is parsed, also where others are wanted as well."""
    lines = [{"event": f"other {number}"} for number in range(100)]
    (tmp_path / "lines").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    with patch.object(orjson, "loads", wraps=orjson.loads) as parsed:
        assert Files(lines=tmp_path / "lines").find_lines(event=[text, "sync.task.retry"]) == []
    assert parsed.call_count <= 1  # when the file begins
    (tmp_path / "lines").write_text(json.dumps({"event": text}) + "\n")
    assert Files(lines=tmp_path / "lines").find_lines(event=[text, "sync.task.retry"]) == [{"event": text}]


_ID, _OTHER = "a" * 32, "b" * 32


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"trace_id": _ID}, [_ID]),
        ({"span_id": "b" * 16}, ["b" * 16]),
        ({"run_id": 4, "trace_id": [_ID, _OTHER]}, [_ID, _OTHER]),
        ({"order": "Ä 9", "trace_id": _ID}, [_ID]),
        ({"order": [], "trace_id": _ID}, [_ID]),
    ],
)
def test_a_few_ids_are_looked_for_as_they_stand(wanted: dict[str, Wanted], found: list[str]) -> None:
    """Whatever else is wanted: bytes are found several times faster than a pattern."""
    assert sorted(map(str, in_lines(wanted))) == sorted(str(text.encode()) for text in found)
    assert sorted(map(str, in_spans(wanted))) == sorted(str(text.encode()) for text in found)


@pytest.mark.parametrize("wanted", [[_ID, _OTHER, "c" * 32], "short", [_ID, "short"]])
def test_many_values_and_short_ones_are_looked_for_in_one_pass_under_their_key(wanted: Wanted) -> None:
    """Each on its own would be looked for through the whole file, and a short one stands in many a line."""
    (needle,) = in_lines({"trace_id": wanted})
    assert isinstance(needle, re.Pattern)
    values = [wanted] if isinstance(wanted, str) else wanted
    assert all(needle.search(orjson.dumps({"trace_id": value})) for value in values)  # type: ignore[union-attr]
    assert not needle.search(orjson.dumps({"order": "short", "trace_id": "d" * 32}))


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_spans_of_many_traces_are_found_whoever_wrote_them(tmp_path: Path, separators: tuple[str, str]) -> None:
    """And those of no other trace, though they are linked to one of these."""
    spans = [
        {
            "name": f"of {number}",
            "traceId": f"{number:032x}",
            "spanId": f"{number:016x}",
            "startTimeUnixNano": str(number),
            "endTimeUnixNano": str(number),
            "links": [{"traceId": f"{number - 1:032x}", "spanId": f"{number - 1:016x}"}],
        }
        for number in range(1, 9)
    ]
    requests = [{"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]} for span in spans]
    (tmp_path / "spans").write_text("".join(json.dumps(one, separators=separators) + "\n" for one in requests))
    found = Files(traces=tmp_path / "spans").find_spans(trace_id=[f"{number:032x}" for number in (2, 3, 5, 7)])
    assert [span.name for span in found] == ["of 2", "of 3", "of 5", "of 7"]


@pytest.mark.parametrize("keeper", ["files", "memory"])
def test_the_newest_line_is_looked_for_in_the_newest_file_first(tmp_path: Path, keeper: str) -> None:
    """Older files are not opened if it is there."""
    for second, name in enumerate(("lines.2", "lines.1", "lines")):
        said = [{"timestamp": f"2026-01-01T00:00:0{second}Z", "event": "shop.packed", "order": f"A-{second}", "run_id": 4}]
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in said))
    source: Source = Files(lines=tmp_path / "lines")
    if keeper == "memory":
        source = Memory(lines=source.find_lines())
    with patch("telemetry.reading.lines_of", wraps=lines_of) as looked_through:
        newest = source.newest_line(run_id=4)
        older = source.newest_line(order="A-0", run_id=4)
    assert (newest or {})["order"] == "A-2"
    assert (older or {})["order"] == "A-0"
    assert source.newest_line(run_id=5) is None
    assert looked_through.call_count == (1 + 3 if keeper == "files" else 0)
    assert Files().newest_line(run_id=4) is None


def test_a_window_bounds_what_is_looked_through(tmp_path: Path) -> None:
    """Neither files that were last written before it are opened, nor those of lines that begin after it."""
    aside = [tmp_path / "lines.2", tmp_path / "lines.1", tmp_path / "lines"]
    for second, file in enumerate(aside):
        file.write_text("".join(json.dumps({**line, "at": second}) + "\n" for line in LINES[:1]))
        os.utime(file, ns=(0, (1_767_225_600 + 3600 * second) * 10**9))  # an hour between them, from 2026 on
    aside[2].write_text(json.dumps({**LINES[0], "timestamp": "2026-01-01T02:00:00Z", "at": 2}) + "\n")
    hour = 3600 * 10**9
    began = 1_767_225_600 * 10**9

    def found(start_ns: int, end_ns: int | None) -> list[int]:
        return [line["at"] for line in Files(lines=tmp_path / "lines").within(start_ns, end_ns).find_lines(order="A-7")]

    assert found(began, None) == [0, 1, 2]
    assert found(began + hour, None) == [1, 2]
    assert found(began + hour // 2, began + hour) == [1]


def test_a_line_with_several_of_the_values_is_found_once(tmp_path: Path) -> None:
    """And one that was cut short by a kill is not found, though the value is in it."""
    lines = [{"event": "both", "a": "x" * 20, "b": "y" * 20}, {"event": "one", "a": "y" * 20}]
    whole = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    (tmp_path / "lines").write_bytes(whole + b'{"event":"cut","a":"' + b"x" * 20)
    found = read_lines(tmp_path / "lines", containing=["x" * 20, "y" * 20])
    assert [line["event"] for line in found] == ["both", "one"]
    (tmp_path / "lines").write_bytes(b"")
    assert read_lines(tmp_path / "lines", containing=["x"]) == []


def test_a_spans_attributes_are_a_mapping_like_any_other() -> None:
    """One that is missing names its neighbours."""
    (span,) = spans_in({"resourceSpans": [{"scopeSpans": [{"spans": [SPANS[0]]}]}]})
    assert len(span.attributes) == 2
    assert span.attributes == {"order": "A-8", "is_gift": True}
    assert (list(span.attributes), span.attributes.get("none", 7)) == (["order", "is_gift"], 7)
    assert ("order" in span.attributes, repr(span.attributes)) == (True, "{'order': 'A-8', 'is_gift': True}")
    with pytest.raises(MissingKeyError, match=r"no 'ordre' .did you mean 'order'.*: there are order, is_gift"):
        span.attributes["ordre"]


def test_what_a_source_does_not_keep_is_empty(tmp_path: Path, jaeger_url: str) -> None:
    """Jaeger has no lines; a file need not be there, or be named."""
    assert Jaeger(jaeger_url, service="shop").find_lines(order="A-7") == []
    assert Files().find_spans(order="A-7") == []
    assert Files().find_lines(order="A-7") == []
    assert Files(traces=tmp_path / "none", lines=tmp_path / "none").trace("1") == []


def test_jaeger_is_asked_about_its_service_and_a_window(jaeger_url: str) -> None:
    """Without one it would look back two days."""
    FakeJaeger.asked.clear()
    Jaeger(jaeger_url, service="my shop", hours=1).find_spans(order="A-8")
    asked = parse_qs(urlsplit(FakeJaeger.asked[0]).query)
    assert (asked["service"], asked["tags"]) == (["my shop"], ['{"order":"A-8"}'])
    assert 3600e6 <= int(asked["end"][0]) - int(asked["start"][0]) <= 3700e6


@pytest.mark.parametrize(
    ("trace_id", "problem"),
    [("down", "answers 503 to /api/v3/traces/down"), ("broken", "is not Jaeger: its answer has no traces")],
)
def test_a_jaeger_that_answers_nonsense_is_an_error(jaeger_url: str, trace_id: str, problem: str) -> None:
    """Not an empty trace."""
    with pytest.raises(JaegerError, match=problem):
        Jaeger(jaeger_url, service="shop").trace(trace_id)


def test_a_jaeger_that_is_not_there_says_what_to_do() -> None:
    """With its address."""
    with pytest.raises(JaegerError, match=r"http://127\.0\.0\.1:9 cannot be reached: start Jaeger there"):
        Jaeger("http://127.0.0.1:9", service="shop").trace("1")
    for url in ("http://[", "http://", "http://h:99999", "http://h:0"):
        with pytest.raises(ValueError, match="is not an address of Jaeger"):
            Jaeger(url, service="shop")
    with pytest.raises(ValueError, match="'file:///etc' is not an address of Jaeger: give one like http://localhost:16686"):
        Jaeger("file:///etc", service="shop")


def test_reading_loads_nothing_that_writes() -> None:
    """A page that shows traces needs no SDK of OpenTelemetry, no requests and no Django."""
    code = (
        "import sys, types\n"
        "package = types.ModuleType('telemetry'); package.__path__ = ['telemetry']; sys.modules['telemetry'] = package\n"
        "import telemetry.reading\n"
        "heavy = {'opentelemetry', 'requests', 'django', 'structlog'}\n"
        "print(*sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
