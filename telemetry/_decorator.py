"""`@observed`: observe a whole function as one block."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from telemetry import _health
from telemetry.lifecycle import Observed, observe
from telemetry.model import Operation, Result

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", bound=Result)


class _Completes(Protocol):
    """Decorate a function with any return value."""

    def __call__(self, function: Callable[P, T], /) -> Callable[P, T]: ...


class _CompletesWith(Protocol[D]):
    """Decorate a function that returns the operation's result."""

    @overload
    def __call__(self, function: Callable[P, D], /) -> Callable[P, D]: ...
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, D]], /) -> Callable[P, Coroutine[Any, Any, D]]: ...


@overload
def observed(operation: Callable[..., Operation[None]], /) -> _Completes: ...
@overload
def observed(operation: Callable[..., Operation[D]], /) -> _CompletesWith[D]: ...
def observed(operation: Callable[..., Operation[Any]], /) -> Any:
    """Observe every call of a function, synchronous or asynchronous, as the operation built from its arguments.

    `operation` receives the arguments it names: `@observed(lambda order: Ship(order=order))`. An
    `Operation[None]` completes when the function returns; any other completes with what it returns, its declared result.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} yields: open observe(...) inside it instead")
        arguments = _picked(operation, function)

        def opened(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Observed[Any] | None:
            try:
                return observe(operation(**arguments(args, kwargs)))
            except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
                _health.problem(error)
                return None

        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def asynchronous(*args: Any, **kwargs: Any) -> Any:
                block = opened(args, kwargs)
                if block is None:
                    return await function(*args, **kwargs)
                async with block:
                    return _ended(block, await function(*args, **kwargs))

            return asynchronous

        @wraps(function)
        def synchronous(*args: Any, **kwargs: Any) -> Any:
            block = opened(args, kwargs)
            if block is None:
                return function(*args, **kwargs)
            with block:
                return _ended(block, function(*args, **kwargs))

        return synchronous

    return decorate


def _picked(
    operation: Callable[..., Any], function: Callable[..., Any]
) -> Callable[[tuple[Any, ...], dict[str, Any]], Mapping[str, Any]]:
    """Return a function that picks the operation's arguments from a call by name; raise TypeError for unknown ones."""
    called = inspect.signature(function)
    names = list(inspect.signature(operation).parameters)
    if unknown := [name for name in names if name not in called.parameters]:
        raise TypeError(
            f"{function.__qualname__} has no parameter {', '.join(unknown)}: it has {', '.join(called.parameters)}"
        )

    def pick(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        given = called.bind(*args, **kwargs)
        given.apply_defaults()
        return {name: given.arguments[name] for name in names}

    return pick


def _ended(block: Observed[Any], returned: T) -> T:
    """Complete the block with the function's return value if that is the operation's result."""
    if isinstance(returned, Result):
        block.completed(returned)
    return returned
