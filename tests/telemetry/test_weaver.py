"""A catalog is a registry that OpenTelemetry's Weaver accepts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
import yaml

from telemetry.catalog import as_weaver
from telemetry.instruments import Counter, Gauge, Histogram
from telemetry.model import Event, Field, Level, Line, Operation, Result
from tests.telemetry.weaver_rules import problems


class Size(StrEnum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


class Grown(Result):
    """A harvest."""

    kilos: Annotated[float | None, Field("Kilograms.", unit="kg", key="garden.kilos")]


class Grow(
    Operation[Grown],
    name="garden.grow",
    started=Line(Level.INFO, "plant", "size", when="a seed is sown"),
    completed=Line(Level.INFO, "plant", "kilos", "duration_sec", when='it is ripe: "enough"'),
):
    """One plant: from seed to harvest.

    Not its compost.
    """

    plant: Annotated[str, Field("Its name, colon: and all.", also="plant.name", example="leek # 7")]
    size: Annotated[Size, Field("How large.", low_cardinality=True)]
    gardener: Annotated[str | None, Field("Who.", also={"enduser.first": lambda name: name.split()[0]}, example="Ann Lee")]
    is_wild: Annotated[bool, Field("Whether nobody sowed it.")] = False


class Rained(Event, name="garden.rained", level=Level.DEBUG, when="it rains"):
    """Rain."""

    at: Annotated[datetime, Field("When.", unit="ISO 8601")]
    size: Annotated[Literal["huge"], Field("How heavy.")]
    kilos: Annotated[int | None, Field("Of water.")]
    by: Annotated[str, Field("Who says so.")]


class Snails(Counter, name="garden.snails", unit="{snail}"):
    """Snails found."""

    size: Annotated[Size, Field("How large.", low_cardinality=True)]


class Ripe(Gauge, name="garden.ripe", unit="{plant}"):
    """Plants to be harvested."""


class Dug(Histogram, name="garden.dug", unit="s"):
    """How long digging takes."""


@pytest.fixture(scope="module")
def groups() -> dict[str, dict[str, Any]]:
    """The registry's groups by their ids."""
    registry = yaml.safe_load(as_weaver("garden"))
    assert list(registry) == ["groups"]
    return {group["id"]: group for group in registry["groups"]}


def test_weaver_has_nothing_to_say(groups: dict[str, dict[str, Any]]) -> None:
    """Not even a warning."""
    assert list(problems(groups)) == []


def test_the_rules_find_mistakes(groups: dict[str, dict[str, Any]]) -> None:
    """The test above could fail."""
    broken = {
        "span.garden.grow": groups["span.garden.grow"]
        | {"span_kind": "", "attributes": [{"ref": "leek", "requirement_level": 3}]}
    }
    assert len(list(problems(broken))) == 4


def test_a_span_has_every_attribute_under_every_key(groups: dict[str, dict[str, Any]]) -> None:
    """Those of the operation, of its result, of its end; each says when it is there."""
    span = groups["span.garden.grow"]
    assert (span["span_kind"], span["brief"]) == ("internal", "One plant: from seed to harvest.")
    levels = {one["ref"]: one["requirement_level"] for one in span["attributes"]}
    known, result, error = (
        {"conditionally_required": why}
        for why in ("when it is known", "when the operation has a result", "when it ended with an error")
    )
    assert levels == {
        "plant": "required",
        "plant.name": "required",
        "size": "required",
        "gardener": known,
        "enduser.first": known,
        "is_wild": "required",
        "garden.kilos": result,
        "garden.outcome": "required",
        "duration_sec": "required",
        "error_type": error,
        "error.type": error,
        "error_msg": error,
    }


def test_an_event_has_its_lines_fields(groups: dict[str, dict[str, Any]]) -> None:
    """Under their own names, in their order; its level is an annotation."""
    ripe = groups["event.garden.grow.completed"]
    assert (ripe["name"], ripe["brief"], ripe["annotations"]) == (
        "garden.grow.completed",
        'it is ripe: "enough"',
        {"level": "INFO"},
    )
    assert [one["ref"] for one in ripe["attributes"]] == ["plant", "kilos", "duration_sec"]
    assert "event.garden.grow.failed" not in groups


def test_metrics_are_durations_and_instruments(groups: dict[str, dict[str, Any]]) -> None:
    """With their unit, instrument and labels."""
    metrics = {
        group["metric_name"]: (group["instrument"], group["unit"], [one["ref"] for one in group["attributes"]])
        for group in groups.values()
        if group["type"] == "metric"
    }
    assert metrics == {
        "garden.grow.duration": ("histogram", "s", ["size", "garden.outcome", "error.type"]),
        "garden.snails": ("counter", "{snail}", ["size"]),
        "garden.ripe": ("gauge", "{plant}", []),
        "garden.dug": ("histogram", "s", []),
    }


def test_one_key_holds_what_all_its_declarations_may_hold(groups: dict[str, dict[str, Any]]) -> None:
    """Members of all, the wider of two numbers; a meaning of its own stands beside the reference."""
    attributes = {one["id"]: one for one in groups["registry.catalog"]["attributes"]}
    assert [member["value"] for member in attributes["size"]["type"]["members"]] == ["small", "large", "huge"]
    assert (attributes["garden.kilos"]["type"], attributes["kilos"]["type"]) == ("double", "double")
    assert attributes["plant"]["examples"] == ["leek # 7"]
    assert attributes["enduser.first"]["examples"] == ["Ann"]
    assert attributes["at"]["note"] == "Unit: ISO 8601."
    assert attributes["at"]["examples"] == ["2026-01-01T12:00:00Z"]
    assert attributes["by"]["examples"] == ["<by>"]
    rained = {one["ref"]: one for one in groups["event.garden.rained"]["attributes"]}
    assert rained["size"]["brief"] == "How heavy."


def test_one_key_with_two_types_is_an_error_that_says_so() -> None:
    """Nobody could search for it."""

    class Count(Event, name="shed.counted", level=Level.INFO, when="tools are counted"):
        """A count."""

        tools: Annotated[int, Field("How many.")]

    class Named(Event, name="shed.named", level=Level.INFO, when="tools are named"):
        """Names."""

        tools: Annotated[str, Field("Which.")]

    with pytest.raises(TypeError, match="tools is declared as int and as string: one key has one type"):
        as_weaver("shed")


def test_a_catalog_without_attributes_has_no_group_of_them() -> None:
    """Weaver refuses one that is empty."""

    class Full(Gauge, name="cellar.full", unit="1"):
        """How full it is."""

    class Flooded(Event, name="cellar.flooded", level=Level.ERROR, when="water comes in"):
        """A flood."""

    groups = {group["id"]: group for group in yaml.safe_load(as_weaver("cellar"))["groups"]}
    assert list(groups) == ["event.cellar.flooded", "metric.cellar.full"]
    assert list(problems(groups)) == []


def test_a_namespace_without_declarations_is_an_error_that_says_what_to_do() -> None:
    """An empty registry would look like a catalog that is done."""
    with pytest.raises(ValueError, match="nothing is declared in attic: import the module that declares it"):
        as_weaver("attic")
