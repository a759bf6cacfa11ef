"""Make texts of others visible, line by line or as JSON, so that they do nothing to the terminal."""

from __future__ import annotations

import json
from typing import Any

from telemetry import visible


def visible_lines(text: str) -> str:
    """Return a text of several lines, such as a traceback, with each line made visible."""
    return "\n".join(map(visible, text.split("\n")))


def as_json(value: Any) -> str:
    """Return JSON on one line in which invisible and control characters stand as JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if visible(text) == text else "".join(map(_json_escape, text))


def _json_escape(character: str) -> str:
    if visible(character) == character:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
