"""A root whose ids are reserved is ended elsewhere, once or again, under the same ids."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest

from telemetry import Root, bind, current_traceparent, observe, trace_id_of
from telemetry._spans.traceparent import span_context
from telemetry.model import Field, Level, Line, Operation, Result
from telemetry.reading import orphans_of
from telemetry.roots import bind_root, bound_root
from telemetry.testing import Capture

ShopId = Annotated[int, Field("Which shop.")]


class Opened(Result):
    """A day that is over."""

    loaves: Annotated[int, Field("Loaves sold.")]


class Day(
    Operation[Opened],
    name="roots.day",
    started=Line(Level.INFO, "shop_id", "task_id", when="the shop opens"),
    completed=Line(Level.INFO, "shop_id", "loaves", "duration_sec", when="the shop shuts"),
    failed=Line(Level.ERROR, "shop_id", "error_type", when="the shop burns down"),
):
    """A day of a shop, which many tasks and processes work for."""

    shop_id: ShopId
    task_id: Annotated[str | None, Field("The task that opened it.")] = None


class Sale(
    Operation[None],
    name="roots.sale",
    started=Line(Level.INFO, "shop_id", when="a customer comes in"),
    completed=Line(Level.INFO, "shop_id", when="a customer goes"),
):
    """One customer."""

    shop_id: ShopId


DAY = Day(shop_id=1)


@pytest.mark.parametrize("stored", ["", "nonsense", None, f"00-{'0' * 32}-{'0' * 16}-01"])
def test_a_root_whose_ids_are_lost_costs_no_line(stored: Any, production: Capture) -> None:
    """What runs inside runs, with its spans and lines, and nothing raises into it."""
    root = Root(stored, 1)
    root.announce(DAY)
    with root.active(), root.addressed(), observe(Sale(shop_id=1)):
        pass
    with root.finish(DAY) as day:
        day.completed(Opened(loaves=3))
    assert production.span("roots.sale").outcome == "completed"
    wanted = ["roots.day.started", "roots.sale.started", "roots.sale.completed", "roots.day.completed"]
    assert [event for event in production.events() if event in wanted] == wanted


def test_a_root_lasts_as_long_as_the_work_that_ended_it(captrace: Capture) -> None:
    """Its duration counts until it ended, and the span covers what is below it."""
    root = Root.reserve(Day)
    ended_at = datetime.fromtimestamp(root.started_ns / 1e9, UTC) + timedelta(seconds=2)
    for covered, lasts in ((3.0, 3.0), (1.0, 2.0)):
        with root.finish(DAY, ended_at=ended_at, covers_ns=root.started_ns + int(covered * 1e9)) as day:
            day.completed(Opened(loaves=1))
        span = captrace.spans[-1]
        assert span.duration_ms == pytest.approx(lasts * 1000, abs=0.01)
        assert captrace.metrics[-1].value == pytest.approx(2.0, abs=0.0001)


def test_everything_under_a_root_is_its_child(captrace: Capture) -> None:
    """The root comes last, with the start it was reserved with, and nothing is an orphan."""
    root = Root.reserve(Day)
    root.announce(DAY)
    with root.active(), observe(Sale(shop_id=1)):
        pass
    with bind(run_id=5), root.finish(DAY) as day:
        day.completed(Opened(loaves=1))
    assert captrace.tree() == "roots.day completed\n  roots.sale completed"
    assert orphans_of(captrace.spans) == []
    day_span = captrace.spans[-1]
    assert (day_span.start_ns, day_span.trace_id) == (root.started_ns, root.trace_id)
    assert {line["trace_id"] for line in captrace.lines} == {root.trace_id}
    assert captrace.events() == [
        "roots.day.started",
        "roots.sale.started",
        "roots.sale.completed",
        "roots.day.completed",
    ]


def test_a_root_emitted_again_has_the_same_id_and_no_second_line(captrace: Capture) -> None:
    """What a crash may have lost is sent again; readers of lines see one end."""
    root = Root.reserve(Day)
    for repeat in (False, True):
        with root.finish(DAY, repeat=repeat) as day:
            day.failed(ValueError("no"))
    assert {span.span_id for span in captrace.spans} == {root.span_id}
    assert len(captrace.spans) == 2
    assert captrace.events() == ["roots.day.failed"]


def test_a_root_lasts_from_its_reservation_to_its_end_whoever_says_so(captrace: Capture) -> None:
    """In its attribute, its line, its histogram and its span; not as long as the block that says so."""
    reserved = Root.reserve(Day)
    root = Root(reserved.traceparent, reserved.started_ns - 10**9 * 5400)
    ended_at = datetime.fromtimestamp(reserved.started_ns // 10**9 - 1800, UTC)
    with root.finish(DAY, ended_at=ended_at) as day:
        day.completed(Opened(loaves=1))
    seconds = (ended_at - datetime.fromtimestamp(root.started_ns / 1e9, UTC)).total_seconds()
    span = captrace.span("roots.day")
    assert (span.start_ns, span.end_ns) == (root.started_ns, int(ended_at.timestamp()) * 10**9)
    assert 3598 < seconds <= 3600
    assert span.attributes["duration_sec"] == pytest.approx(seconds, abs=0.001)
    assert captrace.line("roots.day.completed")["duration_sec"] == span.attributes["duration_sec"]
    assert captrace.metric("roots.day.duration").value == pytest.approx(seconds, abs=0.001)


def test_a_root_that_ends_now_lasts_until_now(captrace: Capture) -> None:
    """One that was reserved 90 minutes ago has lasted for 90 minutes."""
    root = Root(Root.reserve(Day).traceparent, time.time_ns() - 5_400 * 10**9)
    with root.finish(DAY) as day:
        day.completed(Opened(loaves=1))
    span = captrace.span("roots.day")
    for seconds in (span.attributes["duration_sec"], captrace.metric("roots.day.duration").value, span.duration_ms / 1000):
        assert 5400 <= float(str(seconds)) < 5460


def test_a_repeated_root_is_measured_once(captrace: Capture) -> None:
    """As often as it is emitted, it has ended once."""
    root = Root.reserve(Day)
    for repeat in (False, True, True):
        with root.finish(DAY, repeat=repeat) as day:
            day.completed(Opened(loaves=1))
    assert [metric.name for metric in captrace.metrics] == ["roots.day.duration"]


def test_nothing_after_its_block_belongs_to_a_root(captrace: Capture) -> None:
    """Inside another's it is that one's again, also behind an error."""
    outer, inner = Root.reserve(Day), Root.reserve(Day)
    for block in (Root.active, Root.addressed):
        with outer.active():
            with suppress(KeyError), block(inner):
                assert bound_root() == inner.traceparent
                raise KeyError
            assert (bound_root(), current_traceparent()) == (outer.traceparent, outer.traceparent)
        assert (bound_root(), current_traceparent()) == (None, None)


def test_what_is_addressed_to_a_root_is_published_where_it_is(captrace: Capture) -> None:
    """Inside a span its own trace goes on; outside any it is the root's; the tasks are the root's in both."""
    root = Root.reserve(Day)
    with root.addressed(), observe(Sale(shop_id=1)):
        assert bound_root() == root.traceparent
    with observe(Sale(shop_id=2)), root.addressed(), observe(Sale(shop_id=3)):
        assert bound_root() == root.traceparent
    outside, inside, around = captrace.spans
    root_id = root.traceparent.split("-")[2]
    assert (outside.trace_id, outside.parent_id) == (root.trace_id, root_id)
    assert (inside.trace_id, inside.parent_id) == (around.trace_id, around.span_id)
    assert around.trace_id != root.trace_id


def test_ids_keep_their_leading_zeros(captrace: Capture) -> None:
    """A trace id has 32 digits and a span's 16, however small it is: others find it by all of them."""
    small = f"00-{'0' * 28}00ab-{'0' * 12}00cd-01"
    root = Root(small, time.time_ns(), (f"00-{'0' * 31}1-{'0' * 15}2-01",))
    with root.active():
        assert current_traceparent() == small
        with observe(Sale(shop_id=1)):
            pass
    with root.finish(DAY) as day:
        day.completed(Opened(loaves=1))
    sale, ended = captrace.spans
    trace_id, span_id = "0" * 28 + "00ab", "0" * 12 + "00cd"
    assert (root.trace_id, trace_id_of(small)) == (trace_id, trace_id)
    assert (sale.trace_id, sale.parent_id) == (ended.trace_id, ended.span_id) == (trace_id, span_id)
    assert ended.links == (("0" * 31 + "1", "0" * 15 + "2"),)
    assert [(line["trace_id"], line["span_id"]) for line in captrace.lines] == [
        (trace_id, sale.span_id),
        (trace_id, sale.span_id),
        (trace_id, span_id),
    ]


def test_a_root_keeps_its_links(captrace: Capture) -> None:
    """A day's trace names the day that it follows."""
    first = Root.reserve(Day)
    with Root.reserve(Day, links=[first.traceparent]).finish(DAY) as day:
        day.completed(Opened(loaves=1))
    assert captrace.spans[0].links == ((first.trace_id, first.traceparent.split("-")[2]),)


def test_what_an_operation_declares_stands_above_bound_context(captrace: Capture) -> None:
    """A day is found by the task that opened it, whichever task ends it; and its spans agree with its lines."""
    opened = Day(shop_id=1, task_id="opens")
    with bind(task_id="ends", shop_id=9):
        root = Root.reserve(Day)
        root.announce(opened)
        with root.finish(opened) as day:
            day.completed(Opened(loaves=1))
        with observe(Sale(shop_id=1)):
            pass
    ended, sold = captrace.spans
    assert (ended.attributes["task_id"], ended.attributes["shop_id"]) == ("opens", 1)
    assert (sold.attributes["task_id"], sold.attributes["shop_id"]) == ("ends", 1)
    assert [(line["shop_id"], line["task_id"]) for line in captrace.lines] == [
        (1, "opens"),
        (1, "ends"),
        (1, "ends"),
        (1, "ends"),
    ]


def test_rubbish_is_no_traceparent() -> None:
    """The error shows the shape."""
    with pytest.raises(ValueError, match="00-<32 hex>"):
        span_context("rubbish")


def test_work_belongs_to_the_root_that_it_was_bound_to() -> None:
    """As the task that received its traceparent; until it is bound to another, or to none."""
    first, second = Root.reserve(Day), Root.reserve(Day)
    for bound in (first.traceparent, second.traceparent, None):
        bind_root(bound)
        assert bound_root() == bound
