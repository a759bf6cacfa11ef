"""Declare counters, gauges and histograms like operations and events; `telemetry.measure` records them.

Standard library only. A class is an instrument: its docstring's first line is the description, its fields the labels::

    class Refunded(Counter, name="shop.refunded", unit="{refund}"):
        \"\"\"Refunds paid out.\"\"\"

        reason: Annotated[Literal["late", "broken"], Field("Why.", low_cardinality=True)]

    measure(Refunded(reason="late"))

Each combination of labels is a series of its own, kept for as long as the process lives. So only a field marked as
low-cardinality may be a label.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import ClassVar, Literal, dataclass_transform

from telemetry._declaring import FieldSpec, Scalar, check_name, fieldspecs_of, first_line, make_frozen

__all__ = ["SECONDS", "Counter", "Gauge", "Histogram", "Instrument", "InstrumentSpec", "Measurement", "declared_instruments"]

Kind = Literal["counter", "gauge", "histogram"]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 14400)
"""Buckets for durations in seconds, from one millisecond (a database statement) to four hours (a backfill)."""


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """One instrument as the catalog lists it; `unit` is a UCUM code, `buckets` are upper bounds (None: OpenTelemetry's)."""

    name: str
    kind: Kind
    unit: str
    description: str
    labels: Mapping[str, FieldSpec]
    buckets: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One recorded value, as the test kit captures it."""

    name: str
    value: float
    labels: Mapping[str, Scalar]


class Instrument:
    """What is measured and by which labels: a `Counter`, a `Gauge` or a `Histogram`."""

    __instrument__: ClassVar[InstrumentSpec]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Counter(Instrument):
    """A sum that only grows: `measure(Refunded(reason="late"))` adds one, or the amount in a second argument."""

    def __init_subclass__(cls, *, name: str, unit: str) -> None:
        """Declare the counter `name` in `unit`, such as `{refund}`."""
        _declare(cls, "counter", name, unit)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Gauge(Instrument):
    """A current value, such as a queue's length: `measure(Waiting(queue="mail"), 3)`."""

    def __init_subclass__(cls, *, name: str, unit: str) -> None:
        """Declare the gauge `name`, whose values are in `unit`."""
        _declare(cls, "gauge", name, unit)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Histogram(Instrument):
    """A distribution of values, such as durations: `measure(Packed(), 0.4)`."""

    def __init_subclass__(cls, *, name: str, unit: str, buckets: Sequence[float] | None = None) -> None:
        """Declare the histogram `name` of values in `unit`.

        `buckets` are rising upper bounds. The default is `SECONDS` for seconds, and OpenTelemetry's, which suit
        milliseconds, for other units.
        """
        if buckets is None and unit == "s":
            buckets = SECONDS
        if buckets is not None and not _are_bounds(buckets):
            raise TypeError(f"{cls.__name__}: buckets are upper bounds, each higher than the one before, not {buckets}")
        _declare(cls, "histogram", name, unit, None if buckets is None else tuple(buckets))


def _are_bounds(buckets: Sequence[object]) -> bool:
    bounds = [bound for bound in buckets if isinstance(bound, int | float) and isfinite(bound)]
    return len(bounds) == len(buckets) and all(lower < upper for lower, upper in pairwise(bounds))


_LONGEST_UNIT = 63  # characters, by OpenTelemetry's specification
_INSTRUMENTS: dict[str, InstrumentSpec] = {}


def declared_instruments() -> Mapping[str, InstrumentSpec]:
    """Return every instrument declared so far, by name."""
    return types.MappingProxyType(_INSTRUMENTS)


def _declare(cls: type[Instrument], kind: Kind, name: str, unit: str, buckets: tuple[float, ...] | None = None) -> None:
    make_frozen(cls)
    check_name(cls, name)
    if not unit.isascii() or len(unit) > _LONGEST_UNIT:
        raise TypeError(f"{cls.__name__}: its unit is a UCUM code such as s, By or {{order}}, not {unit!r}")
    labels = fieldspecs_of(cls)
    if unbounded := [label for label, spec in labels.items() if not spec.low_cardinality]:
        raise TypeError(
            f"{cls.__name__}: {', '.join(unbounded)} would make a series for each value: leave it to spans and lines, or "
            "mark a field of few values as Field(..., low_cardinality=True)"
        )
    spec = InstrumentSpec(name, kind, unit, first_line(cls), labels, buckets)
    known = _INSTRUMENTS.get(name)
    if known is not None and known != spec:
        raise TypeError(f"the instrument {name!r} is declared twice, and differently")
    cls.__instrument__ = _INSTRUMENTS[name] = spec
