"""One kind of secret, and how to remove it from a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of secret: what `pattern` matches becomes `replacement`."""

    name: str
    pattern: re.Pattern[str]
    starts: tuple[str, ...] = ()
    """Lower-case beginnings of a match; without them the pattern is tried everywhere, which takes far longer."""
    replacement: str | Callable[[re.Match[str]], str] = REDACTED

    def remove(self, text: str, lowered: str) -> tuple[str, str]:
        """Return both texts without secrets of this shape; `lowered` is the text in lower case, with the same length."""
        if not self.starts:
            redacted = self.pattern.sub(self.replacement, text)
            return redacted, lower(redacted)
        kept, kept_lowered, end = [], [], 0
        for at in self._places(lowered):
            if at >= end and (found := self.pattern.match(text, at)) is not None:
                instead = self.replacement(found) if callable(self.replacement) else found.expand(self.replacement)
                kept += [text[end:at], instead]
                kept_lowered += [lowered[end:at], lower(instead)]
                end = found.end()
        if not kept:
            return text, lowered
        return "".join([*kept, text[end:]]), "".join([*kept_lowered, lowered[end:]])

    def _places(self, lowered: str) -> Iterator[int]:
        """Yield where a secret may start, from left to right."""
        places = []
        for start in self.starts:
            at = lowered.find(start)
            while at >= 0:
                places.append(at)
                at = lowered.find(start, at + len(start))
        return iter(sorted(places))


def lower(text: str) -> str:
    """Return the text in lower case, each character in its place."""
    return text.lower() if text.isascii() else text.replace("\u0130", "i").lower()  # this one would become two
