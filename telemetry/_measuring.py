"""`measure`: the only recorder of declared instruments, and of operations' durations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import Any, Protocol, overload

from opentelemetry import metrics

from telemetry import _health
from telemetry._boundary import Plain
from telemetry._declaring import FieldSpec, Scalar, first_line
from telemetry._decoding import Values
from telemetry._fields import check, plain_values
from telemetry._spans import provider
from telemetry._spans.source import SCOPE
from telemetry.instruments import SECONDS, Counter, Gauge, Histogram, Instrument, InstrumentSpec, Measurement
from telemetry.model import Operation

_LARGEST_WHOLE = 2**53  # above it, floats are as exact


class _Record(Protocol):
    """An OpenTelemetry instrument, as the function that takes its values."""

    def __call__(self, value: float, attributes: Mapping[str, Scalar], /) -> None: ...


_records: dict[object, _Record] = {}
_captures: tuple[list[Measurement], ...] = ()


@overload
def measure(instrument: Counter, value: float = 1, /) -> None: ...
@overload
def measure(instrument: Gauge | Histogram, value: float, /) -> None: ...
def measure(instrument: Instrument, value: float = 1, /) -> None:
    """Record `value` under the instrument's labels; a counter adds one by default."""
    try:
        given: object = instrument
        if not isinstance(given, Instrument):  # no type checker has seen every program
            raise TypeError(f"measure() takes an instrument, such as Refunded(reason=...), not {given!r:.80}")
        spec = instrument.__instrument__
        values = plain_values(type(instrument), spec.labels, instrument.__dict__)
        if _health.is_strict():
            check(spec.labels.values(), values)
            _check_value(spec, value)
        provider.begin()
        record = _records.get(type(instrument))
        if record is None:
            record = _records[type(instrument)] = _made(spec)
        _hand_over(record, spec.name, _exportable(value), _labels(spec.labels, values))
    except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
        _health.problem(error)


def record_duration(operation: type[Operation[Any]], *, seconds: float, outcome: str, values: Mapping[str, Plain]) -> None:
    """Record how long an operation took, in the histogram `<operation>.duration`.

    Its labels are the outcome, the fields of `values` that are declared as low-cardinality, and the error's type.
    """
    duration = _durations.get(operation)
    if duration is None:
        duration = _durations[operation] = _Duration(operation)
    duration.record(seconds, outcome, values)


class _Duration:
    """The histogram of one operation's durations."""

    def __init__(self, operation: type[Operation[Any]]) -> None:
        self._name = f"{operation.__operation__}.duration"
        self._outcome_key = operation.__outcome_key__
        labels = duration_labels(operation)
        self._keys = [(name, spec.key) for name, spec in labels.items()]
        self._record = _made(InstrumentSpec(self._name, "histogram", "s", first_line(operation), labels, SECONDS))

    def record(self, seconds: float, outcome: str, values: Mapping[str, Plain]) -> None:
        labels: dict[str, Scalar] = {self._outcome_key: outcome}
        for name, key in self._keys:
            if (value := values.get(name)) is not None:
                labels[key] = value
        error = values.get("error_type")
        if error is not None:
            labels["error.type"] = error
        _hand_over(self._record, self._name, seconds, labels)


_durations: dict[type[Operation[Any]], _Duration] = {}


def duration_labels(operation: type[Operation[Any]]) -> dict[str, FieldSpec]:
    """Return the fields that label an operation's durations."""
    return {name: spec for name, spec in operation.__known__.items() if spec.low_cardinality}


@contextmanager
def capture() -> Iterator[list[Measurement]]:
    """Capture every measurement made inside, alongside any other readers."""
    global _captures  # as many captures as are active, in this process
    captured: list[Measurement] = []
    _captures = (*_captures, captured)
    try:
        yield captured
    finally:
        _captures = tuple(other for other in _captures if other is not captured)


def _labels(specs: Mapping[str, FieldSpec], values: Mapping[str, Plain]) -> dict[str, Scalar]:
    """Return the values under their fields' own keys; a standard key beside each would only repeat it."""
    return {spec.key: value for name, spec in specs.items() if (value := values.get(name)) is not None}


def _hand_over(record: _Record, name: str, value: float, labels: dict[str, Scalar]) -> None:
    record(value, labels)  # without a meter provider, OpenTelemetry's no-op instrument
    for captured in _captures:
        captured.append(Measurement(name, value, Values(labels)))


def _made(spec: InstrumentSpec) -> _Record:
    meter = metrics.get_meter(SCOPE)
    match spec.kind:
        case "counter":
            return meter.create_counter(spec.name, unit=spec.unit, description=spec.description).add
        case "gauge":
            return meter.create_gauge(spec.name, unit=spec.unit, description=spec.description).set
        case "histogram":
            return meter.create_histogram(
                spec.name, unit=spec.unit, description=spec.description, explicit_bucket_boundaries_advisory=spec.buckets
            ).record


def _exportable(value: float) -> float:
    """Return a number as every exporter can write it, also when many are added up; one that cannot be costs all metrics."""
    if type(value) is float or (type(value) is int and -_LARGEST_WHOLE < value < _LARGEST_WHOLE):
        return value
    return float(value)


def _check_value(spec: InstrumentSpec, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{spec.name} measures numbers, not {value!r}")
    if not isfinite(value):
        raise ValueError(f"{spec.name} measures numbers, not {value!r}")
    if spec.kind == "counter" and value < 0:
        raise ValueError(f"{spec.name} is a counter and only grows: it cannot count {value}")
