"""What came of a batch follows from its receiver's answer, and what became of spans adds up; in this process alone."""

from __future__ import annotations

import errno
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess, ExportTraceServiceResponse
from opentelemetry.sdk.trace.export import SpanExportResult

from telemetry import _health
from telemetry._export import sending
from telemetry._export.counts import Count, added, reason_of
from telemetry._export.sending import TAKEN, Answer, ExporterSender, FileSender, GrpcSender, HttpSender, LateSender

PROTOBUF = {"Content-Type": "application/x-protobuf"}
REJECTING = ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=3)).SerializeToString()


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said aside of errors, instead of being raised."""
    aside: list[str] = []
    monkeypatch.setattr(_health, "aside", lambda error: aside.append(str(error)))
    return aside


def _answer(status: int, content: bytes = b"", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(status_code=status, reason="Because", content=content, headers=named)


class _Session:
    """Answers with what it is given, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def request(self, *_: Any, **__: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _by_http(monkeypatch: pytest.MonkeyPatch, *answers: Any, asks: int = 1) -> tuple[Answer, _Session, dict[str, Any]]:
    """What came of one batch whose exporter asks so often, and how it was made."""
    session, made = _Session(*answers), dict[str, Any]()

    def make(**options: Any) -> Any:
        made.update(options)

        def export(_spans: Any) -> SpanExportResult:
            for _ in range(asks):
                made["session"].request("POST", "http://u:hunter2@c")
            return SpanExportResult.SUCCESS if asks else SpanExportResult.FAILURE

        return SimpleNamespace(export=export, shutdown=lambda: None)

    monkeypatch.setattr(sending, "_session", lambda: session)
    return HttpSender(make, timeout=2.5).send([]), session, made


AWAY = Answer(is_away=True, reason="unreachable")
REFUSED = Answer(reason="refused")


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        (_answer(200), TAKEN),
        (_answer(299), TAKEN),
        (_answer(200, REJECTING, Content_Type="application/x-protobuf"), Answer(rejected=3)),
        (_answer(200, REJECTING, Content_Type="application/json"), TAKEN),
        (_answer(200, b"\xff\xff rubbish", Content_Type="application/x-protobuf"), TAKEN),
        (_answer(300), REFUSED),
        (_answer(199), REFUSED),
        (_answer(400), REFUSED),
        (_answer(401, Retry_After="5"), REFUSED),
        (_answer(500), REFUSED),
        (_answer(501), REFUSED),
        (_answer(429), AWAY),
        (_answer(502), AWAY),
        (_answer(503), AWAY),
        (_answer(504), AWAY),
        (_answer(503, Retry_After="5"), Answer(is_away=True, reason="unreachable", after_seconds=5.0)),
        (_answer(503, Retry_After="0.5"), Answer(is_away=True, reason="unreachable", after_seconds=0.5)),
        (_answer(503, Retry_After="86400"), Answer(is_away=True, reason="unreachable", after_seconds=60.0)),
        (_answer(503, Retry_After="-5"), Answer(is_away=True, reason="unreachable", after_seconds=0.0)),
        (_answer(503, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), AWAY),
    ],
    ids=lambda value: str(value.status_code) if hasattr(value, "status_code") else "",
)
def test_what_comes_of_a_batch_follows_from_its_answer(answer: Any, came: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the specification of OTLP lists it; what a receiver asks for is heeded, within a minute."""
    found, session, made = _by_http(monkeypatch, answer)
    assert (found, session.answers, made["timeout"]) == (came, [], 2.5)


def test_a_connection_that_was_kept_too_long_is_made_anew_once(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    """Whoever took too long is not asked again, and no address is said: it may hold a password."""
    gone, slow = requests.ConnectionError("http://u:hunter2@c"), requests.Timeout("http://u:hunter2@c")
    assert _by_http(monkeypatch, gone, _answer(200))[0] == TAKEN
    assert said == []
    found, session, _ = _by_http(monkeypatch, gone, gone, _answer(200))
    assert (found, len(session.answers)) == (AWAY, 1)
    found, session, _ = _by_http(monkeypatch, slow, _answer(200))
    assert (found, len(session.answers)) == (AWAY, 1)
    assert "hunter2" not in "".join(said)
    assert said == ["ConnectionError: ConnectionError", "Timeout: Timeout"]


def test_an_exporter_that_fails_without_asking_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that cannot encode a span: sending it again is of no use."""
    assert _by_http(monkeypatch, asks=0)[0] == Answer(reason="failed")


@pytest.mark.parametrize(
    ("result", "came"),
    [
        (SpanExportResult.SUCCESS, TAKEN),
        (SpanExportResult.FAILURE, Answer(reason="failed")),
        (ValueError("no"), Answer(reason="failed")),
    ],
)
def test_what_any_exporter_does_not_take_is_dropped(result: Any, came: Answer) -> None:
    """As OpenTelemetry specifies; its errors go no further."""
    closed: list[bool] = []

    def export(_spans: Any) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    sender = ExporterSender(SimpleNamespace(export=export, shutdown=lambda: closed.append(True)))  # type: ignore[arg-type]  # all that is asked of it
    assert sender.send([]) == came
    sender.close()
    assert closed == [True]


def test_an_exporter_that_cannot_be_made_is_away_until_it_can(said: list[str]) -> None:
    """It is made once, and shut down if it was."""
    closed: list[bool] = []
    made: list[Any] = [RuntimeError("no key"), SimpleNamespace(send=lambda _: TAKEN, close=lambda: closed.append(True))]

    def make() -> Any:
        if isinstance(one := made.pop(0), Exception):
            raise one
        return one

    sender = LateSender(make)
    sender.close()
    assert [sender.send([]) for _ in range(3)] == [Answer(is_away=True, reason="failed"), TAKEN, TAKEN]
    sender.close()
    assert (said, closed) == (["no key"], [True])


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EFBIG, "disk_full"),
        (errno.EACCES, "unwritable"),
        (errno.EROFS, "unwritable"),
    ],
)
def test_a_file_that_cannot_be_written_may_be_later(number: int, reason: str) -> None:
    """With the reason by which it is counted."""

    def write(_spans: Any) -> None:
        raise OSError(number, "no")

    assert reason_of(OSError(number, "no")) == reason
    sender = FileSender(SimpleNamespace(write=write))  # type: ignore[arg-type]  # all that is asked of it
    assert sender.send([]) == Answer(is_away=True, reason=reason)
    assert FileSender(SimpleNamespace(write=lambda _: None)).send([]) == TAKEN  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("code", "came"),
    [
        (None, Answer(rejected=2)),
        ("UNAVAILABLE", AWAY),
        ("RESOURCE_EXHAUSTED", AWAY),
        ("DEADLINE_EXCEEDED", AWAY),
        ("INVALID_ARGUMENT", REFUSED),
        ("UNAUTHENTICATED", REFUSED),
        ("INTERNAL", REFUSED),
    ],
)
def test_by_grpc_it_follows_from_the_status(code: str | None, came: Answer) -> None:
    """Each batch's own; a stub that the exporter has made anew is watched, too."""
    from grpc import RpcError, StatusCode

    class FailedError(RpcError):  # type: ignore[misc]  # grpc has no types
        def code(self) -> StatusCode:
            return StatusCode[code or "OK"]

    class Stub:
        def Export(self, *_: Any, **__: Any) -> Any:  # noqa: N802  # gRPC's name
            if code is not None:
                raise FailedError
            return SimpleNamespace(partial_success=SimpleNamespace(rejected_spans=2))

    exporter = SimpleNamespace(_client=Stub(), shutdown=lambda: None)

    def export(_spans: Any) -> SpanExportResult:
        try:
            exporter._client.Export()
        except FailedError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    exporter.export = export
    sender = GrpcSender(lambda **_: exporter, timeout=1.0)  # type: ignore[arg-type]  # all that is asked of it
    for stub in (exporter._client, Stub()):
        exporter._client = stub
        assert sender.send([]) == came
    exporter.export = lambda _spans: SpanExportResult.FAILURE
    assert sender.send([]) == AWAY


def test_a_count_is_exact_if_every_span_is_somewhere() -> None:
    """Once, and nowhere less than nothing."""
    parts: dict[str, Any] = {"open": 1, "queued": 2, "spooled": 3, "exported": 4, "died": 5}
    count = Count(started=28, dropped={"killed": 6, "failed": 7}, **parts)
    assert (count.waiting, count.lost, count.is_exact) == (6, 13, True)
    assert Count().is_exact
    assert count.as_json() == {
        **parts,
        "started": 28,
        "waiting": 6,
        "dropped": 13,
        "reasons": {"killed": 6, "failed": 7},
        "trouble": None,
    }
    for name in (*parts, "started"):
        assert not (count + replace(Count(), **dict[str, Any]({name: 1}))).is_exact
    assert not (count + Count(dropped={"killed": 1})).is_exact
    for name in parts.keys() - {"exported"}:
        assert not replace(Count(exported=4), **dict[str, Any]({name: -4})).is_exact
    assert not Count(exported=4, dropped={"killed": -4}).is_exact


def test_two_counts_add_up_to_the_sum_of_each_part() -> None:
    """What went wrong first is what is wrong."""
    first = Count(started=1, open=1, queued=2, exported=3, dropped={"killed": 1}, found=1)
    first = replace(first, trouble="later", trouble_since_ns=9)
    second = Count(started=5, spooled=4, died=6, dropped={"killed": 2, "failed": 1}, trouble="first", trouble_since_ns=4)
    expected = Count(
        started=6,
        open=1,
        queued=2,
        spooled=4,
        exported=3,
        died=6,
        dropped={"killed": 3, "failed": 1},
        found=1,
        trouble="first",
        trouble_since_ns=4,
    )
    assert (first + second, second + first) == (expected, expected)
    assert (first + Count()).trouble == (Count() + first).trouble == "later"
    assert added({"a": 1, "b": 2}, {"a": -1, "c": 3}) == {"b": 2, "c": 3}


@pytest.mark.parametrize(
    ("found", "dropped", "left", "still"),
    [
        (0, {"killed": 3}, 0, {"killed": 3}),
        (2, {"killed": 3, "refused": 1}, 0, {"killed": 1, "refused": 1}),
        (3, {"killed": 2, "unreachable": 2}, 0, {"unreachable": 1}),
        (4, {"disk_full": 1, "unwritable": 1, "queue_full": 9}, 2, {"queue_full": 9}),
    ],
)
def test_a_span_that_one_process_lost_and_another_found_is_one(
    found: int, dropped: dict[str, int], left: int, still: dict[str, int]
) -> None:
    """It was counted twice as started, and once as lost: what its process could not keep is lost first."""
    count = Count(started=100, dropped=dropped, found=found).without_found()
    assert (count.started, dict(count.dropped), count.found) == (100 - found + left, still, left)
