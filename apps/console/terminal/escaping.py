"""Escape texts of others, line by line or as JSON, so that they cannot affect the terminal."""

from __future__ import annotations

import json
from typing import Any

from telemetry import visible, visible_json


def visible_lines(text: str) -> str:
    """Return a text of several lines, such as a traceback, with each line made visible."""
    return "\n".join(map(visible, text.split("\n")))


def as_json(value: Any) -> str:
    """Return JSON on one line, with invisible and control characters as JSON escapes."""
    return visible_json(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
