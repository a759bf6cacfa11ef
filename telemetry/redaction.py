"""Secrets, known by their shape, are replaced wherever text leaves the process.

What surrounds a secret stays, because it helps: `https://[redacted]@host/path`, `access_token=[redacted]`. Shapes are data
(`telemetry._shapes`), and an application adds its own (`add_shapes`).

A commit's name is 40 hexadecimal digits, and so were GitHub's tokens before 2021. It stays, unless the words just before it
say that it is a token: `access_token=…`, `Bad credentials for …`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from telemetry._shapes import BEHEADED, REDACTED, SURROUNDED, TOKENS, WORDS, Shape, is_secret_name, lower

__all__ = ["REDACTED", "add_shapes", "is_secret_name", "redact"]

clean_texts: set[str] = set()
"""Short texts that were looked at and hold no secret: names, statuses and ids come again and again."""

_CLEAN_LENGTH = 128
_CLEAN_COUNT = 8192
_HIDING = re.compile(
    r"(?:[\x1b\x9b]\[?|\\(?:x1b|u001b|033|e)\[)[0-9;?]{0,32}[A-Za-z]"
    "|[\0\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)
"""Sequences of a terminal, as they are or quoted, and characters that nobody sees: a secret may have one inside."""
_RUN = re.compile(r"[A-Za-z0-9_./:-]{14}")  # shorter than any token that is known by itself


class _Known:
    """The shapes that this process adds to ours; replaced whole, so that no thread meets half of them."""

    added: tuple[Shape, ...] = ()


def redact(text: str) -> str:
    """Return `text` without secrets; the same text if it has none."""
    if text in clean_texts:
        return text
    redacted = _redacted(text)
    if not text.isascii() or "\x1b" in text or "\0" in text or "\\" in text:
        for instead in "", " ":  # a sequence may stand inside a secret, or part it from a word
            bare = _HIDING.sub(instead, text)
            if bare == text:
                break
            clean = _redacted(bare)
            if clean != _HIDING.sub(instead, redacted) and clean.count(REDACTED) >= redacted.count(REDACTED):
                return clean
    return _remembered(text) if redacted == text else redacted


def _redacted(text: str) -> str:
    redacted, lowered = text, lower(text)
    for word in WORDS:  # nearly all text has none of them
        if word in lowered:
            for shape in SURROUNDED:
                redacted, lowered = shape.remove(redacted, lowered)
            break
    if _RUN.search(redacted) is not None:
        for shape in TOKENS:
            redacted, lowered = shape.remove(redacted, lowered)
    for shape in _Known.added:
        redacted, lowered = shape.remove(redacted, lowered)
    return redacted


def redact_tail(text: str) -> str:
    """Return the end of a longer text without secrets, also without what is left of a private key that began before."""
    return redact(BEHEADED.sub(REDACTED, text, count=1))


def add_shapes(patterns: Iterable[str]) -> None:
    """Let every match of these regular expressions be a secret, too; one that is none is a ValueError which names it.

    An expression that backtracks costs the host its time: give each repetition a bound.
    """
    added = []
    for pattern in patterns:
        try:
            added.append(Shape(name="one of the application's", pattern=re.compile(pattern)))
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    _Known.added = (*_Known.added, *added)
    clean_texts.clear()


def _remembered(text: str) -> str:
    """Return a clean text, which need not be looked at again; no text with a secret is ever kept in memory."""
    if len(text) <= _CLEAN_LENGTH:
        if len(clean_texts) >= _CLEAN_COUNT:
            clean_texts.clear()
        clean_texts.add(text)
    return text
