"""Lay out log lines for people: moment, level, event and fields in columns, and the traceback below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from apps.console.terminal.colours import ASIDE, OF_LEVEL, PLAIN, STRONG, Pieces
from apps.console.terminal.escaping import as_json
from apps.console.terminal.fitting import wrapped
from telemetry import visible
from telemetry.model import Level

_FIRST = ("timestamp", "level", "event")
_LEFT_OUT = ("span_id", "trace_flags", "exception")
_IDS = ("task_id", "trace_id")
"""Long fields, mostly the same as on the previous line."""
_GAP = "  "
_WIDEST_EVENT = 26
_LEVEL_WIDTH = 7  # of `warning`
_NARROWEST_FIELDS = 36


class LineTexts:
    """Lays out consecutive lines: the date and the task and trace ids are shown only when they change."""

    def __init__(self, lines: Sequence[Mapping[str, Any]], *, width: int | None) -> None:
        self._width = width
        self._event_width = min(_WIDEST_EVENT, max((cell_len(str(line.get("event", ""))) for line in lines), default=0))
        self._shown: dict[str, Any] = {}

    def of(self, line: Mapping[str, Any]) -> Iterator[Pieces]:
        """Yield a line as text: moment, level and event, then its fields except those that only programs need."""
        date, _, moment = str(line.get("timestamp", "")).removesuffix("Z").partition("T")
        if self._changes("date", date):
            yield [(f"── {visible(date)} UTC", ASIDE)]
        level = Level.named(str(line.get("level"))) or Level.DEBUG
        left_out = {*_FIRST, *_LEFT_OUT, *(name for name in _IDS if name in line and not self._changes(name, line[name]))}
        fields = _GAP.join(f"{name}={_value(value)}" for name, value in line.items() if name not in left_out)
        head = f"{visible(moment[:12]):12}{_GAP}"
        named = f"{visible(str(line.get('level', ''))):{_LEVEL_WIDTH}}{_GAP}"
        colour = OF_LEVEL[level] if level >= Level.WARNING else STRONG
        rest = list(self._columns(str(line.get("event", "")), fields, cell_len(head) + cell_len(named)))
        of_fields = ASIDE if level is Level.DEBUG else PLAIN
        yield [(head, ASIDE), (named, OF_LEVEL[level]), *_coloured(rest[0], colour, of_fields)]
        indent = " " * (cell_len(head) + cell_len(named))
        yield from ([(indent, PLAIN), *_coloured(one, colour, of_fields)] for one in rest[1:])
        yield from _traceback_lines(str(line.get("exception") or ""), self._width)

    def _changes(self, name: str, value: Any) -> bool:
        """Return whether a value differs from the one on the previous line."""
        if self._shown.get(name) == value:
            return False
        self._shown[name] = value
        return True

    def _columns(self, event: str, fields: str, at: int) -> Iterator[tuple[str, str]]:
        """Yield event and fields, side by side, or one below the other if there is no room."""
        room = None if self._width is None else max(1, self._width - at)
        beside = self._event_width + len(_GAP)
        is_narrow = room is not None and room - beside < _NARROWEST_FIELDS
        if is_narrow or (cell_len(visible(event)) > self._event_width and room is not None):
            yield from ((one, "") for one in wrapped(event, room))
            indent = _GAP if is_narrow else " " * beside
            below = wrapped(fields, None if room is None else room - len(indent)) if fields else []
            yield from (("", indent + one) for one in below)
            return
        first, *more = wrapped(fields, None if room is None else room - beside)
        padding = " " * max(len(_GAP), beside - cell_len(visible(event)))
        yield event, padding + first
        yield from (("", " " * beside + one) for one in more)


def _coloured(columns: tuple[str, str], of_event: str, of_fields: str) -> Pieces:
    return [(columns[0], of_event), (columns[1].rstrip(), of_fields)]


def _traceback_lines(traceback: str, width: int | None) -> Iterator[Pieces]:
    """Yield a traceback with relative paths and without underlines, which would misalign under wrapped lines."""
    for one in traceback.replace(f'"{Path.cwd()}/', '"').split("\n"):
        if one.strip(" ^~"):
            indent = len(_GAP) * 2 + len(one) - len(one.lstrip())
            for part in wrapped(f"{' ' * indent}{one.lstrip()}", width, hang=indent + 4):
                yield [(part, ASIDE)]


def _value(value: Any) -> str:
    """Return a value bare if that is unambiguous, else as JSON."""
    return value if isinstance(value, str) and value and not set(value) & set(" =\"'") else as_json(value)
