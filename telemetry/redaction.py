"""Secrets, known by their shape, are replaced wherever text leaves the process.

What surrounds a secret stays, because it helps: `https://[redacted]@host/path`, `access_token=[redacted]`. Shapes are data
(`telemetry._shapes`), and an application adds its own (`add_shapes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from telemetry._shapes import REDACTED, SECRET_NAME, SHAPES, Shape

__all__ = ["REDACTED", "add_shapes", "is_secret_name", "redact"]

clean_texts: set[str] = set()
"""Short texts that were looked at and hold no secret: names, statuses and ids come again and again."""

_CLEAN_LENGTH = 128
_CLEAN_COUNT = 8192


class _Known:
    """The shapes of this process; replaced whole, so that no thread meets half of them."""

    shapes = SHAPES
    hints = tuple(dict.fromkeys(hint for shape in SHAPES for hint in shape.hints))
    has_shape_without_hints = False


def redact(text: str) -> str:
    """Return `text` without secrets; the same text if it has none."""
    if text in clean_texts:
        return text
    lowered = text.lower()
    for hint in _Known.hints:  # nearly all text ends here
        if hint in lowered:
            break
    else:
        if not _Known.has_shape_without_hints:
            return _remembered(text)
    redacted = text
    for shape in _Known.shapes:
        if not shape.hints or any(hint in lowered for hint in shape.hints):
            redacted = shape.pattern.sub(shape.replacement, redacted)
    return _remembered(text) if redacted == text else redacted


def add_shapes(patterns: Iterable[str]) -> None:
    """Let every match of these regular expressions be a secret, too; one that is none is a ValueError which names it.

    An expression that backtracks costs the host its time: give each repetition a bound.
    """
    added = []
    for pattern in patterns:
        try:
            added.append(Shape("one of the application's", re.compile(pattern)))
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    _Known.shapes = (*_Known.shapes, *added)
    _Known.has_shape_without_hints = _Known.has_shape_without_hints or bool(added)
    clean_texts.clear()


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Return whether a field of this name holds a secret by definition: `password`, `access_token`, `X-Api-Key`."""
    return SECRET_NAME.fullmatch(name) is not None


def _remembered(text: str) -> str:
    """Return a clean text, which need not be looked at again; no text with a secret is ever kept in memory."""
    if len(text) <= _CLEAN_LENGTH:
        if len(clean_texts) >= _CLEAN_COUNT:
            clean_texts.clear()
        clean_texts.add(text)
    return text
