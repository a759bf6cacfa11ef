"""A declared operation is one span and exactly its lines, however it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
from opentelemetry import trace

import telemetry
from telemetry import OutcomeMissing, _health, bind, emit, observe
from telemetry.model import Event, Field, Level, Line, Operation, Result
from telemetry.testing import Capture, capturing


class Baked(Result):
    """A loaf."""

    crumbs: Annotated[int, Field("Crumbs.")]
    oven: Annotated[str | None, Field("Which oven.", key="bakery.oven.name")] = None


class Bake(
    Operation[Baked],
    name="bakery.bake",
    started=Line(Level.INFO, "loaf", when="it goes in"),
    completed=Line(Level.INFO, "loaf", "crumbs", "duration_sec", when="it is out"),
    failed=Line(Level.ERROR, "loaf", "error_type", "error_msg", when="it burnt"),
):
    """One loaf."""

    loaf: Annotated[str, Field("Its name.", also="bread.name")]


class Weighed(Result):
    """A weight."""

    grams: Annotated[int, Field("Grams.")]


class Weigh(
    Operation[Weighed], name="bakery.weigh", ended=Line(Level.DEBUG, "scale", "grams", "duration_ms", when="each weighing")
):
    """One weighing."""

    scale: Annotated[str, Field("Which scale.")]


class Rang(Event, name="bakery.rang", level=Level.WARNING, when="the bell rings"):
    """The bell."""

    at: Annotated[datetime, Field("When.", unit="ISO 8601")]
    by: Annotated[str | None, Field("Who.")]


NOON = datetime(2026, 1, 1, 12, 0, 0, 250, tzinfo=UTC)


def test_a_completed_operation_has_two_lines_and_an_ok_span(captrace: Capture) -> None:
    """Started and completed are written, and the span has every field under its keys."""
    with bind(team_id=7), observe(Bake(loaf="rye")) as bake:
        bake.completed(Baked(crumbs=3))
    (span,) = captrace.spans
    assert span.status == "OK"
    duration = span.attributes["duration_sec"]
    assert span.attributes == {
        "team_id": 7,
        "loaf": "rye",
        "bread.name": "rye",
        "bakery.outcome": "completed",
        "crumbs": 3,
        "duration_sec": duration,
    }
    assert [list(line) for line in captrace.lines] == [
        ["timestamp", "level", "event", "loaf", "team_id", "trace_id", "span_id", "trace_flags"],
        ["timestamp", "level", "event", "loaf", "crumbs", "duration_sec", "team_id", "trace_id", "span_id", "trace_flags"],
    ]
    assert {line["span_id"] for line in captrace.lines} == {span.span_id}
    assert captrace.events() == ["bakery.bake.started", "bakery.bake.completed"]


def test_a_line_is_the_same_to_the_letter() -> None:
    """With a fixed clock and fixed ids, a line is exactly this."""
    with capturing(now=lambda: NOON, seed=1) as capture, observe(Bake(loaf="rye")) as bake:
        emit(Rang(at=NOON, by=None))
        bake.completed(Baked(crumbs=1))
    trace_id, span_id = capture.spans[0].trace_id, capture.spans[0].span_id
    assert capture.lines[1] == {
        "timestamp": "2026-01-01T12:00:00.000250Z",
        "level": "warning",
        "event": "bakery.rang",
        "at": "2026-01-01T12:00:00Z",
        "by": None,
        "trace_id": trace_id,
        "span_id": span_id,
        "trace_flags": capture.lines[1]["trace_flags"],
    }


def test_an_error_makes_it_failed(captrace: Capture) -> None:
    """The error goes on; the span and the failed line carry its type and text, the line its traceback."""
    with pytest.raises(ValueError, match="too hot"), observe(Bake(loaf="rye")):
        raise ValueError("too hot")
    (span,) = captrace.spans
    assert (span.status, span.outcome, span.attributes["error.type"]) == ("ERROR", "failed", "ValueError")
    assert (span.status_message, span.attributes["error_msg"]) == ("too hot", "too hot")
    assert not [key for key in span.attributes if key.startswith("exception.")]
    failed = captrace.lines[-1]
    assert (failed["event"], failed["level"], failed["error_type"], failed["error_msg"]) == (
        "bakery.bake.failed",
        "error",
        "ValueError",
        "too hot",
    )
    assert failed["exception"].endswith("ValueError: too hot\n")


def test_a_retried_attempt_is_marked_and_writes_no_failed_line(captrace: Capture) -> None:
    """Retrying is neither success nor failure."""
    with observe(Bake(loaf="rye")) as bake:
        bake.retrying(ValueError("cold"), countdown=2.0)
    (span,) = captrace.spans
    assert (span.status, span.outcome, span.attributes["error_type"]) == ("ERROR", "retrying", "ValueError")
    assert (span.status_message, span.attributes["retry.countdown"]) == ("cold", 2.0)
    assert captrace.events() == ["bakery.bake.started"]


def test_what_completed_with_a_shortfall_is_an_error_with_its_words(captrace: Capture) -> None:
    """Its outcome and its lines are those of what completed."""
    with observe(Bake(loaf="rye")) as bake:
        bake.completed(Baked(crumbs=3), shortfall="1 of 2 loaves burnt")
    (span,) = captrace.spans
    assert (span.status, span.status_message, span.outcome) == ("ERROR", "1 of 2 loaves burnt", "completed")
    assert span.attributes["error.type"] == "partial"
    assert captrace.events() == ["bakery.bake.started", "bakery.bake.completed"]


@pytest.mark.parametrize("how", ["failed", "retrying"])
def test_an_exception_is_an_event_of_its_span_at_the_moment_that_it_ended(how: str) -> None:
    """With its type, text and stack, so that no page has to show a stack among the span's own fields."""
    with capturing(now=lambda: NOON) as capture, observe(Bake(loaf="rye")) as bake:
        try:
            raise ValueError("too hot")
        except ValueError as error:
            bake.failed(error) if how == "failed" else bake.retrying(error, countdown=1.0)
    (span,) = capture.spans
    (event,) = span.events
    assert (span.outcome, event.name, event.time_ns) == (how, "exception", span.end_ns)
    assert (event.attributes["exception.type"], event.attributes["exception.message"]) == ("ValueError", "too hot")
    assert str(event.attributes["exception.stacktrace"]).endswith("ValueError: too hot\n")


def test_a_wait_that_was_asked_for_names_who_asked_and_is_no_error(captrace: Capture) -> None:
    """The span and its line have what is known, and no exception."""
    with observe(Weigh(scale="big")) as weigh:
        weigh.waiting(error=ValueError("come back later"), result=Weighed(grams=3))
    (span,), (line,) = captrace.spans, captrace.lines
    assert (span.outcome, span.status, span.error_type, span.events) == ("waiting", "UNSET", None, ())
    assert (span.attributes["error.type"], span.attributes["grams"]) == ("ValueError", 3)
    assert (line["level"], line["grams"], "exception" in line) == ("debug", 3, False)


@pytest.mark.parametrize("how", ["waiting", "cancelled"])
def test_waiting_and_cancelled_are_no_success(captrace: Capture, how: str) -> None:
    """Such a span says so, and is not OK."""
    with observe(Bake(loaf="rye")) as bake:
        if how == "waiting":
            bake.waiting(until=NOON)
        else:
            bake.cancelled()
    assert (captrace.spans[0].outcome, captrace.spans[0].status) == (how, "UNSET")


def test_a_failed_call_still_has_its_line_with_nulls(captrace: Capture) -> None:
    """What is not known is null on the line and absent on the span."""
    with pytest.raises(OSError, match="gone"), observe(Weigh(scale="big")):
        raise OSError("gone")
    assert captrace.lines[0]["grams"] is None
    assert "grams" not in captrace.spans[0].attributes


def test_a_wait_before_the_block_is_on_the_span_but_not_in_its_duration(captrace: Capture) -> None:
    """The span starts when the wait did."""
    with observe(Weigh(scale="big"), waited_ms=5000.0) as weigh:
        weigh.completed(Weighed(grams=1))
    (span,) = captrace.spans
    assert span.duration_ms > 5000
    assert float(str(span.attributes["duration_ms"])) < 5000


class Stopwatch:
    """A clock that stands until somebody lets it pass."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return NOON + self.passed


@pytest.mark.parametrize("seconds", [0.000001, 0.25, 1.5, 90.0, 7200.0])
def test_one_duration_is_the_same_everywhere_in_its_unit(seconds: float) -> None:
    """On the line, on the span, between the span's ends, and in the histogram: milliseconds, seconds, nanoseconds."""
    watch = Stopwatch()
    with capturing(now=watch) as capture:
        with observe(Bake(loaf="rye")) as bake:
            watch.passed += timedelta(seconds=seconds)
            bake.completed(Baked(crumbs=1))
        with observe(Weigh(scale="big")) as weigh:
            watch.passed += timedelta(seconds=seconds)
            weigh.completed(Weighed(grams=1))
    baked, weighed = capture.span("bakery.bake"), capture.span("bakery.weigh")
    assert baked.attributes["duration_sec"] == capture.line("bakery.bake.completed")["duration_sec"] == seconds
    assert weighed.attributes["duration_ms"] == capture.line("bakery.weigh")["duration_ms"] == pytest.approx(seconds * 1000)
    for span in (baked, weighed):
        assert span.end_ns - span.start_ns == round(seconds * 1e9)
        assert span.duration_ms == pytest.approx(seconds * 1000)
        assert capture.metric(f"{span.name}.duration").value == pytest.approx(seconds)
    assert baked.start_ns == int(NOON.timestamp()) * 10**9 + 250_000


@pytest.mark.parametrize("waited_ms", [0.0, 0.5, 1500.0])
def test_a_wait_before_the_block_moves_the_start_of_its_span_alone(waited_ms: float) -> None:
    """By so many milliseconds; neither the duration nor its histogram grows."""
    watch = Stopwatch()
    with capturing(now=watch) as capture, observe(Weigh(scale="big"), waited_ms=waited_ms) as weigh:
        watch.passed += timedelta(seconds=2)
        weigh.completed(Weighed(grams=1))
    span = capture.span("bakery.weigh")
    assert span.end_ns - span.start_ns == 2 * 10**9 + int(waited_ms * 1_000_000)
    assert span.end_ns == int((NOON + watch.passed).timestamp()) * 10**9 + 250_000
    assert span.attributes["duration_ms"] == capture.line("bakery.weigh")["duration_ms"] == 2000.0
    assert capture.metric("bakery.weigh.duration").value == 2.0


def test_a_forgotten_outcome_is_an_error_in_tests(captrace: Capture) -> None:
    """The test kit raises it; the span says it."""
    with pytest.raises(OutcomeMissing), observe(Bake(loaf="rye")):
        pass
    assert captrace.spans[0].attributes["outcome.missing"] is True
    assert captrace.spans[0].outcome == "failed"


def test_a_value_of_another_type_than_declared_is_an_error_in_tests(captrace: Capture) -> None:
    """Where its line would say it."""
    with pytest.raises(TypeError, match="crumbs must be int, not 'many'"), observe(Bake(loaf="rye")) as bake:
        bake.completed(Baked(crumbs="many"))  # type: ignore[arg-type]  # the mistake


def test_a_block_that_does_not_begin_leaves_nothing_open(captrace: Capture) -> None:
    """What raises as it is entered, as a wrong value does in tests, fails it: nothing that follows is below its span."""
    before = trace.get_current_span()
    with pytest.raises(TypeError, match="loaf must be string, not 7"), observe(Bake(loaf=7)):  # type: ignore[arg-type]  # the mistake
        raise AssertionError("it does not begin")
    assert trace.get_current_span() is before
    (span,) = captrace.spans
    assert (span.name, span.outcome, span.error_type) == ("bakery.bake", "failed", "TypeError")


def test_a_forgotten_outcome_is_counted_in_production() -> None:
    """Nothing is raised."""
    before = telemetry.swallowed()
    with observe(Bake(loaf="rye")):
        pass
    assert telemetry.swallowed() == before + 1


def test_a_limit_that_strikes_inside_telemetry_is_its_hosts() -> None:
    """A task's soft time limit must not be taken for a mistake of ours."""

    class LimitError(Exception):
        pass

    class SlowError(Exception):
        def __str__(self) -> str:
            raise LimitError

    _health.let_pass(LimitError)
    before = telemetry.swallowed()
    with pytest.raises(LimitError), observe(Bake(loaf="rye")) as bake:
        bake.failed(SlowError())
    assert telemetry.swallowed() == before


def test_a_wrong_value_is_an_error_in_tests(captrace: Capture) -> None:
    """What the type checker could not see is checked when it is written."""
    with pytest.raises(TypeError, match="at must be string"):
        emit(Rang(at=3, by=None))  # type: ignore[arg-type]  # that is the mistake


def test_a_line_that_names_an_undeclared_field_cannot_be_declared() -> None:
    """The mistake is found when the class is made."""
    with pytest.raises(TypeError, match="nothing declares"):

        class Wrong(Operation[Baked], name="bakery.wrong", started=Line(Level.INFO, "lof", when="never")):
            loaf: Annotated[str, Field("Its name.")]
