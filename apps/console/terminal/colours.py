"""Colours with one meaning everywhere: how something ended, what a moment went into, how grave a line is.

Each is the parameter of a terminal's Select Graphic Rendition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.explain.parts import Part
from telemetry import visible
from telemetry.model import Level

PLAIN, FINE, BAD, UNDECIDED, AT_WORK, CALLED_OFF, ASIDE, STRONG = "", "32", "1;31", "33", "36", "35", "2", "1"

OF_STATE: Mapping[str, str] = {
    "completed": FINE,
    "synced": FINE,
    "partial": BAD,
    "failed": BAD,
    "dead": BAD,
    "silent": BAD,
    "waiting": UNDECIDED,
    "queued": UNDECIDED,
    "running": AT_WORK,
    "cancelled": CALLED_OFF,
}

OF_PART: Mapping[Part, str] = {
    Part.GITHUB_ANSWERING: "34",
    Part.PRIMARY_WAIT: "33",
    Part.SECONDARY_WAIT: "93",
    Part.BACK_OFF: "35",
    Part.LANE: "95",
    Part.QUEUE: "90",
    Part.DATABASE: "32",
    Part.OUR_OWN_WORK: "36",
    Part.DEAD_UNTIL_FOUND: "31",
    Part.OPEN_NOW: "96",
    Part.UNEXPLAINED: "37",
}

OF_LEVEL: Mapping[Level, str] = {
    Level.DEBUG: ASIDE,
    Level.INFO: FINE,
    Level.WARNING: UNDECIDED,
    Level.ERROR: BAD,
    Level.CRITICAL: BAD,
}

Pieces = Sequence[tuple[str, str]]
"""A line of text in pieces, each with its colour."""


def plain(line: Pieces) -> str:
    """Return a line without colours, with control characters made visible."""
    return visible("".join(text for text, _ in line)).rstrip()


def painted(line: Pieces) -> str:
    """Return a line with its colours; text of others in it cannot paint anything."""
    return "".join(f"\x1b[{colour}m{visible(text)}\x1b[0m" if colour and text else visible(text) for text, colour in line)
