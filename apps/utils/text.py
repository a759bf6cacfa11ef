"""Text as PostgreSQL can hold it."""

from __future__ import annotations


def storable(value: str) -> str:
    """``value`` without NUL, a lone surrogate as a question mark."""
    if "\x00" in value:
        value = value.replace("\x00", "")
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
