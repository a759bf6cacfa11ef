"""Suggest the name that was probably meant by a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean ...?)" for the known name nearest to `name`, or "" if none is near."""
    near = get_close_matches(name, map(str, known))
    return f" (did you mean {near[0]!r}?)" if near else ""
