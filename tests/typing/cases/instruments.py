"""Wrong uses of instruments; every line marked `# wrong` is refused, and no other."""

from __future__ import annotations

from typing import Annotated, Literal

from telemetry import measure
from telemetry.instruments import SECONDS, Counter, Gauge, Histogram, Instrument
from telemetry.model import Event, Field, Level

Why = Annotated[Literal["late", "broken"], Field("Why.", low_cardinality=True)]


class Refunded(Counter, name="shop.refunded", unit="{refund}"):
    """Refunds paid out."""

    reason: Why


class Waiting(Gauge, name="shop.waiting", unit="{order}"):
    """Orders that wait."""


class Packed(Histogram, name="shop.packed", unit="s", buckets=(0.1, 1, 10)):
    """How long packing takes."""

    by: Annotated[str | None, Field("Who.", low_cardinality=True)] = None


class Rang(Event, name="shop.rang", level=Level.INFO, when="the bell rings"):
    """The bell."""


refunded = Refunded(reason="late")
any_instrument: type[Instrument] = Refunded
longest: float = SECONDS[-1]
measure(refunded)
measure(refunded, 3)
measure(Waiting(), 3)
measure(Packed(), 0.5)
measure(Packed(by="ann"), 0.5)

Refunded()  # wrong: a label is missing
Refunded(why="late")  # wrong: a label is misspelt
Refunded(reason="sad")  # wrong: no such reason
Refunded("late")  # wrong: positional
refunded.reason = "broken"  # wrong: frozen
measure(Waiting())  # wrong: a gauge without its value
measure(Packed())  # wrong: a histogram without its value
measure(refunded, "3")  # wrong: text for a number
measure(refunded, value=3)  # wrong: by keyword
measure(Refunded)  # wrong: a class for an instrument
measure("shop.refunded")  # wrong: text for an instrument
measure(Rang())  # wrong: an event for an instrument
Field("Why.", low_cardinality="yes")  # wrong: text for yes or no


class NoUnit(Counter, name="shop.lost"):  # wrong: no unit
    """Lost."""


class NoName(Gauge, unit="s"):  # wrong: no name
    """Nameless."""


class OneBucket(Histogram, name="shop.one", unit="s", buckets=5):  # wrong: a number for buckets
    """One."""


class BucketsOfACounter(Counter, name="shop.counted", unit="1", buckets=(1, 2)):  # wrong: a counter has no buckets
    """Counted."""
