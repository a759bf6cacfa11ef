"""A slip in a name is answered with the name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean ...?)" for the known name that is nearest to `name`, or nothing when none is near."""
    near = get_close_matches(name, map(str, known))
    return f" (did you mean {near[0]!r}?)" if near else ""
