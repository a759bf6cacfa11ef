"""Adding an event, an operation or an instrument is one class and its emission; all else follows."""

from __future__ import annotations

import logging
from typing import Annotated

import yaml

from telemetry import emit, measure, observe
from telemetry.catalog import as_json, as_markdown, as_weaver, check_line
from telemetry.instruments import Counter
from telemetry.model import Event, Field, Level, Line, Operation, Result
from telemetry.testing import Capture

BeanId = Annotated[int, Field("Which bean.")]
Roast = Annotated[str, Field("How dark.", key="cafe.roast", low_cardinality=True, example="light")]


class Ground(Result):
    """What the mill gave."""

    grams: Annotated[float, Field("Grams of powder.", unit="g")]


class Grind(
    Operation[Ground],
    name="cafe.grind",
    completed=Line(Level.INFO, "bean_id", "roast", "grams", when="beans are ground"),
):
    """One grinding."""

    bean_id: BeanId
    roast: Roast


class Jammed(Event, name="cafe.jammed", level=Level.WARNING, when="the mill jams"):
    """The mill jammed."""

    bean_id: BeanId


class Cups(Counter, name="cafe.cups", unit="{cup}"):
    """Cups served."""

    roast: Roast


def test_a_level_is_the_one_of_logging_with_its_name() -> None:
    """So that whoever filters lines by number has ours, too."""
    assert {level.name: int(level) for level in Level} == {
        name: number for name, number in logging.getLevelNamesMapping().items() if name in Level.__members__
    }


def test_everything_follows_from_one_class_and_its_emission(captrace: Capture) -> None:
    """Span, lines, metrics; the table, its JSON, the registry; the check of lines. Nothing else names them."""
    with observe(Grind(bean_id=7, roast="dark")) as grinding:
        emit(Jammed(bean_id=7))
        measure(Cups(roast="dark"))
        grinding.completed(Ground(grams=18.5))

    assert captrace.tree("bean_id", "cafe.roast", "grams") == "cafe.grind completed bean_id=7 cafe.roast=dark grams=18.5"

    jammed, ground = captrace.lines
    assert (jammed["event"], jammed["level"], jammed["bean_id"]) == ("cafe.jammed", "warning", 7)
    assert (ground["event"], ground["level"], ground["roast"], ground["grams"]) == (
        "cafe.grind.completed",
        "info",
        "dark",
        18.5,
    )
    assert jammed["span_id"] == ground["span_id"] == captrace.span("cafe.grind").span_id
    assert check_line(jammed) == check_line(ground) == []
    assert check_line({"event": "cafe.jammed", "level": "info"}) == [
        "cafe.jammed: its level is warning, not info",
        "cafe.jammed: bean_id is missing",
    ]

    assert captrace.metric("cafe.cups").labels == {"cafe.roast": "dark"}
    assert captrace.metric("cafe.grind.duration").labels == {"cafe.outcome": "completed", "cafe.roast": "dark"}

    assert as_markdown(["cafe.jammed", "cafe.grind.completed"]).splitlines()[2:] == [
        "| `cafe.jammed` | WARNING | bean_id | the mill jams |",
        "| `cafe.grind.completed` | INFO | bean_id, roast, grams | beans are ground |",
    ]
    assert as_json(["cafe.jammed"]) == [
        {"event": "cafe.jammed", "level": "WARNING", "fields": ["bean_id"], "when": "the mill jams"}
    ]
    groups = {group["id"]: group["brief"] for group in yaml.safe_load(as_weaver("cafe"))["groups"]}
    assert groups == {
        "registry.catalog": "The attributes of cafe.",
        "span.cafe.grind": "One grinding.",
        "event.cafe.grind.completed": "beans are ground",
        "event.cafe.jammed": "the mill jams",
        "metric.cafe.grind.duration": "One grinding.",
        "metric.cafe.cups": "Cups served.",
    }
