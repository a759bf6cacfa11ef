"""Replace secrets, recognized by their shape, wherever text leaves the process.

The text around a secret stays, because it helps: `https://[redacted]@host/path`, `access_token=[redacted]`. Shapes are
data (`telemetry._shapes`), and an application adds its own (`add_shapes`).

A commit's hash is 40 hexadecimal digits, and so was a GitHub token before 2021. It stays unless the words just before
it say that it is a token: `access_token=…`, `Bad credentials for …`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from telemetry._shapes import BEHEADED, REDACTED, SURROUNDED, TOKENS, WORDS, Shape, is_secret_name, lower

__all__ = ["REDACTED", "add_shapes", "is_secret_name", "redact"]

clean_texts: set[str] = set()
"""Short texts already found free of secrets: names, statuses and ids recur again and again."""

_CLEAN_LENGTH = 128
_CLEAN_COUNT = 8192
_HIDING = re.compile(
    r"(?:[\x1b\x9b]\[?|\\(?:x1b|u001b|033|e)\[)[0-9;?]{0,32}[A-Za-z]"
    "|[\0\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)
"""Terminal sequences, raw or quoted, and invisible characters: a secret may have one inside."""
_RUN = re.compile(r"[A-Za-z0-9_./:-]{14}")  # shorter than any token with a shape of its own


class _Known:
    """The shapes that this process adds to ours; replaced as a whole, so that no thread sees half of them."""

    added: tuple[Shape, ...] = ()


def redact(text: str) -> str:
    """Return `text` without secrets, or the same object if it has none."""
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
    """Return the end of a longer text without secrets, including the rest of a private key that began before it."""
    return redact(BEHEADED.sub(REDACTED, text, count=1))


def add_shapes(patterns: Iterable[str]) -> None:
    """Treat every match of these regular expressions as a secret too; raise ValueError for an invalid one, naming it.

    An expression that backtracks costs the host time: give each repetition a bound.
    """
    added = []
    for pattern in patterns:
        try:
            added.append(Shape(name="one of the application's", pattern=re.compile(pattern)))
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    _Known.added = (*_Known.added, *added)
    clean_texts.clear()


def _remembered(text: str) -> str:
    """Remember and return a text without secrets; one with a secret is never kept in memory."""
    if len(text) <= _CLEAN_LENGTH:
        if len(clean_texts) >= _CLEAN_COUNT:
            clean_texts.clear()
        clean_texts.add(text)
    return text
