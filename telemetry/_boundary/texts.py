"""Text on its way out: without secrets, bounded, and valid Unicode."""

from __future__ import annotations

import re

from telemetry.redaction import clean_texts, redact, redact_tail

LIMIT = 16 * 1024
"""Characters of one text, unless told otherwise."""

_MARGIN = 8 * 1024  # what is cut off is redacted first: longer than any secret with its surroundings
_TAIL_SHARE = 4  # of a text that is cut, a quarter is its end: a traceback ends with what happened
_LONGEST_KEY = 256
_SURROGATE = re.compile("[\ud800-\udfff]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SHORT = {"\n": r"\n", "\r": r"\r"}


def text(value: str, *, limit: int = LIMIT) -> str:
    """Return `value` without secrets, cut to about `limit` characters, lone surrogates replaced.

    A text that is cut keeps its head and its tail, and says how much is left out. What a cut might split is redacted first.
    """
    if value in clean_texts and len(value) <= limit:
        return value
    if len(value) <= limit:
        return redact(_mended(value))
    tail = limit // _TAIL_SHARE
    head = limit - tail
    if len(value) <= limit + 2 * _MARGIN:
        clean = redact(_mended(value))
        if len(clean) <= limit:
            return clean
        first, last = clean[:head], clean[-tail:]
    else:
        first = redact(_mended(value[: head + _MARGIN]))[:head]
        last = redact_tail(_mended(value[-tail - _MARGIN :]))[-tail:]
    return f"{first}\n[... {len(value) - len(first) - len(last):,} characters left out ...]\n{last}"


def text_of_bytes(value: bytes | bytearray | memoryview) -> str:
    r"""Return what `value` says in UTF-8, as `text` does; bytes that are none become `\xff`."""
    view = memoryview(value)
    if view.nbytes <= LIMIT + 2 * _MARGIN:
        return text(view.tobytes().decode("utf-8", "backslashreplace"))
    view = view.cast("B")  # of hundreds of megabytes only the ends are looked at
    ends = view[: LIMIT + _MARGIN], view[-LIMIT - _MARGIN :]
    first, last = (end.tobytes().decode("utf-8", "backslashreplace") for end in ends)
    tail = LIMIT // _TAIL_SHARE
    head = LIMIT - tail
    return f"{redact(first)[:head]}\n[... of {view.nbytes:,} bytes in all ...]\n{redact_tail(last)[-tail:]}"


def key(name: str) -> str:
    """Return a key as one short text on one line."""
    if name in clean_texts:
        return name
    clean = text(name)
    return clean if len(clean) <= _LONGEST_KEY else f"{clean[: _LONGEST_KEY - 3]}..."


def visible(value: str) -> str:
    r"""Return `value` as a terminal may print it: controls, line ends and invisible characters as escapes (`\x1b`, `\n`).

    A tab stays. Whatever writes text of others on a terminal calls this: an escape sequence could move the cursor or change
    colours, a newline could forge a line, and a bidirectional control could show a text in another order than it has.
    """
    return _INVISIBLE.sub(_escape, value)


def visible_json(document: str) -> str:
    """Return a JSON document as a terminal may print it: with JSON's own escapes; line ends stay."""
    if document.isascii() and "\x7f" not in document:
        return document
    return _INVISIBLE.sub(_escape_in_json, document)


def _mended(value: str) -> str:
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _SHORT.get(character) or ascii(character)[1:-1]


def _escape_in_json(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\n":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
