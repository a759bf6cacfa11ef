"""Code outside the catalog's operations writes lines that are checked against the catalog."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import telemetry
from apps.utils.sync_logger import UncataloguedLineError, get_sync_logger, sync_context, timed_operation
from telemetry._lines import writing
from telemetry.testing import Capture
from tests.telemetry.odd import ODD, MuteError

log = get_sync_logger("apps.somewhere")
IDS = ["trace_id", "span_id", "trace_flags"]


def test_a_line_of_the_catalog_is_written_as_it_says(captrace: Capture) -> None:
    """Its fields stand in the catalog's order, and nothing else is on it."""
    log.info("sync.repo.started", full_name="a/b", repo_id=2, team_id=1)
    (line,) = captrace.lines
    assert list(line) == ["timestamp", "level", "event", "team_id", "repo_id", "full_name"]
    assert (line["level"], line["event"], line["full_name"]) == ("info", "sync.repo.started", "a/b")


@pytest.mark.parametrize(
    ("level", "event", "fields", "problem"),
    [
        ("info", "sync.repo.begun", {}, "no such event"),
        ("debug", "sync.repo.started", {"team_id": 1, "repo_id": 2, "full_name": "a/b"}, "its level is info"),
        ("info", "sync.repo.started", {"team_id": 1, "repo_id": 2}, "full_name is missing"),
        ("info", "sync.repo.started", {"team_id": 1, "repo_id": 2, "full_name": "a/b", "x": 1}, "x is not one of its"),
        ("info", "sync.repo.started", {"team_id": "1", "repo_id": 2, "full_name": "a/b"}, "team_id must be int"),
        ("info", "sync.repo.started", {"team_id": True, "repo_id": 2, "full_name": "a/b"}, "team_id must be int"),
        ("info", "sync.repo.started", {"team_id": None, "repo_id": 2, "full_name": "a/b"}, "must not be null"),
    ],
)
def test_a_line_that_breaks_the_catalog_is_an_error_in_tests(
    captrace: Capture, level: str, event: str, fields: dict[str, object], problem: str
) -> None:
    """The error says which line and what is wrong with it."""
    with pytest.raises(UncataloguedLineError, match=f"{event}: .*{problem}"):
        getattr(log, level)(event, **fields)


def test_a_line_that_breaks_the_catalog_is_counted_in_production_and_written() -> None:
    """Nobody's sync ends because of a line."""
    before = telemetry.swallowed()
    with writing.capture() as captured:
        log.info("sync.repo.begun", team_id=1)
    assert telemetry.swallowed() == before + 1
    assert captured.lines[0]["event"] == "sync.repo.begun"


def test_names_outside_the_catalogs_namespace_are_free(captrace: Capture) -> None:
    """They name the logger that wrote them."""
    log.warning("cache.cold", entries=0)
    (line,) = captrace.lines
    assert (line["level"], line["entries"], line["logger"]) == ("warning", 0, "apps.somewhere")


def test_what_is_bound_need_not_be_given_again(captrace: Capture) -> None:
    """It stands where the event's fields stand."""
    with sync_context(team_id=1, repo_id=2, task_id="t"):
        log.info("sync.repo.started", full_name="a/b")
    assert list(captrace.lines[0])[3:] == ["team_id", "repo_id", "full_name", "task_id"]


def test_context_nests_and_is_restored(captrace: Capture) -> None:
    """What an inner block does not name stays; what it names comes back, also after an error."""
    with sync_context(team_id=1, task_id="t"):
        with pytest.raises(UncataloguedLineError), sync_context(team_id=2, repo_id=3):
            log.info("sync.inner")
        log.info("outer")
    log.info("outside")
    shown = [{key: line[key] for key in ("team_id", "repo_id", "task_id") if key in line} for line in captrace.lines]
    assert shown == [{"team_id": 2, "repo_id": 3, "task_id": "t"}, {"team_id": 1, "task_id": "t"}, {}]


def test_a_datetime_is_written_as_the_catalog_writes_it(captrace: Capture) -> None:
    """ISO 8601 with Z."""
    log.warning("sync.api.rate_wait", wait_seconds=3.0, reset_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert captrace.lines[0]["reset_at"] == "2026-01-01T00:00:00Z"


def test_exception_brings_the_traceback(captrace: Capture) -> None:
    """Redacted, as the last field."""
    try:
        raise RuntimeError("access_token=hunter2")
    except RuntimeError:
        log.exception("cache.broken")
    (line,) = captrace.lines
    assert list(line)[-1] == "exception"
    assert line["level"] == "error"
    assert line["exception"].endswith("RuntimeError: access_token=[redacted]\n")


def test_a_timed_block_is_a_span_and_a_line(captrace: Capture) -> None:
    """The line is in the span, and has what the block found and how long it took."""
    with timed_operation(log, "cache.fill", size=3) as found:
        found["hits"] = 2
    (span,), (line,) = captrace.spans, captrace.lines
    assert (span.name, span.attributes["size"], span.status) == ("cache.fill", 3, "OK")
    assert list(line) == ["timestamp", "level", "event", "size", "hits", "duration_ms", "logger", *IDS]
    assert (line["level"], line["span_id"]) == ("info", span.span_id)
    assert 0 <= line["duration_ms"] < 60_000


def test_a_timed_block_that_raises_has_its_duration_too(captrace: Capture) -> None:
    """The error goes on, and is on the span and on the line."""
    with pytest.raises(LookupError, match="gone"), timed_operation(log, "cache.fill"):
        raise LookupError("gone")
    (span,), (line,) = captrace.spans, captrace.lines
    assert span.status == "ERROR"
    assert (line["level"], line["error_type"], line["error_msg"]) == ("error", "LookupError", "gone")
    assert line["duration_ms"] >= 0
    assert "LookupError: gone" in line["exception"]


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}, object(), datetime(2026, 1, 1), 2**70])  # noqa: DTZ001  # naive on purpose
def test_a_field_may_be_anything(value: object) -> None:
    """What a line or a span cannot carry as it is becomes text; the block goes on."""
    with writing.capture() as captured, timed_operation(log, "cache.fill", items=value) as found:
        found["more"] = value
        log.info("cache.seen", items=value)
    assert [line["event"] for line in captured.lines if "cache" in line["event"]] == ["cache.seen", "cache.fill"]


class _UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


def test_an_error_that_cannot_be_printed_goes_on_as_it_is(captrace: Capture) -> None:
    """The line says of which kind it is."""
    with pytest.raises(_UnprintableError), timed_operation(log, "cache.fill"):
        raise _UnprintableError
    (line,) = captrace.lines
    assert (line["error_type"], line["error_msg"]) == ("_UnprintableError", "[unprintable _UnprintableError]")


@pytest.mark.parametrize("raises", [False, True])
def test_a_timed_event_of_the_catalog_keeps_its_level_and_fields(captrace: Capture, raises: bool) -> None:
    """What a failed block never learnt is null."""
    try:
        with timed_operation(log, "sync.api.rest", endpoint="/rate_limit") as found:
            if raises:
                raise LookupError("gone")
            found["status_code"] = 200
    except LookupError:
        assert raises
    (line,) = captrace.lines
    fields = ["endpoint", "duration_ms", "status_code"]
    assert list(line) == ["timestamp", "level", "event", *fields, *IDS, *(["exception"] if raises else [])]
    assert (line["level"], line["status_code"]) == ("debug", None if raises else 200)


@pytest.mark.parametrize("odd", ODD)
def test_no_value_raises_into_whoever_logs(odd: str) -> None:
    """Neither as a field, nor as what a timed block found, nor as the name of a line; each line is written."""
    with writing.capture() as captured:
        log.info("cache.cold", value=ODD[odd])
        log.info("sync.repo.started", team_id=ODD[odd], repo_id=2, full_name="a/b")
        log.info(ODD[odd], n=1)
        with timed_operation(log, "cache.fill", items=ODD[odd]) as found:
            found["hits"] = ODD[odd]
    lines = [line for line in captured.lines if line["event"] != "telemetry.problem"]
    assert [line["event"] for line in lines if isinstance(line["event"], str)][:2] == ["cache.cold", "sync.repo.started"]
    assert len(lines) == 4
    assert lines[-1]["event"] == "cache.fill"
    assert lines[-1]["duration_ms"] >= 0


def test_an_error_without_a_text_is_still_the_one_that_leaves_a_timed_block() -> None:
    """And its line says which class it is of."""
    with writing.capture() as captured, pytest.raises(MuteError), timed_operation(log, "cache.fill"):
        raise MuteError
    assert (captured.lines[-1]["error_type"], captured.lines[-1]["error_msg"]) == ("MuteError", "[unprintable MuteError]")
