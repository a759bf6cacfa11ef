"""Fit lines to a terminal's width without breaking a word or a number."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from apps.console.terminal.printing import as_json


def fitted(line: str, width: int) -> str:
    """Return `line` cut before the first word that does not fit, and marked as cut."""
    if len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    kept = line[: width - 1]
    if line[width - 1] != " ":
        kept = kept.rpartition(" ")[0]
    opened = kept.rfind("(")
    if opened > kept.rfind(")"):  # half a remark says nothing
        kept = kept[:opened]
    return f"{kept.rstrip() or indent}…"


def json_lines(line: Mapping[str, Any], width: int) -> Iterator[str]:
    """Yield one JSON line over several of the terminal's, broken between its fields alone."""
    fields = [f"{as_json(name)}:{as_json(value)}" for name, value in line.items()]
    shown = ""
    for number, field in enumerate(fields):
        part = ("{" if number == 0 else "") + field + ("," if number < len(fields) - 1 else "}")
        if shown and len(shown) + len(part) > width:
            yield shown
            shown = " "
        shown += part
    yield shown


def sentence_lines(text: str, width: int) -> list[str]:
    """Return `text` wrapped between its words."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
