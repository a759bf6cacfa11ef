"""A root whose ids are reserved is ended elsewhere, once or again, under the same ids."""

from __future__ import annotations

from typing import Annotated

import pytest

from telemetry import Root, bind, observe
from telemetry._spans.traceparent import span_context
from telemetry.model import Field, Level, Line, Operation, Result
from telemetry.reading import orphans_of
from telemetry.testing import Capture

ShopId = Annotated[int, Field("Which shop.")]


class Opened(Result):
    """A day that is over."""

    loaves: Annotated[int, Field("Loaves sold.")]


class Day(
    Operation[Opened],
    name="roots.day",
    started=Line(Level.INFO, "shop_id", "task_id", when="the shop opens"),
    completed=Line(Level.INFO, "shop_id", "loaves", when="the shop shuts"),
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
    assert len({span.span_id for span in captrace.spans}) == 1
    assert len(captrace.spans) == 2
    assert captrace.events() == ["roots.day.failed"]


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
