"""Bound context: what every line and span carries, including those of tasks sent from here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import lru_cache
from itertools import compress
from operator import is_
from typing import Any, NamedTuple

from structlog.contextvars import (
    STRUCTLOG_KEY_PREFIX,
    bind_contextvars,
    bound_contextvars,
    clear_contextvars,
    get_contextvars,
    unbind_contextvars,
)

from telemetry._boundary.spans import clean_attributes


class _Seen(NamedTuple):
    """A context's variables, which of them are bound, the bound ones with their values, and these values cleaned."""

    variables: tuple[ContextVar[Any], ...]
    are_bound: tuple[bool, ...]
    given: dict[ContextVar[Any], Any]
    clean: dict[str, Any]


_NOTHING = _Seen((), (), {}, {})


class _Last:
    """The last seen context, which is the same for many spans and lines."""

    seen = _NOTHING


class _Order:
    first: tuple[str, ...] = ()


def put_first(names: tuple[str, ...]) -> None:
    """Put these keys first in the bound context, in this order."""
    _Order.first = names
    _Last.seen = _NOTHING


@contextmanager
def bind(**context: str | float | bool | None) -> Iterator[None]:
    """Put `context` on every line and span inside, and on those of tasks sent from there; None removes a key."""
    before = get_contextvars()
    unbind_contextvars(*(name for name, value in context.items() if value is None))
    try:
        with bound_contextvars(**{name: value for name, value in context.items() if value is not None}):
            yield
    finally:
        bind_contextvars(**{name: before[name] for name in context if name in before})


def bound() -> dict[str, Any]:
    """Return the bound context in the order of lines."""
    found: dict[str, Any] = {}
    for variable, value in copy_context().items():
        name = _bound_name(variable)
        if name and value is not Ellipsis:
            found[name] = value
    return {name: found.pop(name) for name in _Order.first if name in found} | found


def clean_bound() -> dict[str, Any]:
    """Return the bound context, cleaned: the same object until something else is bound, which callers must not change."""
    context, seen = copy_context(), _Last.seen
    variables, known = tuple(context), seen.given
    if variables == seen.variables and all(map(is_, compress(context.values(), seen.are_bound), known.values())):
        return seen.clean
    given = {variable: value for variable, value in context.items() if _bound_name(variable)}
    is_same = given.keys() == known.keys() and all(map(is_, map(given.__getitem__, known), known.values()))
    clean = seen.clean if is_same else clean_attributes(bound())
    _Last.seen = _Seen(variables, tuple(variable in given for variable in variables), given, clean)
    return clean


@lru_cache(maxsize=1024)
def _bound_name(variable: ContextVar[Any]) -> str:
    """Return the key that structlog binds in `variable`, or "" for any other variable."""
    name = variable.name
    return name.removeprefix(STRUCTLOG_KEY_PREFIX) if name.startswith(STRUCTLOG_KEY_PREFIX) else ""


def clear() -> None:
    """Forget all bound context."""
    clear_contextvars()
