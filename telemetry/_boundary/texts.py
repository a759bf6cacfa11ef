"""Text on its way out: without secrets, bounded, and valid Unicode."""

from __future__ import annotations

import re

from telemetry.redaction import clean_texts, redact

LIMIT = 16 * 1024
"""Characters of one text, unless told otherwise."""

_MARGIN = 4 * 1024  # what is cut off is redacted first: longer than any secret with its surroundings
_TAIL_SHARE = 4  # of a text that is cut, a quarter is its end: a traceback ends with what happened
_SURROGATE = re.compile("[\ud800-\udfff]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": r"\n", "\r": r"\r"}


def text(value: str, *, limit: int = LIMIT) -> str:
    """Return `value` without secrets, cut to about `limit` characters, lone surrogates replaced.

    A text that is cut keeps its head and its tail, and says how much is left out. What a cut might split is redacted first.
    """
    if value in clean_texts:
        return value
    if not value.isascii():
        value = _SURROGATE.sub("\ufffd", value)
    if len(value) <= limit:
        return redact(value)
    tail = limit // _TAIL_SHARE
    head = limit - tail
    if len(value) <= limit + 2 * _MARGIN:
        clean = redact(value)
        if len(clean) <= limit:
            return clean
        first, last = clean[:head], clean[-tail:]
    else:
        first, last = redact(value[: head + _MARGIN])[:head], redact(value[-tail - _MARGIN :])[-tail:]
    return f"{first}\n[... {len(value) - len(first) - len(last):,} characters left out ...]\n{last}"


def visible(value: str) -> str:
    r"""Return `value` as a terminal may print it: controls, line ends and invisible characters as escapes (`\x1b`, `\n`).

    A tab stays. Whatever writes text of others on a terminal calls this: an escape sequence could move the cursor or change
    colours, a newline could forge a line, and a bidirectional control could show a text in another order than it has.
    """
    return _INVISIBLE.sub(_escape, value)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _SHORT.get(character) or ascii(character)[1:-1]
