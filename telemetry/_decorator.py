"""`@observed`: observe a whole function as one block."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from telemetry import _health, _mistakes
from telemetry._outcomes import OutcomeMissing
from telemetry.lifecycle import Observed
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

    `operation` receives the arguments it names: `@observed(lambda order: Ship(order=order))`; a parameter with a default
    need not be the function's. An `Operation[None]` completes when the function returns; any other completes with what
    it returns, its declared result.
    """
    if not callable(operation):
        raise TypeError(f"observed() takes what makes an operation: @observed(lambda: {operation!r:.80})")

    def decorate(*decorated: Any, **options: Any) -> Callable[..., Any]:
        function = _only(decorated, options)
        name: str = getattr(function, "__qualname__", repr(function))
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{name} yields: open observe(...) inside it instead")
        opened = _opener(operation, function, name)

        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def asynchronous(*args: Any, **kwargs: Any) -> Any:
                block = opened(args, kwargs)
                if block is None:
                    return await function(*args, **kwargs)
                async with block:
                    return block.returned(await function(*args, **kwargs))

            return asynchronous

        @wraps(function)
        def synchronous(*args: Any, **kwargs: Any) -> Any:
            block = opened(args, kwargs)
            if block is None:
                return function(*args, **kwargs)
            with block:
                return block.returned(function(*args, **kwargs))

        return synchronous

    return decorate


class _Call(Observed[Any]):
    """The block of one call of a function."""

    __slots__ = ("_function",)

    def __init__(self, operation: Operation[Any], function: str) -> None:
        if not isinstance(operation, Operation):
            raise TypeError(
                f"@observed of {function}: its lambda must return Ship(order=order) or such, not {operation!r:.80}"
            )
        super().__init__(operation)
        self._function = function

    def returned(self, value: T) -> T:
        """Complete with what the function returned, where the operation has a result."""
        if isinstance(value, Result) and self._operation.__has_result__:
            self.completed(value)
        elif isinstance(value, CoroutineType | GeneratorType | AsyncGeneratorType):  # of what no signature showed
            self._miss_work(value)
        return value

    @_health.guarded
    def _miss_work(self, work: object) -> None:
        if _health.is_strict() and isinstance(work, CoroutineType):
            work.close()  # nobody will await it now
        raise TypeError(f"{self._function} returns a {type(work).__name__}, whose work begins once its block is over")

    @_health.guarded
    def _miss_outcome(self) -> None:
        raise OutcomeMissing(_mistakes.missing_return(type(self._operation), self._function))


def _opener(
    operation: Callable[..., Any], function: Callable[..., Any], name: str
) -> Callable[[tuple[Any, ...], dict[str, Any]], _Call | None]:
    """Return what makes the block of a call from its arguments; None where that fails."""
    arguments = _picked(operation, function, name)

    def opened(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call | None:
        try:
            return _Call(operation(**arguments(args, kwargs)), name)
        except Exception as error:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(error)
            return None

    return opened


def _only(decorated: tuple[Any, ...], options: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function that is decorated; what is none is a TypeError that says where the decorator belongs."""
    match decorated:
        case [classmethod() | staticmethod() as method]:
            raise TypeError(f"put @observed(...) below @{type(method).__name__}")
        case [function] if callable(function) and not options:
            return function  # type: ignore[no-any-return]
    raise TypeError("observed() takes what makes an operation: @observed(lambda order: Ship(order=order))")


def _picked(
    operation: Callable[..., Any], function: Callable[..., Any], called_as: str
) -> Callable[[tuple[Any, ...], dict[str, Any]], Mapping[str, Any]]:
    """Return a function that picks the operation's arguments from a call by name.

    Raise TypeError for a name that the function lacks and that has no default.
    """
    called = inspect.signature(function)
    wanted = inspect.signature(operation).parameters
    names = [name for name in wanted if name in called.parameters]
    if unknown := [name for name, one in wanted.items() if name not in names and one.default is inspect.Parameter.empty]:
        raise TypeError(
            f"{called_as} has no parameter {', '.join(unknown)}: it has {', '.join(called.parameters) or 'none'}"
        )

    def pick(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        given = called.bind(*args, **kwargs)
        given.apply_defaults()
        return {name: given.arguments[name] for name in names}

    return pick
