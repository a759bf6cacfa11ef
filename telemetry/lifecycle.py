"""`observe` and `emit`: the openers of declared spans, and the only writers of declared lines.

An observed block is one span that ends with an outcome, its duration metric, and the lines its class declares::

    with observe(RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1)) as sync:
        emit(RepoProgress(...))
        sync.completed(RepoSynced(prs_synced=3))

Telemetry's own errors never reach the block: they are counted (`telemetry.swallowed`), and raised only under the test kit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import Token
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, NoReturn, overload

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

from telemetry import _health, _mistakes
from telemetry._boundary import message_of, plain, text, text_of
from telemetry._declaring import Specs
from telemetry._fields import attributes_of, check, plain_values
from telemetry._lines import writing
from telemetry._lines.context import clean_bound
from telemetry._measuring import record_duration
from telemetry._moments import lasted_ns
from telemetry._outcomes import OutcomeMissing, death_of, error_type, meant, outcome_of
from telemetry._spans import emitter, exception_events
from telemetry._spans.exception_events import exception_attributes
from telemetry._spans.open_span import OpenSpan
from telemetry._spans.traceparent import span_context
from telemetry.model import Event, Level, Line, Operation, Outcome, R, Result, Scalar

__all__ = ["Observed", "emit", "observe"]

_OK = Status(StatusCode.OK)
_PER_UNIT = {"duration_ms": 1e3, "duration_sec": 1e6}  # microseconds
_OUTCOMES: Mapping[Outcome | None, str] = {outcome: outcome.value for outcome in Outcome} | {None: Outcome.FAILED.value}

_fixed_ns: Callable[[], int] | None = None


def fix_time(now_ns: Callable[[], int] | None) -> None:
    """Let operations start, end and last by `now_ns` (Unix nanoseconds), for the test kit; None: by the clock."""
    global _fixed_ns  # one clock a process
    _fixed_ns = now_ns


def ticks() -> int:
    """Return nanoseconds that only their differences mean something of."""
    return time.perf_counter_ns() if _fixed_ns is None else _fixed_ns()


class Observed(Generic[R]):
    """An observed block: a context manager, also an asynchronous one, whose body says how it ends."""

    __slots__ = (
        "_error",
        "_operation",
        "_outcome",
        "_result",
        "_shortfall",
        "_span",
        "_t0",
        "_token",
        "_values",
        "_waited_ms",
    )

    def __init__(self, operation: Operation[R], *, waited_ms: float = 0.0) -> None:
        self._operation = operation
        self._waited_ms = waited_ms
        self._outcome: Outcome | None = None
        self._result: R | None = None
        self._error: BaseException | None = None
        self._shortfall = ""
        self._span: Span | None = None
        self._token: Token[Context] | None = None
        self._values: dict[str, Scalar | None] = {}

    @overload
    def completed(self: Observed[None], /, *, shortfall: str = "") -> None: ...
    @overload
    def completed(self, result: R, /, *, shortfall: str = "") -> None: ...
    def completed(self, result: Any = None, /, *, shortfall: str = "") -> None:
        """Say that the operation did what it is for; an `Operation[None]` says so by itself.

        `shortfall` says what is missing all the same: the span is an error with these words, and its lines are the same.
        """
        self._outcome, self._result, self._shortfall = Outcome.COMPLETED, result, ""
        if result is None and getattr(self._operation, "__has_result__", False):
            _health.problem(TypeError(_mistakes.missing_result(self._operation)))
        self._check(result)
        if shortfall:
            self._shortfall = text(text_of(shortfall))
            self._set({"error.type": "partial"})

    def failed(self, error: BaseException, result: R | None = None, /) -> None:
        """Say that the operation failed and no attempt follows; `result` is what is known all the same."""
        self._outcome, self._error, self._result = Outcome.FAILED, _as_error(error, "failed"), result
        self._check(result)

    def retrying(self, error: BaseException, *, countdown: float) -> None:
        """Say that the attempt failed and another follows in `countdown` seconds: no `failed` line is written."""
        self._outcome, self._error = Outcome.RETRYING, _as_error(error, "retrying")
        if not issubclass(type(countdown), int | float):
            _health.problem(TypeError(_mistakes.no_seconds(countdown)))
        self._set({"retry.countdown": plain("retry.countdown", countdown)})

    def waiting(self, *, until: datetime | None = None, error: BaseException | None = None, result: R | None = None) -> None:
        """Say that the attempt ends here to wait, and that somebody resumes it at `until`, if that is known.

        `error` is what asked for the wait: the span and its line name it, and it makes neither of them an error.
        """
        self._outcome, self._result = Outcome.WAITING, result
        self._error = None if error is None else _as_error(error, "waiting")
        self._check(result)
        if until is not None:
            if not issubclass(type(until), datetime):
                _health.problem(TypeError(_mistakes.no_moment(until)))
            self._set({"waiting.until": plain("waiting.until", until)})

    def cancelled(self) -> None:
        """Say that the operation was called off, by a person or because another has taken it over."""
        self._outcome = Outcome.CANCELLED

    def set(self, **values: Any) -> None:
        """Set fields that the operation or its result declares and that become known midway; the lines carry them too."""
        try:
            known = self._operation.__known__
            if unknown := [name for name in values if name not in known]:
                raise TypeError(_mistakes.unknown_fields(self._operation, unknown))
            plain = plain_values(type(self._operation), known, values)
            self._values |= plain
            self._set(attributes_of(Specs({name: known[name] for name in plain}), plain))
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(error)

    def link(self, traceparent: str | None) -> None:
        """Link the span to the one that a W3C `traceparent` names, such as an attempt before it, if there is one."""
        try:
            if self._span is not None and traceparent is not None:
                self._span.add_link(span_context(traceparent))
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(error)

    def __enter__(self) -> Observed[R]:
        self._t0 = ticks()
        try:
            self._begin()
        except Exception as error:
            with suppress(Exception):  # what leaves here is the host's, or a test kit's: no __exit__ follows
                self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _begin(self) -> None:
        try:
            self._open()
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host, and without a span there are lines
            _health.problem(error)
        try:
            self._write_first()
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(error)

    def __exit__(self, _type: type[BaseException] | None, error: BaseException | None, _tb: TracebackType | None) -> None:
        try:
            if isinstance(self._span, OpenSpan):
                self._span.conclude()
            self._conclude(error)
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)
        finally:
            if self._token is not None:
                otel_context.detach(self._token)
            if self._span is not None:
                try:
                    self._span.end(self._end_ns())
                except Exception as problem:  # noqa: BLE001  # somebody's processor of spans
                    _health.problem(problem)
        if self._outcome is None and error is None:
            self._miss_outcome()

    @_health.guarded
    def _miss_outcome(self) -> None:
        raise OutcomeMissing(_mistakes.missing_outcome(type(self._operation)))

    def __call__(self, function: object) -> NoReturn:
        """Raise TypeError: a block is no decorator."""
        raise TypeError(_mistakes.no_decorator(self._operation, function))

    async def __aenter__(self) -> Observed[R]:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _open(self) -> None:
        self._start(self._attributes())

    def _attributes(self) -> dict[str, Any]:
        """Return what the operation's fields say."""
        operation = self._operation
        self._values = plain_values(type(operation), operation.__fieldspecs__, operation.__dict__)
        return attributes_of(operation.__fieldspecs__, self._values)

    def _start(self, attributes: dict[str, Any]) -> None:
        """Start the span with these attributes and the bound context, and make it the current one."""
        self._span = self._started(clean_bound() | attributes)
        self._token = otel_context.attach(trace.set_span_in_context(self._span))

    def _started(self, attributes: dict[str, Any]) -> Span:
        return emitter.start(self._operation.__operation__, attributes=attributes, start_ns=self._start_ns())

    def _start_ns(self) -> int | None:
        start = None if _fixed_ns is None else _fixed_ns()
        if self._waited_ms:
            start = start or time.time_ns()
            start -= lasted_ns(self._waited_ms, most=start)
        return start

    def _end_ns(self) -> int | None:
        return None if _fixed_ns is None else _fixed_ns()

    def _elapsed_ns(self) -> int:
        return ticks() - self._t0

    def _conclude(self, error: BaseException | None) -> None:
        """Give the span its last attributes and its status, and write the closing lines."""
        operation, elapsed, values = self._operation, self._elapsed_ns(), self._values
        if self._outcome is None:
            if error is not None:
                error = meant(error)
                self._outcome, self._error = outcome_of(error), error
            elif not operation.__has_result__:
                self._outcome = Outcome.COMPLETED
        outcome = self._outcome
        attributes: dict[str, Any] = {operation.__outcome_key__: _OUTCOMES[outcome]}
        if self._result is not None:
            result = plain_values(type(self._result), operation.__resultspecs__, self._result.__dict__)
            values |= result
            attributes |= attributes_of(operation.__resultspecs__, result)
        for name in operation.__durations__:
            values[name] = attributes[name] = elapsed // 1000 / _PER_UNIT[name]
        message = ""
        if outcome is None:
            attributes |= {"outcome.missing": True, "error.type": OutcomeMissing.error_type}
        elif self._error is not None and outcome is not Outcome.CANCELLED:
            kind, message = error_type(self._error), message_of(self._error)
            values |= {"error_type": kind, "error_msg": message}
            attributes |= {"error_type": kind, "error_msg": message, "error.type": kind}
            attributes |= death_of(self._error)
        self._set(attributes)
        self._set_status(outcome, message or self._shortfall)
        self._record(elapsed, outcome)
        self._write(operation.__last_lines__[outcome])

    def _check(self, result: object) -> None:
        """Go on without what was given for a result and is none, and say so."""
        wanted: type[Result] | None = getattr(self._operation, "__result__", None)
        if result is None or type(result) is wanted:
            return
        if wanted is None or not issubclass(type(result), wanted):
            self._result = None
            _health.problem(TypeError(_mistakes.wrong_result(self._operation, result)))

    def _set(self, attributes: Mapping[str, Any]) -> None:
        """Add attributes that went through the boundary."""
        if isinstance(self._span, OpenSpan):
            self._span.collect(attributes)
        elif self._span is not None:
            self._span.set_attributes(attributes)

    def _set_status(self, outcome: Outcome | None, message: str) -> None:
        """Set the span's status; the error that made it one is an event at the moment of its end, with its stack."""
        if self._span is None:
            return
        if outcome is Outcome.COMPLETED and not message:
            self._span.set_status(_OK)
        elif outcome not in (Outcome.WAITING, Outcome.CANCELLED):
            self._span.set_status(Status(StatusCode.ERROR, message))
            if self._error is not None:
                self._span.add_event(exception_events.NAME, exception_attributes(self._error), self._end_ns())

    def _record(self, elapsed_ns: int, outcome: Outcome | None) -> None:
        record_duration(type(self._operation), seconds=elapsed_ns / 1e9, outcome=_OUTCOMES[outcome], values=self._values)

    def _write_first(self) -> None:
        self._write(self._operation.__first_lines__)

    def _write(self, lines: Iterable[tuple[str, Line]]) -> None:
        known_value = self._values.get
        for event, line in lines:
            values = {name: known_value(name) for name in line.fields}
            if _health.is_strict():
                known = self._operation.__known__
                check([known[name] for name in line.fields if values[name] is not None], values)
            error = self._error if line.level >= Level.ERROR else None
            writing.write_declared([(line.level, event, values)], error=error)


def observe(operation: Operation[R], /, *, waited_ms: float = 0.0) -> Observed[R]:
    """Open a block that is one span and the lines its class declares.

    `waited_ms` passed before the block, waiting for permission to start it: the span starts that much earlier, its
    `duration_ms` does not.
    """
    given: object = operation
    if not isinstance(given, Operation):  # no type checker has seen every program
        _health.problem(TypeError(_mistakes.no_operation(given)))
    return Observed(operation, waited_ms=waited_ms)


def emit(*events: Event, error: BaseException | None = None) -> None:
    """Write one line for each event inside the current span, all at once; `error` gives them an `exception`."""
    try:
        writing.write_declared(list(_entries(events)), error=error)
    except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
        _health.problem(problem)


def _entries(events: Iterable[Event]) -> Iterator[writing.Entry]:
    for event in events:
        try:
            if not isinstance(event, Event):
                raise TypeError(f"emit() takes instances of events, not {event!r:.80}")
            spec = event.__event__
            values = plain_values(type(event), event.__fieldspecs__, event.__dict__)
            if _health.is_strict():
                check(spec.fields, values)
        except Exception as problem:  # noqa: BLE001  # one that is no event spoils only itself
            _health.problem(problem)
        else:
            yield spec.level, spec.name, values


def _as_error(given: BaseException, said_by: str) -> BaseException:
    """Return an error as it is; what is none, such as its words alone, as the message of one, and report it."""
    if issubclass(type(given), BaseException):
        return given
    _health.problem(TypeError(_mistakes.no_error(given, said_by)))
    return Exception(text_of(given))
