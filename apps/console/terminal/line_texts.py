"""Lines of the log as people read them: an event, its fields, and the traceback below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from apps.console.terminal.escaping import as_json
from apps.console.terminal.fitting import wrapped

_FIRST = ("timestamp", "level", "event")
_LEFT_OUT = ("span_id", "trace_flags", "exception")
_HANG = 4


def text_lines(line: Mapping[str, Any], *, width: int | None) -> Iterator[str]:
    """Yield a line as text: moment, level and event, then its fields but for those that only programs need."""
    moment = str(line.get("timestamp", "")).replace("T", " ").removesuffix("Z")
    head = f"{moment[:23]}  {line.get('level', '')}  {line.get('event', '')}"
    fields = [f"{name}={_value(value)}" for name, value in line.items() if name not in (*_FIRST, *_LEFT_OUT)]
    yield from wrapped("  ".join([head, *fields]), width, hang=_HANG)
    yield from _traceback_lines(str(line.get("exception") or ""), width)


def _traceback_lines(traceback: str, width: int | None) -> Iterator[str]:
    """Yield a traceback without its underlines, which a wrapped line does not stand above, and with paths from here."""
    for one in traceback.replace(f'"{Path.cwd()}/', '"').split("\n"):
        if one.strip(" ^~"):
            indent = _HANG + len(one) - len(one.lstrip())
            yield from wrapped(f"{' ' * indent}{one.lstrip()}", width, hang=indent + _HANG)


def _value(value: Any) -> str:
    """Return a value bare where that reads the same, else as JSON."""
    return value if isinstance(value, str) and value and not set(value) & set(" =\"'") else as_json(value)
