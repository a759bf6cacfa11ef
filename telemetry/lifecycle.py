"""``observe`` and ``emit``: the only openers of spans, and the only writers of declared lines.

An observed block is one span that ends with an outcome, its duration metric, and the lines its class declares::

    with observe(RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1)) as sync:
        emit(RepoProgress(...))
        sync.completed(RepoSynced(prs_synced=3))

Telemetry's own errors never reach the block: they are counted (`telemetry.swallowed`), and raised only under the test kit.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from datetime import datetime
from types import TracebackType
from typing import Any, Generic

from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

from telemetry import _health
from telemetry._lines import writing
from telemetry._lines.context import bound
from telemetry._spans.emitter import SCOPE
from telemetry.model import Event, FieldSpec, Level, Operation, Outcome, R, Scalar, rendered, rendered_values

_tracer = trace.get_tracer(SCOPE)
_meter = metrics.get_meter(SCOPE)
_durations: dict[type[Operation[Any]], metrics.Histogram] = {}
_OK = Status(StatusCode.OK)
_MICROSECONDS = {"duration_ms": 1e3, "duration_sec": 1e6}
_OUTCOMES: Mapping[Outcome | None, str] = {outcome: outcome.value for outcome in Outcome} | {None: Outcome.FAILED.value}

_outcomes: dict[type[BaseException], Outcome] = {
    KeyboardInterrupt: Outcome.CANCELLED,
    SystemExit: Outcome.CANCELLED,
    GeneratorExit: Outcome.CANCELLED,
}


_fixed_ns: Callable[[], int] | None = None


def fix_time(now_ns: Callable[[], int] | None) -> None:
    """Operations start, end and last by ``now_ns`` (Unix nanoseconds), as the test kit asks for; None: by the clock."""
    global _fixed_ns  # one clock a process
    _fixed_ns = now_ns


def _ticks() -> int:
    return time.perf_counter_ns() if _fixed_ns is None else _fixed_ns()


class OutcomeMissing(Exception):  # noqa: N818  # it names the state, as the span attribute does
    """An observed block ended without saying how."""

    error_type = "outcome_missing"


def treat_as(error: type[BaseException], outcome: Outcome) -> None:
    """An ``error`` that leaves an observed block without another outcome means ``outcome``."""
    _outcomes[error] = outcome


def error_type(error: BaseException) -> str:
    """The error's own stable code (its ``error_type``), or its class."""
    code = getattr(error, "error_type", None)
    return code if isinstance(code, str) else type(error).__name__


class Observed(Generic[R]):
    """An observed block: a context manager whose body says how it ends."""

    __slots__ = ("_error", "_operation", "_outcome", "_result", "_span", "_t0", "_token", "_values", "_waited_ms")

    def __init__(self, operation: Operation[R], waited_ms: float = 0.0) -> None:
        self._operation = operation
        self._waited_ms = waited_ms
        self._outcome: Outcome | None = None
        self._result: R | None = None
        self._error: BaseException | None = None
        self._span: Span | None = None
        self._token: Token[Context] | None = None
        self._values: dict[str, Scalar | None] = {}

    def completed(self, result: R, /) -> None:
        """The operation did what it is for."""
        self._outcome, self._result = Outcome.COMPLETED, result

    def failed(self, error: BaseException, result: R | None = None, /) -> None:
        """The operation failed, and no attempt follows; ``result`` is what is known all the same."""
        self._outcome, self._error, self._result = Outcome.FAILED, error, result

    def retrying(self, error: BaseException, *, countdown: float) -> None:
        """The attempt failed, and another follows in ``countdown`` seconds: no ``failed`` line is written."""
        self._outcome, self._error = Outcome.RETRYING, error
        self._set({"retry.countdown": countdown})

    def waiting(self, *, until: datetime) -> None:
        """The attempt ended to wait; somebody resumes it at ``until``."""
        self._outcome = Outcome.WAITING
        self._set({"waiting.until": rendered(until)})

    def cancelled(self) -> None:
        """The operation was called off, by a person or because another has taken it over."""
        self._outcome = Outcome.CANCELLED

    def __enter__(self) -> Observed[R]:
        self._t0 = _ticks()
        try:
            self._values = rendered_values(self._operation.__dict__)
            self._span = self._start(bound() | _attributes(self._operation.__fieldspecs__, self._values))
            self._token = otel_context.attach(trace.set_span_in_context(self._span))
            self._write("started", "entered")
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(error)
        return self

    def __exit__(self, _type: type[BaseException] | None, error: BaseException | None, _tb: TracebackType | None) -> None:
        try:
            self._conclude(error)
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)
        finally:
            if self._token is not None:
                otel_context.detach(self._token)
            if self._span is not None:
                self._span.end(None if _fixed_ns is None else _fixed_ns())
        if self._outcome is None and error is None:
            _health.problem(OutcomeMissing(f"{type(self._operation).__name__} ended without saying how"))

    def _start(self, attributes: dict[str, Scalar]) -> Span:
        start = None if _fixed_ns is None else _fixed_ns()
        if self._waited_ms:
            start = (start or time.time_ns()) - int(self._waited_ms * 1_000_000)
        return _tracer.start_span(self._operation.__operation__, attributes=attributes, start_time=start)

    def _elapsed_ns(self) -> int:
        return _ticks() - self._t0

    def _conclude(self, error: BaseException | None) -> None:
        """The span has its last attributes and status, and the closing lines are written."""
        outcome = self._outcome
        if outcome is None and error is not None:
            outcome, self._error = _outcome_of(error), error
            self._outcome = outcome
        operation, elapsed = self._operation, self._elapsed_ns()
        values = self._values
        attributes: dict[str, Scalar] = {operation.__outcome_key__: _OUTCOMES[outcome]}
        if self._result is not None:
            values |= rendered_values(self._result.__dict__)
            attributes |= _attributes(operation.__resultspecs__, values)
        for name in operation.__durations__:
            values[name] = attributes[name] = elapsed // 1000 / _MICROSECONDS[name]
        if outcome is None:
            attributes |= {"outcome.missing": True, "error.type": OutcomeMissing.error_type}
        elif self._error is not None and outcome is not Outcome.CANCELLED:
            failure = {"error_type": error_type(self._error), "error_msg": str(self._error)}
            values |= failure
            attributes |= failure
            attributes["error.type"] = failure["error_type"]
            attributes["exception.stacktrace"] = "".join(traceback.format_exception(self._error))
        self._set(attributes)
        self._set_status(outcome)
        _record_duration(type(operation), elapsed, outcome)
        if outcome is Outcome.COMPLETED:
            self._write("completed", "ended")
        elif outcome is Outcome.FAILED:
            self._write("failed", "ended")
        else:
            self._write("ended")

    def _set(self, attributes: Mapping[str, Any]) -> None:
        if self._span is not None:
            self._span.set_attributes(attributes)

    def _set_status(self, outcome: Outcome | None) -> None:
        if self._span is None:
            return
        if outcome is Outcome.COMPLETED:
            self._span.set_status(_OK)
        elif outcome in (None, Outcome.FAILED, Outcome.RETRYING):
            self._span.set_status(Status(StatusCode.ERROR, "" if self._error is None else str(self._error)))

    def _write(self, *moments: str) -> None:
        operation = self._operation
        for moment in moments:
            if moment in operation.__lines__:
                event, line = operation.__lines__[moment]
                values = {name: self._values.get(name) for name in line.fields}
                if _health.is_strict():
                    _check([operation.__known__[name] for name in line.fields if values[name] is not None], values)
                writing.write_line(line.level, event, values, error=self._error if line.level >= Level.ERROR else None)


def observe(operation: Operation[R], /, *, waited_ms: float = 0.0) -> Observed[R]:
    """A block that is one span and the lines its class declares.

    ``waited_ms`` passed before the block, waiting for permission to start it: the span's start is that much earlier, its
    ``duration_ms`` is not.
    """
    return Observed(operation, waited_ms)


def emit(*events: Event, error: BaseException | None = None) -> None:
    """A line an event is written inside the current span, all at once; ``error`` gives it an ``exception``."""
    try:
        entries = [(event.__event__.level, event.__event__.name, rendered_values(event.__dict__)) for event in events]
        if _health.is_strict():
            for event, (_, _, values) in zip(events, entries, strict=True):
                _check(event.__event__.fields, values)
        writing.write_all(entries, error=error)
    except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
        _health.problem(problem)


@contextmanager
def span(name: str, attributes: Mapping[str, Scalar]) -> Iterator[None]:
    """A plain span for code outside any catalog; an error that leaves it is on it."""
    with _tracer.start_as_current_span(name, attributes={**bound(), **attributes}) as current:
        yield
        current.set_status(_OK)


def _outcome_of(error: BaseException) -> Outcome:
    return next((outcome for kind, outcome in _outcomes.items() if isinstance(error, kind)), Outcome.FAILED)


def _record_duration(operation: type[Operation[Any]], elapsed_ns: int, outcome: Outcome | None) -> None:
    histogram = _durations.get(operation)
    if histogram is None:
        histogram = _durations[operation] = _meter.create_histogram(
            f"{operation.__operation__}.duration", unit="s", description=(operation.__doc__ or "").partition("\n")[0]
        )
    histogram.record(elapsed_ns / 1e9, {operation.__outcome_key__: _OUTCOMES[outcome]})


def _attributes(specs: Mapping[str, FieldSpec], values: Mapping[str, Scalar | None]) -> dict[str, Scalar]:
    """``values`` under every key their fields declare; what is not known is absent."""
    attributes: dict[str, Scalar] = {}
    for name, spec in specs.items():
        value = values[name]
        if value is not None:
            for key in spec.keys:
                attributes[key] = value
    return attributes


def _check(specs: Iterable[FieldSpec], values: Mapping[str, object]) -> None:
    if problems := [problem for spec in specs if (problem := spec.problem(values[spec.name])) is not None]:
        raise TypeError("; ".join(problems))
