"""Levels are the standard library's, by whichever of their names somebody calls them."""

from __future__ import annotations

import logging

import pytest

from telemetry.model import Level


def test_levels_have_the_standard_librarys_numbers() -> None:
    """So that a line's level may be compared with a logger's."""
    assert {level.name: int(level) for level in Level}.items() <= logging.getLevelNamesMapping().items()


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("DEBUG", Level.DEBUG),
        ("info", Level.INFO),
        ("Warning", Level.WARNING),
        ("warn", Level.WARNING),
        ("FATAL", Level.CRITICAL),
        ("exception", Level.ERROR),
        ("msg", Level.INFO),
        ("verbose", None),
        ("", None),
    ],
)
def test_a_level_is_known_by_each_of_its_names(name: str, level: Level | None) -> None:
    """Those of loggers' methods, too, in any case; what names none is none."""
    assert Level.named(name) is level
