"""Prove what the collector does by itself, whoever sends to it: it redacts, and reads lines on from where it was.

It runs alone, with the configuration of the stack and in a folder of its own; Jaeger stays away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import requests

from deploy.stack import Collector, Jaeger
from telemetry.reading import read_collected
from tests.e2e_smoke.steps import Steps

CANARY: Final = "c4n4ry0123456789abcdefABCDEF01234567"
SECRETS: Final = (
    f"ghp_{CANARY}",
    f"github_pat_11{CANARY}",
    f"Authorization: Bearer {CANARY}",
    f"https://user:{CANARY}@example.org/a",
    f"access_token={CANARY}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
)
_TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
_SETTLE_SECONDS: Final = 30.0


def prove(folder: Path, steps: Steps) -> None:
    """Run a collector below `folder` and leave what is wrong in `steps`."""
    own, lines = folder / "alone", folder / "alone" / "lines"
    lines.mkdir(parents=True)
    collector = Collector(folder=own, lines=lines, jaeger=Jaeger(folder=own))
    with steps.step("the collector alone takes out what other senders send in the clear") as problems, collector:
        problems += _redacts(collector, lines)
    with steps.step("the collector reads lines on after a restart, from the file that was set aside too") as problems:
        problems += _reads_on(collector, lines)


def _redacts(collector: Collector, lines: Path) -> Iterator[str]:
    """Send secrets wherever a span, a record or a line has text, and yield where one is left."""
    for signal, body in (("traces", _spans()), ("logs", _records())):
        requests.post(f"{collector.http}/v1/{signal}", json=body, timeout=10).raise_for_status()
    _append(lines, *({"event": f"line {secret}", "list": [secret], "nested": {"deep": secret}} for secret in SECRETS))
    marks = {"traces.jsonl": len(SECRETS), "logs.jsonl": 2 * len(SECRETS)}
    for name, count in marks.items():
        text = _awaited(collector.output / name, "kept as it was", count)
        if text.count("kept as it was") < count:
            yield f"{name} has {text.count('kept as it was')} of {count} that were sent"
        shown = [secret.replace(CANARY, "…") for secret in SECRETS if secret in text]
        if CANARY in text:
            yield f"{name} shows {shown}: {text[max(0, text.find(CANARY) - 200) : text.find(CANARY)]!r}"
    traces = (collector.output / "traces.jsonl").read_text()
    if "lifted." in traces:
        yield "what was lifted for redaction was not lowered again"
    if '"name":"request ' not in traces:
        yield "the names of spans are gone"


def _reads_on(collector: Collector, lines: Path) -> Iterator[str]:
    """Let lines be written while the collector runs, while it is away, and into a new file; yield what is not there once."""
    events = [f"number.{number}" for number in range(12)]
    copy = collector.output / "logs.jsonl"
    with collector:
        _append(lines, *({"event": event} for event in events[:4]))
        _awaited(copy, events[3])
    _append(lines, *({"event": event} for event in events[4:8]))
    (lines / "logs.jsonl").rename(lines / "logs.jsonl.1")
    _append(lines, *({"event": event} for event in events[8:]))
    with collector:
        _awaited(copy, events[7])
        _awaited(copy, events[11])
        time.sleep(1)  # what is read twice is read at once
    found = [str(record.get("event")) for records in read_collected(copy) for record in records]
    for event in events:
        if found.count(event) != 1:
            yield f"{event} is there {found.count(event)} times"


def _append(folder: Path, *lines: dict[str, Any]) -> None:
    with (folder / "logs.jsonl").open("ab") as file:
        for line in lines:
            made = {"timestamp": "2026-01-01T00:00:00.000000Z", "level": "info", **line, "mark": "kept as it was"}
            file.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))


def _awaited(path: Path, text: str, count: int = 1) -> str:
    """Return what the file holds as soon as `text` is in it so often, or after `_SETTLE_SECONDS`."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        found = path.read_text() if path.exists() else ""
        if found.count(text) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _text(value: str) -> dict[str, str]:
    return {"stringValue": value}


def _attributes(secret: str) -> list[dict[str, Any]]:
    """Return attributes that show `secret` as text, in a list and in a mapping, beside one that shows none."""
    return [
        {"key": "text", "value": _text(secret)},
        {"key": "list", "value": {"arrayValue": {"values": [_text("first"), _text(secret)]}}},
        {"key": "mark", "value": _text("kept as it was")},
    ]


def _spans() -> dict[str, Any]:
    spans = [
        {
            "traceId": _TRACE,
            "spanId": f"{number + 1:016x}",
            "name": f"request {secret}",
            "kind": 3,
            "startTimeUnixNano": str(time.time_ns()),
            "endTimeUnixNano": str(time.time_ns() + 1000),
            "status": {"code": 2, "message": f"failed with {secret}"},
            "attributes": _attributes(secret),
            "events": [
                {
                    "timeUnixNano": str(time.time_ns()),
                    "name": f"event {secret}",
                    "attributes": _attributes(secret)[:2],
                }
            ],
        }
        for number, secret in enumerate(SECRETS)
    ]
    return {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "another sender"}, "spans": spans}]}]}


def _records() -> dict[str, Any]:
    records = [
        {"timeUnixNano": str(time.time_ns()), "body": _text(f"said {secret}"), "attributes": _attributes(secret)}
        for secret in SECRETS
    ]
    return {"resourceLogs": [{"scopeLogs": [{"scope": {"name": "another sender"}, "logRecords": records}]}]}
