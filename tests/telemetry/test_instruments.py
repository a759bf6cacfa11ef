"""An instrument is declared as a small class, recorded by `measure`, captured by the test kit, exported by the meters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import telemetry
from telemetry import _measuring, measure, observe
from telemetry.instruments import SECONDS, Counter, Gauge, Histogram, Measurement, declared_instruments
from telemetry.model import Field, Operation, Result
from telemetry.reading import MissingKeyError
from telemetry.testing import Capture
from tests.telemetry.otlp import metrics_of

Till = Annotated[str, Field("Which till.", key="market.till", low_cardinality=True)]


class Sold(Counter, name="market.sold", unit="{apple}"):
    """Apples sold.

    Not those that were eaten.
    """

    till: Till
    colour: Annotated[Literal["red", "green"] | None, Field("Of which colour.", low_cardinality=True)] = None


class Left(Gauge, name="market.left", unit="{apple}"):
    """Apples left."""


class Wait(Histogram, name="market.wait", unit="s"):
    """How long people stand in line."""

    till: Till


class Weight(Histogram, name="market.weight", unit="kg", buckets=(1, 5, 25)):
    """What people carry home."""


class Ripeness(Histogram, name="market.ripeness", unit="ms"):
    """How long a banana takes to be brown."""


class Paid(Result):
    """What a customer paid."""

    cents: Annotated[int, Field("Cents.")]
    by: Annotated[Literal["card", "cash"], Field("By what.", low_cardinality=True)]


class Pay(Operation[Paid], name="market.pay"):
    """A customer pays."""

    customer: Annotated[str, Field("Who.")]
    till: Till


def test_what_is_measured_is_captured(captrace: Capture) -> None:
    """With the labels' keys; what is not known is no label."""
    measure(Sold(till="north"))
    measure(Sold(till="north", colour="red"), 3)
    measure(Left(), 41)
    measure(Wait(till="north"), 0.25)
    assert captrace.metrics == [
        Measurement("market.sold", 1, {"market.till": "north"}),
        Measurement("market.sold", 3, {"market.till": "north", "colour": "red"}),
        Measurement("market.left", 41, {}),
        Measurement("market.wait", 0.25, {"market.till": "north"}),
    ]


@pytest.mark.parametrize("value", [0, 0.5])
def test_a_counter_may_count_nothing_or_a_part_of_one(captrace: Capture, value: float) -> None:
    """It does not shrink by that."""
    measure(Sold(till="north"), value)
    assert captrace.metric("market.sold").value == value


@pytest.mark.parametrize(
    "declared", [Sold(till="north"), Left(), Pay(customer="ann", till="north"), Paid(cents=1, by="card")]
)
def test_what_was_made_cannot_be_changed(declared: object) -> None:
    """What is recorded later is what was said then; and equal ones are one key of a dictionary."""
    with pytest.raises(FrozenInstanceError):
        declared.till = "south"  # type: ignore[attr-defined]  # the mistake
    assert {declared: 1} == {replace(declared): 1}  # type: ignore[type-var]  # all of them are dataclasses


@pytest.mark.parametrize("declared", [Sold, Pay, Paid])
def test_values_are_given_by_name_alone(declared: type[Any]) -> None:
    """So that one may be declared between others: what is already written says what it said."""
    with pytest.raises(TypeError, match="positional argument"):
        declared("north", "red")


def test_an_operations_duration_is_a_metric(captrace: Capture) -> None:
    """Labelled with its outcome, its fields of few values and its error's type, and with nothing else."""
    with observe(Pay(customer="ann", till="north")) as pay:
        pay.completed(Paid(cents=120, by="cash"))
    with pytest.raises(OSError, match="no coins"), observe(Pay(customer="bob", till="south")):
        raise OSError("no coins")
    paid, failed = captrace.metrics
    assert paid.name == "market.pay.duration"
    assert 0 < paid.value < 60
    assert paid.labels == {"market.outcome": "completed", "market.till": "north", "by": "cash"}
    assert failed.labels == {"market.outcome": "failed", "market.till": "south", "error.type": "OSError"}


def test_a_secret_is_no_label(captrace: Capture) -> None:
    """A label leaves the process as an attribute does."""
    measure(Sold(till="ghp_" + "a" * 36))
    assert "ghp_" not in str(captrace.metrics)


@pytest.mark.parametrize(
    ("instrument", "value", "problem"),
    [
        (Sold(till=3), 1, "till must be string, not 3"),  # type: ignore[arg-type]  # the mistake
        (Sold(till="north", colour="blue"), 1, "colour must be one of red, green"),  # type: ignore[arg-type]  # the mistake
        (Sold(till="north"), -1, "market.sold is a counter and only grows"),
        (Sold(till="north"), "2", "market.sold measures numbers, not '2'"),
        (Sold(till="north"), True, "market.sold measures numbers, not True"),
        (Sold(till="north"), math.nan, "market.sold measures numbers, not nan"),
        (Sold(till="north"), math.inf, "market.sold measures numbers, not inf"),
        ("apples", 1, r"measure\(\) takes an instrument, such as Refunded\(reason=...\), not 'apples'"),
        (Sold, 1, r"measure\(\) takes an instrument, such as Refunded\(reason=...\), not <class .*Sold'>"),
    ],
)
def test_a_wrong_value_is_an_error_in_tests(captrace: Capture, instrument: Sold, value: float, problem: str) -> None:
    """What the type checker could not see is checked when it is measured."""
    with pytest.raises((TypeError, ValueError), match=problem):
        measure(instrument, value)
    assert captrace.metrics == []


def test_a_wrong_value_costs_its_host_nothing() -> None:
    """In production it is counted, whatever is measured."""

    class Grumpy:
        def __str__(self) -> str:
            raise LookupError

    before = telemetry.swallowed()
    measure(Sold(till=Grumpy()))  # type: ignore[arg-type]  # the mistake
    measure("apples", 3)  # type: ignore[call-overload]  # the mistake
    assert telemetry.swallowed() >= before + 1


@pytest.mark.parametrize("value", [2**53, 2**63, 2**70, -(2**70), True, 10**400, float("nan"), "many", None, Decimal("1.5")])
@pytest.mark.parametrize(
    "instrument", [Left(), Sold(till="north"), Wait(till="north")], ids=lambda each: type(each).__name__
)
def test_no_value_costs_the_metrics_beside_it(instrument: Any, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is measured, and however much it adds up to, what was measured can be exported."""
    reader = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader], shutdown_on_exit=False).get_meter("test")
    records: dict[type, Any] = {
        Left: meter.create_gauge("left").set,
        Sold: meter.create_counter("sold").add,
        Wait: meter.create_histogram("wait").record,
    }
    for kind, record in records.items():
        monkeypatch.setitem(_measuring._records, kind, record)
    for _ in range(3):
        measure(instrument, value)
    if (data := reader.get_metrics_data()) is not None:
        encode_metrics(data)
    measure(instrument, 1)
    data = reader.get_metrics_data()
    assert data is not None
    ((metrics,),) = [[scope.metrics for scope in each.scope_metrics] for each in encode_metrics(data).resource_metrics]
    assert len(metrics) == 1


def test_an_unbounded_label_is_refused_when_the_class_is_made() -> None:
    """A series for each order would fill the memory of whoever stores them; the message says what to do instead."""
    with pytest.raises(TypeError, match="Returned: order would make a series for each value: leave it to spans and lines"):

        class Returned(Counter, name="market.returned", unit="{apple}"):
            order: Annotated[str, Field("Which order.")]


def test_the_same_name_cannot_mean_two_things() -> None:
    """Declared again in the same way, as by a module that is imported twice, it is the same."""

    class Same(Gauge, name="market.left", unit="{apple}"):
        """Apples left."""

    with pytest.raises(TypeError, match=r"'market.left' is declared twice, and differently"):

        class Other(Gauge, name="market.left", unit="{pear}"):
            """Pears left."""


@pytest.mark.parametrize("name", ["", "market sold", "größe.sold", "7.sold", "m" * 256, None])
def test_a_name_that_the_sdk_would_refuse_is_refused_when_the_class_is_made(name: Any) -> None:
    """It would only do so once somebody exports metrics, when each measurement is lost; tests would see nothing."""
    with pytest.raises(
        TypeError, match=r"^Wrong: its name is a letter, then letters, digits, _ . - and /, 255 at most, not "
    ):

        class Wrong(Counter, name=name, unit="s"):
            """Never."""

    with pytest.raises(TypeError, match=r"^Wrongly: its name is .*, 246 at most, not "):

        class Wrongly(Operation[None], name=name):
            """Never: its duration is a metric."""


def test_the_longest_names_are_taken_by_the_sdk() -> None:
    """Of an instrument, and of an operation, with what its duration's has beside."""

    class Long(Counter, name="m" * 255, unit="x" * 63):
        """As long as may be."""

    class Work(Operation[None], name="m" * 246):
        """As long as may be."""

    meter = MeterProvider().get_meter("market")
    meter.create_counter(Long.__instrument__.name, unit=Long.__instrument__.unit)
    meter.create_histogram(f"{Work.__operation__}.duration")


@pytest.mark.parametrize("unit", ["µs", "x" * 64])
def test_a_unit_that_the_sdk_would_refuse_is_refused_when_the_class_is_made(unit: str) -> None:
    """As a name is."""
    with pytest.raises(TypeError, match=r"^Wrong: its unit is a UCUM code such as s, By or {order}, not "):

        class Wrong(Counter, name="market.wrong", unit=unit):
            """Never."""


def test_a_label_that_is_missing_names_those_that_are_there(captrace: Capture) -> None:
    """As a key that a line has not."""
    measure(Sold(till="north"))
    with pytest.raises(MissingKeyError, match=r"there is no 'market.til' \(did you mean 'market.till'\?\)"):
        captrace.metric("market.sold").labels["market.til"]


@pytest.mark.parametrize("buckets", [(1, 1), (5, 1), (1, 2, 1.5), ("1",), (1, math.nan, 3), (1, math.inf)])
def test_buckets_that_do_not_rise_are_refused(buckets: Sequence[float]) -> None:
    """OpenTelemetry would count into none of them."""
    with pytest.raises(TypeError, match="buckets are upper bounds, each higher than the one before"):

        class Wrong(Histogram, name="market.wrong", unit="s", buckets=buckets):
            """Never."""


def test_declarations_can_be_read() -> None:
    """The first line of a docstring is the description; seconds have buckets that fit them."""
    sold, wait, weight = (declared_instruments()[f"market.{name}"] for name in ("sold", "wait", "weight"))
    assert (sold.kind, sold.unit, sold.description) == ("counter", "{apple}", "Apples sold.")
    assert list(sold.labels) == ["till", "colour"]
    assert (wait.buckets, weight.buckets) == (SECONDS, (1, 5, 25))
    assert declared_instruments()["market.ripeness"].buckets is None  # OpenTelemetry's
    assert SECONDS[0] <= 0.001
    assert SECONDS[-1] >= 3600


@pytest.mark.parametrize("minutes", [1 / 60, 10 / 60, 0.5, 1, 5, 30, 60, 240])
def test_how_many_took_no_longer_than_a_round_time_is_known(minutes: float) -> None:
    """It is the bound of a bucket: what is between two bounds is only estimated."""
    assert timedelta(minutes=minutes).total_seconds() in SECONDS


SHOP = """
import telemetry
from telemetry import measure, observe
from tests.telemetry.test_instruments import Left, Paid, Pay, Sold, Wait, Weight

measure(Sold(till="early"))  # nobody reads yet
telemetry.configure()
for _ in range(2):
    measure(Sold(till="north"), 2)
measure(Left(), 7)
measure(Wait(till="north"), 0.3)
measure(Weight(), 4)
with observe(Pay(customer="ann", till="north")) as pay:
    pay.completed(Paid(cents=1, by="card"))
assert telemetry.flush()
"""


def test_measurements_are_exported_by_the_configured_meters(tmp_path: Path) -> None:
    """With name, unit, description, labels, and buckets in which seconds can be told apart."""
    metrics = metrics_of(SHOP, home=tmp_path)
    sold = metrics["market.sold"]
    assert (sold.unit, sold.description, sold.sum.is_monotonic) == ("{apple}", "Apples sold.", True)
    points = {point.attributes[0].value.string_value: point.as_int for point in sold.sum.data_points}
    assert points == {"north": 4}
    assert metrics["market.left"].gauge.data_points[0].as_int == 7
    assert list(metrics["market.wait"].histogram.data_points[0].explicit_bounds) == list(SECONDS)
    assert list(metrics["market.weight"].histogram.data_points[0].explicit_bounds) == [1, 5, 25]
    duration = metrics["market.pay.duration"]
    assert (duration.unit, duration.description) == ("s", "A customer pays.")
    assert list(duration.histogram.data_points[0].explicit_bounds) == list(SECONDS)
    keys = {attribute.key for attribute in duration.histogram.data_points[0].attributes}
    assert keys == {"market.outcome", "market.till", "by"}
