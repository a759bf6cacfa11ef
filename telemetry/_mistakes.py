"""What the usual mistakes with operations are answered with: each names its cure, to be copied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telemetry._boundary import line_value
from telemetry._declaring import Specs
from telemetry._suggestion import suggestion
from telemetry.model import Operation, Result


def missing_outcome(operation: type[Operation[Any]]) -> str:
    """Return what a block should have said before it ended."""
    return f"{operation.__name__} ended without saying how: call completed({_result(operation)}) before its block ends"


def missing_return(operation: type[Operation[Any]], function: str) -> str:
    """Return what an observed function should have returned."""
    return f"{operation.__name__} ended without saying how: {function} must return {_result(operation)}"


def missing_result(operation: Operation[Any]) -> str:
    """Return what `completed()` was not given."""
    kind = type(operation)
    return f"{kind.__name__} completes with its result: call completed({_result(kind)})"


def wrong_result(operation: object, result: object) -> str:
    """Return why `result` is none of the operation's, or of a span that declares nothing."""
    name = type(operation).__name__ if isinstance(operation, Operation) else "a span"
    wanted: type[Result] | None = getattr(operation, "__result__", None)
    said = f"not {line_value('result', result)!r}"
    if wanted is None:
        return f"{name} ends with nothing, {said}: call completed()"
    return f"{name} ends with {wanted.__name__}, {said}: call completed({_call(wanted, wanted.__fieldspecs__)})"


def no_operation(given: object) -> str:
    """Return what `observe` should have been given."""
    if isinstance(given, type) and issubclass(given, Operation):
        return f"observe() takes an operation and not its class: observe({_call(given, given.__fieldspecs__)})"
    return f"observe() takes an operation, such as observe(Ship(order=...)), not {line_value('operation', given)!r}"


def no_error(given: object, said_by: str) -> str:
    """Return what a block's method `said_by` should have been given for an error."""
    return f"{said_by}() takes the error itself: `except OSError as error: ...`, not {line_value('error', given)!r}"


def no_seconds(given: object) -> str:
    """Return what `retrying` should have been given."""
    return f"retrying() takes its countdown in seconds, such as 2.5, not {line_value('countdown', given)!r}"


def no_moment(given: object) -> str:
    """Return what `waiting` should have been given."""
    return f"waiting() takes a datetime with its time zone for `until`, not {line_value('until', given)!r}"


def no_name(given: object) -> str:
    """Return what `span` should have been given."""
    if isinstance(given, Operation):
        return f"span() takes a name: an operation is observed, with observe({type(given).__name__}(...))"
    return f"span() takes a name, such as span('shop.ship', order=7), not {line_value('name', given)!r}"


def no_decorator(operation: object, function: object) -> str:
    """Return how a function is observed, for a block that stands above one."""
    name = getattr(function, "__name__", "the function")
    if isinstance(operation, Operation):
        return f"a block is no decorator: put @observed(lambda: {type(operation).__name__}(...)) above {name}"
    return f"a block is no decorator: open `with span(...)` inside {name}, or put @observed(...) above it"


def unknown_fields(operation: Operation[Any], names: Iterable[str]) -> str:
    """Return which fields an operation and its result have, for those that `set` was given and they have not."""
    known = [*operation.__fieldspecs__, *operation.__resultspecs__]
    wrong = ", ".join(f"{name}{suggestion(name, known)}" for name in names)
    return f"{type(operation).__name__} declares no {wrong}: it declares {', '.join(known) or 'none'}"


def _result(operation: type[Operation[Any]]) -> str:
    return "" if operation.__result__ is None else _call(operation.__result__, operation.__resultspecs__)


def _call(kind: type, fields: Specs) -> str:
    return f"{kind.__name__}({', '.join(f'{name}=...' for name in fields)})"
