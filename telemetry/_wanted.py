"""Match spans and lines by wanted values under their keys, compared as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from telemetry._searching import Needle

Wanted = str | int | Collection[str | int]
"""A wanted value, or several of which any will do; compared as text."""

_PLAIN = re.compile(r"""[ !#$%()*+,./0-9:;=?@A-Z\[\]^_`a-z{|}~-]+""")
"""Text that every JSON writer writes alike: ASCII without what some of them escape."""
_TELLING = 16
"""Length from which an id occurs nowhere by chance, so that it can be looked for without its key."""
_FEW = 2
"""Up to this many values, each is looked for separately."""
_KEYS_OF_IDS = {"trace_id": "traceId", "span_id": "spanId"}
"""The keys of ids in OTLP JSON."""


def matcher(wanted: Mapping[str, Wanted]) -> Callable[[Mapping[str, Any]], bool]:
    """Return a predicate for lines, or spans' attributes, that have each of the wanted values."""
    texts = {key: texts_of(value) for key, value in wanted.items()}
    return lambda found: all(key in found and _text(found[key]) in values for key, values in texts.items())


def texts_of(wanted: Wanted) -> frozenset[str]:
    """Return the wanted values as text."""
    return frozenset(map(_text, [wanted] if isinstance(wanted, str | int) else wanted))


def in_lines(wanted: Mapping[str, Wanted]) -> list[Needle]:
    """Return needles, one of which is in each line worth parsing; none if any line may be wanted."""
    if ids := _ids(wanted):
        return exactly(ids)
    key, texts = _fewest(wanted)
    return [_under(key, texts)] if texts else []


def in_spans(wanted: Mapping[str, Wanted]) -> list[Needle]:
    """Return needles, one of which is in the request of each wanted span; none if any may be wanted."""
    if ids := _ids(wanted):
        return exactly(ids)
    key, texts = _fewest(wanted)
    return [_under(_KEYS_OF_IDS[key], texts)] if texts and key in _KEYS_OF_IDS else exactly(texts)


def exactly(texts: Collection[str]) -> list[Needle]:
    """Return needles that find these texts."""
    return [text.encode() for text in texts]


def _ids(wanted: Mapping[str, Wanted]) -> list[str]:
    """Return the values of a key that has only a few ids, if there is one: those are found fastest."""
    texts = map(_plain_texts, wanted.values())
    return next((ids for ids in texts if 0 < len(ids) <= _FEW and all(len(text) >= _TELLING for text in ids)), [])


def _fewest(wanted: Mapping[str, Wanted]) -> tuple[str, list[str]]:
    """Return the key with the fewest values, and these as text; nothing if none can be looked for literally."""
    plain = {key: texts for key, value in wanted.items() if (texts := _plain_texts(value))}
    return min(plain.items(), key=lambda item: len(item[1]), default=("", []))


def _under(key: str, texts: Collection[str]) -> Needle:
    """Return a pattern that finds a key with any of these values in one pass; its literal beginning is found quickly.

    Values with a common beginning form a group, so that the regular expression engine compares that beginning once.
    """
    alike = groupby(sorted(texts), key=itemgetter(0))
    groups = b"|".join(b"(?:%b)" % b"|".join(re.escape(text.encode()) for text in group) for _, group in alike)
    return re.compile(b'"%b": ?"?(?:%b)"?[,}]' % (re.escape(key.encode()), groups))


def _plain_texts(wanted: Wanted) -> list[str]:
    texts = texts_of(wanted)
    return list(texts) if all(map(_PLAIN.fullmatch, texts)) else []


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)  # as JSON and Jaeger write it
