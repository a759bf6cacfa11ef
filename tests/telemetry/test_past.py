"""What is over already becomes a span with the times that are given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest

import telemetry
from telemetry import bind, current_traceparent, observe, record
from telemetry.model import Field, Level, Line, Operation
from telemetry.testing import Capture

NOON = datetime(2026, 1, 1, 12, 0, 0, 250, tzinfo=UTC)
NOON_NS = 1_767_268_800_000_250_000


class Rest(Operation[None], name="bakery.rest", ended=Line(Level.INFO, "dough", "duration_ms", when="it has risen")):
    """The dough rests."""

    dough: Annotated[str, Field("Which dough.")]


class Work(Operation[None], name="bakery.work"):
    """Whatever is done meanwhile."""


def test_a_recorded_operation_has_the_times_that_are_given(captrace: Capture) -> None:
    """On its span, its line and its metric, exact to the microsecond."""
    record(Rest(dough="rye"), started_at=NOON, ended_at=NOON + timedelta(seconds=90, microseconds=1))
    span = captrace.span("bakery.rest")
    assert (span.start_ns, span.end_ns) == (NOON_NS, NOON_NS + 90_000_001_000)
    assert (span.outcome, span.status, span.attributes["dough"]) == ("completed", "OK", "rye")
    assert captrace.line("bakery.rest")["duration_ms"] == 90_000.001
    assert captrace.metric("bakery.rest.duration").value == 90.000001


def test_it_stands_below_the_current_span_with_what_is_bound(captrace: Capture) -> None:
    """And leaves the current span as it was."""
    with bind(team_id=7), observe(Work()):
        current = current_traceparent()
        record(Rest(dough="rye"), started_at=NOON, ended_at=NOON)
        assert current_traceparent() == current
    rest, work = captrace.span("bakery.rest"), captrace.span("bakery.work")
    assert (rest.parent_id, rest.trace_id, rest.attributes["team_id"]) == (work.span_id, work.trace_id, 7)


@pytest.mark.parametrize("wrong", [None, "noon", 5, object()])
def test_a_moment_that_is_none_is_now(wrong: Any, production: Capture) -> None:
    """The span, its line and its metric are there, and nothing raised into whoever records them."""
    before = telemetry.swallowed()
    record(Rest(dough="rye"), started_at=NOON, ended_at=wrong)
    record(Rest(dough="rye"), started_at=wrong, ended_at=NOON)
    first, second = production.spans
    assert first.start_ns == NOON_NS < first.end_ns <= second.start_ns == second.end_ns
    assert production.events().count("bakery.rest") == len(production.metrics) == 2 == telemetry.swallowed() - before


def test_a_moment_without_a_zone_is_utc(production: Capture) -> None:
    """And said to be wrong."""
    before = telemetry.swallowed()
    record(Rest(dough="rye"), started_at=NOON.replace(tzinfo=None), ended_at=NOON)
    assert (production.span("bakery.rest").start_ns, telemetry.swallowed()) == (NOON_NS, before + 1)


def test_one_that_would_end_before_it_began_has_no_duration(captrace: Capture) -> None:
    """Two machines' clocks may say so."""
    record(Rest(dough="rye"), started_at=NOON, ended_at=NOON - timedelta(seconds=1))
    assert captrace.span("bakery.rest").duration_ms == 0.0
