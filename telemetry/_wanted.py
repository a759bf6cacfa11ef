"""What is looked for among spans and lines: values by key, compared as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

Wanted = str | int | Collection[str | int]
"""A value that is looked for, or several of which any will do; compared as text."""

_PLAIN = re.compile(r"[\w.:/@-]+", re.ASCII)
"""Text that every writer of JSON writes the same way."""


def matcher(wanted: Mapping[str, Wanted]) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells whether a line, or a span's attributes, have each of the wanted values."""
    texts = {key: texts_of(value) for key, value in wanted.items()}
    return lambda found: all(key in found and _text(found[key]) in values for key, values in texts.items())


def texts_of(wanted: Wanted) -> frozenset[str]:
    """Return the wanted values as text."""
    return frozenset(map(_text, [wanted] if isinstance(wanted, str | int) else wanted))


def needles_of_lines(wanted: Mapping[str, Wanted]) -> list[str]:
    """Return texts of which each wanted line has one, so that other lines need not be parsed; none if any may be wanted."""
    for key, value in wanted.items():
        if texts := _plain_texts(value):
            return [f'"{key}":{gap}{form}' for text in texts for gap in ("", " ") for form in (text, f'"{text}"')]
    return []


def needles_of_spans(wanted: Mapping[str, Wanted]) -> list[str]:
    """Return texts of which each wanted span's request has one; none if any may be wanted."""
    return next((texts for value in wanted.values() if (texts := _plain_texts(value))), [])


def _plain_texts(wanted: Wanted) -> list[str]:
    texts = texts_of(wanted)
    return list(texts) if all(map(_PLAIN.fullmatch, texts)) else []


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)  # as JSON and Jaeger write it
