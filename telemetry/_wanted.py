"""What is looked for among spans and lines: values by key, compared as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

Wanted = str | int | Collection[str | int]
"""A value that is looked for, or several of which any will do; compared as text."""

_PLAIN = re.compile(r"[\w.:/@-]+", re.ASCII)
"""Text that every writer of JSON writes the same way."""
_TELLING = 16
"""Characters of an id that stands nowhere by chance, so that it can be looked for without its key."""
_FEW = 2
"""Each is looked for by itself."""


def matcher(wanted: Mapping[str, Wanted]) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells whether a line, or a span's attributes, have each of the wanted values."""
    texts = {key: texts_of(value) for key, value in wanted.items()}
    return lambda found: all(key in found and _text(found[key]) in values for key, values in texts.items())


def texts_of(wanted: Wanted) -> frozenset[str]:
    """Return the wanted values as text."""
    return frozenset(map(_text, [wanted] if isinstance(wanted, str | int) else wanted))


def in_lines(wanted: Mapping[str, Wanted]) -> list[re.Pattern[bytes]]:
    """Return patterns of which each wanted line has one, so that no other need be parsed; none if any may be wanted."""
    if ids := _ids(wanted):
        return exactly(ids)
    for key, value in wanted.items():
        if texts := _plain_texts(value):
            values = b"|".join(sorted(re.escape(text.encode()) for text in texts))
            return [re.compile(b'"%b": ?"?(?:%b)"?[,}]' % (re.escape(key.encode()), values))]
    return []


def in_spans(wanted: Mapping[str, Wanted]) -> list[re.Pattern[bytes]]:
    """Return patterns of which each wanted span's request has one; none if any may be wanted."""
    return exactly(_ids(wanted) or next((texts for value in wanted.values() if (texts := _plain_texts(value))), []))


def exactly(texts: Collection[str]) -> list[re.Pattern[bytes]]:
    """Return patterns that find these texts: one for each, since of several at once each byte is looked at by itself."""
    return [re.compile(re.escape(text.encode())) for text in texts]


def _ids(wanted: Mapping[str, Wanted]) -> list[str]:
    """Return the values of a key that has a few ids alone, if one has: what is looked for fastest."""
    for value in wanted.values():
        texts = _plain_texts(value)
        if 0 < len(texts) <= _FEW and all(len(text) >= _TELLING for text in texts):
            return texts
    return []


def _plain_texts(wanted: Wanted) -> list[str]:
    texts = texts_of(wanted)
    return list(texts) if all(map(_PLAIN.fullmatch, texts)) else []


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)  # as JSON and Jaeger write it
