"""Lay out lines for a terminal's width without breaking a word or a number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rich.cells import cell_len

from apps.console.terminal.escaping import as_json
from telemetry import visible

_UNIT = re.compile(r"\s*\S+(?: \S+)*")  # words with one space between them, such as a number and what it counts
_WORD = re.compile(r"\s*\S+")
_LEFT_OUT = " …}"


def wrapped(line: str, width: int | None, *, hang: int = 0) -> list[str]:
    """Return `line`, made visible, as lines no wider than `width` if its words allow; None leaves it whole.

    It is broken at double spaces if that is enough, else between words. Continuation lines are indented by `hang`.
    """
    line = visible(line).expandtabs(4)
    if width is None or cell_len(line) <= width:
        return [line]
    return list(_filled(line, width, min(hang, width // 2)))


def _filled(line: str, width: int, hang: int) -> Iterator[str]:
    shown = ""
    for unit in _UNIT.findall(line):
        fits_alone = hang + cell_len(unit.strip()) <= width
        for part in [unit] if fits_alone else _WORD.findall(unit):
            if shown and cell_len(shown) + cell_len(part) > width:
                yield shown
                begun = part.strip()
                shown = " " * min(hang, width - cell_len(begun)) + begun  # a long word is indented less
            else:
                shown += part
    yield shown


def json_lines(line: Mapping[str, Any], width: int, *, most: int) -> Iterator[str]:
    """Yield a line of JSON on up to `most` terminal lines, broken between fields; `…` marks an omission."""
    fields = [f"{as_json(name)}:{as_json(value)}" for name, value in line.items()]
    shown, row, begun = "{", 1, False
    for number, field in enumerate(fields, start=1):
        part = field + ("," if number < len(fields) else "}")
        is_last_row = row == most
        room = width - (cell_len(_LEFT_OUT) if is_last_row and number < len(fields) else 0)
        if cell_len(shown) + cell_len(part) > room:
            if is_last_row:
                yield shown + _LEFT_OUT
                return
            if begun:
                yield shown
                shown, row = " ", row + 1
        shown, begun = shown + part, True
    yield shown
