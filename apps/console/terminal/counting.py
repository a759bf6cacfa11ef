"""Counts as people read them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 review`, `2,504 reviews`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
