"""structlog's loggers for applications: whatever they are given, they raise nothing into the application.

structlog's own raise TypeError for a mismatched placeholder, for a field named `event` or `self`, and for a missing
event; KeyError for a level between the known ones; and whatever the truth of `stack_info` raises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from telemetry._lines.standard import formatted, is_asked_for
from telemetry.model import Level

_TAKEN = frozenset({"self", "event", "method_name", "level"})
"""Names of structlog's own parameters."""

_render_stack = structlog.processors.StackInfoRenderer()
_structlogs: Any = structlog.make_filtering_bound_logger(logging.NOTSET)


def add_stack(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the stack where `stack_info` asks for it: a processor of structlog's chain."""
    if "stack_info" in event:
        event["stack_info"] = is_asked_for(event["stack_info"])
        return _render_stack(logger, method, event)
    return event


def _saying(name: str) -> Callable[..., Any]:
    say = getattr(_structlogs, name)

    def method(self: Any, event: object = None, /, *args: Any, **fields: Any) -> Any:
        if args:
            event = formatted(event, args)
        return say(self, event, **(fields if _TAKEN.isdisjoint(fields) else _beside(fields)))

    return method


def _logging(name: str) -> Callable[..., Any]:
    log = getattr(_structlogs, name)

    def method(self: Any, level: object, event: object = None, /, *args: Any, **fields: Any) -> Any:
        if args:
            event = formatted(event, args)
        return log(self, _known(level), event, **(fields if _TAKEN.isdisjoint(fields) else _beside(fields)))

    return method


def _known(level: object) -> int:
    """Return the nearest known level at or below this one; INFO for anything that is not a level."""
    if isinstance(level, str):
        return Level.named(level) or Level.INFO
    if not isinstance(level, int):
        return Level.INFO
    return max((known for known in Level if known <= level), default=Level.DEBUG)


def _beside(fields: dict[str, Any]) -> dict[str, Any]:
    return {f"field_{name}" if name in _TAKEN else name: value for name, value in fields.items()}


_NAMES = ("debug", "info", "msg", "warning", "warn", "error", "critical", "fatal", "exception")

Logger: type = type(
    "Logger",
    (_structlogs,),
    {name: _saying(name) for each in _NAMES for name in (each, f"a{each}")}
    | {name: _logging(name) for name in ("log", "alog")},
)
"""What `structlog.get_logger()` returns if telemetry has configured structlog."""
