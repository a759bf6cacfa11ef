"""What may stand in place of a piece of a text: in SQL, and in how a number is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SQL = re.compile(r"\b(?:SELECT|UPDATE|DELETE|INSERT|MERGE|AND|ORDER BY)\b")
_IN_BRACKETS = r"\((?:[^()]|\([^()]*\))*\)"
_CONDITION = re.compile(
    r"""\s+(?:AND|WHERE)\s+(?:(?!\s+(?:AND|OR|THEN|GROUP|ORDER|RETURNING|HAVING|LIMIT)\b)"""
    rf"""(?:[^\n"'{{}}()]|\{{[^{{}}]*\}}|{_IN_BRACKETS}))+"""
)
_LEFT_OUT = re.compile(r" (?:DESC|SKIP LOCKED|DISTINCT)\b(?! FROM| ON)")
_OPPOSITES = {
    "least(": "greatest(",
    "greatest(": "least(",
    "min(": "max(",
    "max(": "min(",
    " < ": " <= ",
    " <= ": " < ",
    " > ": " >= ",
    " >= ": " > ",
    " IS NULL": " IS NOT NULL",
    " IS NOT NULL": " IS NULL",
    "NOT EXISTS": "EXISTS",
    "NOT IN (": "IN (",
    " OR ": " AND ",
}
_OPPOSITE = re.compile("|".join(map(re.escape, sorted(_OPPOSITES, key=len, reverse=True))))
_PADDED = re.compile(r"(?<=:)0\d+(?=x\})")


def mistaken(text: str, *, is_formatted: bool) -> Iterator[tuple[re.Match[str], str]]:
    """Yield what was found in the source of a string, and what may stand there instead."""
    if is_formatted:
        yield from ((found, "") for found in _PADDED.finditer(text))
    if not _SQL.search(text):
        return
    for found in _CONDITION.finditer(text):
        yield found, _without(found[0])
    yield from ((found, "") for found in _LEFT_OUT.finditer(text))
    yield from ((found, _OPPOSITES[found[0]]) for found in _OPPOSITE.finditer(text))


def _without(condition: str) -> str:
    """Return what may stand in place of a condition that is left out; a value by position is still taken."""
    word, _, asked = condition.strip().partition(" ")
    if "%s" in asked:
        return f" {word} ({asked} OR true)"
    return " WHERE true" if word == "WHERE" else ""
