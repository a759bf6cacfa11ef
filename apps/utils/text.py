"""Text as PostgreSQL can store it."""

from __future__ import annotations


def storable(value: str) -> str:
    """Return `value` without NUL characters, and with a question mark for each lone surrogate."""
    if "\x00" in value:
        value = value.replace("\x00", "")
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
